#include "subjects/shop/cpp/order_body.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "stack/http/url_text.hpp"

namespace shop {
namespace {

constexpr std::size_t max_customer_length = 64;  // code points
constexpr std::size_t max_lines = 5;
constexpr std::int64_t max_quantity = 10;

// The member of `object` that is a whole number in 1..max; 0 when there is none.
std::int32_t whole(const nlohmann::json& object, const char* key, std::int64_t max) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return 0;
  // An unsigned number beyond the signed ones comes out negative.
  const auto number = found->get<std::int64_t>();
  return number >= 1 && number <= max ? static_cast<std::int32_t>(number) : 0;
}

bool parse_customer(const nlohmann::json& order, std::string& into) {
  const auto found = order.find("customer");
  if (found == order.end() || !found->is_string()) return false;
  into = found->get<std::string>();
  const std::optional<std::size_t> length = assay::http::utf8_length(into);
  return length && *length >= 1 && *length <= max_customer_length && !into.contains('\0');
}

bool parse_lines(const nlohmann::json& order, std::vector<order_line>& into) {
  const auto found = order.find("lines");
  if (found == order.end() || !found->is_array() || found->empty() || found->size() > max_lines) return false;
  for (const nlohmann::json& each : *found) {
    if (!each.is_object()) return false;
    const order_line line{.item_id = whole(each, "item_id", std::numeric_limits<std::int32_t>::max()),
                          .quantity = whole(each, "quantity", max_quantity)};
    if (line.item_id == 0 || line.quantity == 0) return false;
    into.push_back(line);
  }
  std::ranges::sort(into, {}, &order_line::item_id);
  return std::ranges::adjacent_find(into, {}, &order_line::item_id) == into.end();
}

}  // namespace

std::optional<order_body> parse_order(std::string_view json) {
  const nlohmann::json order = nlohmann::json::parse(json, nullptr, false);  // discarded, which is no object, when bad
  order_body parsed;
  if (!order.is_object() || !parse_customer(order, parsed.customer) || !parse_lines(order, parsed.lines)) {
    return std::nullopt;
  }
  return parsed;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, form, [](char c, char expected) {
    if (expected == '-') return c == '-';
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

}  // namespace shop
