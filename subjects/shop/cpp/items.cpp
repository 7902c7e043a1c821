// Items: one, pages of them, their pictures, and their prices with the discount that the third party quotes.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "stack/http/json.hpp"
#include "stack/http/url_text.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;

namespace {

task<response> show_item(shop* of, std::int32_t id) {
  const auto found =
      co_await of->db.query("SELECT id, name, category, description, price_cents, stock FROM items WHERE id = $1", id);
  if (!found) co_return database_failure();
  co_return found->empty() ? refuse(404, "not_found") : response::json(data::json_of((*found)[0]));
}

response page_of(std::string_view items, std::int64_t page, std::int64_t total) {
  return response::json(http::json_object({{"items", http::json_text{items}}, {"page", page}, {"total", total}}));
}

task<response> list_items(shop* of, http::request& asked) {
  const std::optional<std::string> category = http::query_parameter(asked.query(), "category");
  const std::string page_text = http::query_parameter(asked.query(), "page").value_or("1");
  const std::int64_t page = http::parse_whole(page_text, 5).value_or(0);
  if (page < 1 || page > 10'000) co_return refuse(400, "invalid_page");
  // What PostgreSQL cannot hold as text is no category.
  if (category && (category->contains('\0') || !http::utf8_length(*category))) co_return page_of("[]", page, 0);
  std::vector<data::value> values;
  if (category) values.emplace_back(*category);
  const auto total = co_await of->db.query_values(
      category ? "SELECT count(*) FROM items WHERE category = $1" : "SELECT count(*) FROM items", values);
  if (!total) co_return database_failure();
  values.emplace_back((page - 1) * 20);
  const auto items = co_await of->db.query_values(
      category ? "SELECT id, name, price_cents FROM items WHERE category = $1 ORDER BY id LIMIT 20 OFFSET $2"
               : "SELECT id, name, price_cents FROM items ORDER BY id LIMIT 20 OFFSET $1",
      std::move(values));
  if (!items) co_return database_failure();
  co_return page_of(data::json_of(*items), page, (*total)[0].get<std::int64_t>(0).value());
}

task<response> show_image(shop* of, std::int32_t id) {
  if (id > 1000) co_return refuse(404, "not_found");
  co_return co_await of->images.get(fmt::format("{}.png", (id - 1) % 8), "image/png");
}

task<response> show_price(shop* of, std::int32_t id) {
  const auto found = co_await of->db.query("SELECT price_cents FROM items WHERE id = $1", id);
  if (!found) co_return database_failure();
  if (found->empty()) co_return refuse(404, "not_found");
  const std::int64_t cents = (*found)[0].get<std::int32_t>(0).value();
  const auto quoted = co_await of->ask({.target = fmt::format("/quotes/{}", id)});
  if (!quoted && quoted.error().code == errc::timed_out) co_return refuse(504, "third_party_timeout");
  const std::string_view quote = quoted && quoted->status == 200 ? std::string_view(quoted->body) : "";
  const auto discount = whole(nlohmann::json::parse(quote, nullptr, false), "discount_percent", 0, 30);
  if (!discount) co_return refuse(502, "third_party");
  const std::int64_t final_cents = cents * (100 - *discount) / 100;
  co_return response::json(http::json_object(
      {{"id", id}, {"price_cents", cents}, {"discount_percent", *discount}, {"final_cents", final_cents}}));
}

// An id that is none is 400 by the contract, and leading zeros count for nothing.
task<response> with_id(shop* of, std::string_view text, task<response> (*serve)(shop*, std::int32_t)) {
  const auto id = static_cast<std::int32_t>(http::parse_whole(text, 9).value_or(0));
  if (id == 0) co_return refuse(400, "invalid_id");
  co_return co_await serve(of, id);
}

}  // namespace

void add_routes(shop& to) {
  const auto by_id = [of = &to](task<response> (*serve)(shop*, std::int32_t)) {
    return [of, serve] ASSAY_CORO_WRAPPER(http::request&, std::string_view id) { return with_id(of, id, serve); };
  };
  const auto by_request = [of = &to](task<response> (*serve)(shop*, http::request&)) {
    return [of, serve] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(of, asked); };
  };
  to.routes.add(http::method::get, "/items", by_request(&list_items));
  to.routes.add(http::method::get, "/items/{id}", by_id(&show_item));
  to.routes.add(http::method::get, "/items/{id}/price", by_id(&show_price));
  to.routes.add(http::method::get, "/items/{id}/image", by_id(&show_image));
  to.routes.add(http::method::post, "/orders", by_request(&order));
  to.routes.add(http::method::post, "/checksum", by_request(&checksum));
}

}  // namespace shop
