// One item, and pages of them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "stack/http/url_text.hpp"
#include "subjects/shop/cpp/replies.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;

namespace {

constexpr std::int32_t page_size = 20;
constexpr std::int32_t last_page = 10'000;

// The number of 1..max_digits digits that `text` is; -1 when it is none.
std::int32_t parse_digits(std::string_view text, std::size_t max_digits) {
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || text.size() > max_digits || !digits) return -1;
  std::int32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Whether PostgreSQL can hold it as text; no category that it cannot hold exists.
bool is_text(std::string_view category) { return !category.contains('\0') && http::utf8_length(category).has_value(); }

task<data::sql_result<data::rows>> page_of(data::pool& db, const std::optional<std::string>& category,
                                           std::int32_t offset) {
  if (category) {
    co_return co_await db.query(
        "SELECT id, name, price_cents FROM items WHERE category = $1 ORDER BY id LIMIT 20 OFFSET $2", *category,
        offset);
  }
  co_return co_await db.query("SELECT id, name, price_cents FROM items ORDER BY id LIMIT 20 OFFSET $1", offset);
}

task<data::sql_result<data::rows>> total_of(data::pool& db, const std::optional<std::string>& category) {
  if (category) co_return co_await db.query("SELECT count(*) FROM items WHERE category = $1", *category);
  co_return co_await db.query("SELECT count(*) FROM items");
}

std::string page_json(const data::rows& items, std::int32_t page, std::int64_t total) {
  std::string json = R"({"items":[)";
  for (const data::row each : items) {
    if (json.back() == '}') json += ',';
    fmt::format_to(std::back_inserter(json), R"({{"id":{},"name":)", each.get<std::int32_t>(0).value());
    append_text(json, each.get<std::string_view>(1).value());
    fmt::format_to(std::back_inserter(json), R"(,"price_cents":{}}})", each.get<std::int32_t>(2).value());
  }
  fmt::format_to(std::back_inserter(json), R"(],"page":{},"total":{}}})", page, total);
  return json;
}

}  // namespace

std::int32_t parse_id(std::string_view text) {
  constexpr std::size_t max_digits = 9;
  return std::max(parse_digits(text, max_digits), 0);
}

task<http::response> shop::item(const http::path_parameters& path) {
  const std::int32_t id = parse_id(path["id"]);
  if (id == 0) co_return refuse(400, "invalid_id");
  const auto found =
      co_await db_.query("SELECT id, name, category, description, price_cents, stock FROM items WHERE id = $1", id);
  if (!found) co_return database_failure();
  if (found->empty()) co_return refuse(404, "not_found");
  const data::row item = (*found)[0];
  std::string json = fmt::format(R"({{"id":{},"name":)", item.get<std::int32_t>(0).value());
  append_text(json, item.get<std::string_view>(1).value());
  json += R"(,"category":)";
  append_text(json, item.get<std::string_view>(2).value());
  json += R"(,"description":)";
  append_text(json, item.get<std::string_view>(3).value());
  fmt::format_to(std::back_inserter(json), R"(,"price_cents":{},"stock":{}}})", item.get<std::int32_t>(4).value(),
                 item.get<std::int32_t>(5).value());
  co_return http::response::json(std::move(json));
}

task<http::response> shop::list(http::request& asked) {
  constexpr std::size_t max_digits = 5;
  const std::optional<std::string> category = http::query_parameter(asked.query(), "category");
  const std::int32_t page = parse_digits(http::query_parameter(asked.query(), "page").value_or("1"), max_digits);
  if (page < 1 || page > last_page) co_return refuse(400, "invalid_page");
  if (category && !is_text(*category)) {
    co_return http::response::json(fmt::format(R"({{"items":[],"page":{},"total":0}})", page));
  }
  const auto items = co_await page_of(db_, category, (page - 1) * page_size);
  if (!items) co_return database_failure();
  const auto total = co_await total_of(db_, category);
  if (!total) co_return database_failure();
  co_return http::response::json(page_json(*items, page, (*total)[0].get<std::int64_t>(0).value()));
}

task<http::response> shop::image(const http::path_parameters& path) {
  const std::int32_t id = parse_id(path["id"]);
  if (id == 0) co_return refuse(400, "invalid_id");
  if (id > last_item) co_return refuse(404, "not_found");
  const result<image_store::image> found =
      co_await images_.get(workers_, static_cast<std::size_t>(id - 1) % image_count);
  if (!found) co_return refuse(503, "overloaded");
  if (*found == nullptr) co_return refuse(404, "not_found");
  http::response reply;
  reply.content_type = "image/png";
  reply.body = **found;
  co_return reply;
}

}  // namespace shop
