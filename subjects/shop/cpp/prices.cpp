// A price with the discount that the third party quotes.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "subjects/shop/cpp/replies.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;

namespace {

constexpr std::int64_t max_discount_percent = 30;

std::optional<std::int64_t> parse_discount(const std::string& body) {
  const nlohmann::json quote = nlohmann::json::parse(body, nullptr, false);
  if (!quote.is_object()) return std::nullopt;
  const auto found = quote.find("discount_percent");
  if (found == quote.end() || !found->is_number_integer()) return std::nullopt;
  const auto percent = found->get<std::int64_t>();
  if (percent < 0 || percent > max_discount_percent) return std::nullopt;
  return percent;
}

}  // namespace

task<http::response> shop::price(const http::path_parameters& path) {
  const std::int32_t id = parse_id(path["id"]);
  if (id == 0) co_return refuse(400, "invalid_id");
  const auto found = co_await db_.query("SELECT price_cents FROM items WHERE id = $1", id);
  if (!found) co_return database_failure();
  if (found->empty()) co_return refuse(404, "not_found");
  const std::int64_t price_cents = (*found)[0].get<std::int64_t>(0).value();

  const instant limit = saturating_add((co_await this_context()).on->turn_time(), third_party_limit);
  const auto quoted = co_await with_deadline(limit, quotes_.send({.target = fmt::format("/quotes/{}", id)}));
  if (!quoted) {
    co_return quoted.error().code == errc::timed_out ? refuse(504, "third_party_timeout") : refuse(502, "third_party");
  }
  const std::optional<std::int64_t> discount = quoted->status == 200 ? parse_discount(quoted->body) : std::nullopt;
  if (!discount) co_return refuse(502, "third_party");
  co_return http::response::json(fmt::format(R"({{"id":{},"price_cents":{},"discount_percent":{},"final_cents":{}}})",
                                             id, price_cents, *discount, price_cents * (100 - *discount) / 100));
}

}  // namespace shop
