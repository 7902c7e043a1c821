// Items: one, pages of them, their pictures, and their prices with the discount that the third party quotes.
#include <fmt/format.h>

#include "subjects/shop/cpp/shop.hpp"

namespace shop {
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
  const auto quoted = co_await of->quotes.ask({.target = fmt::format("/quotes/{}", id)});
  if (!quoted && quoted.error().code == errc::timed_out) co_return refuse(504, "third_party_timeout");
  const bool told = quoted && quoted->status == 200;
  const auto discount = whole_in(told ? quoted->body : "", "discount_percent", 0, 30);
  if (!discount) co_return refuse(502, "third_party");
  const std::int64_t final_cents = cents * (100 - *discount) / 100;
  co_return response::json(http::json_object(
      {{"id", id}, {"price_cents", cents}, {"discount_percent", *discount}, {"final_cents", final_cents}}));
}

task<response> no_id() { co_return refuse(400, "invalid_id"); }

// By the contract an id that is none is 400, and leading zeros count for nothing.
template <task<response> (*serve)(shop*, std::int32_t)>
ASSAY_CORO_WRAPPER task<response> with_id(shop* of, std::string_view text) {
  const auto id = static_cast<std::int32_t>(http::parse_whole(text, 9).value_or(0));
  return id == 0 ? no_id() : serve(of, id);
}

}  // namespace

void add_routes(shop* of) {
  using enum http::method;
  of->routes.add(get, "/items", http::with(of, &list_items));
  of->routes.add(get, "/items/{id}", http::with(of, &with_id<show_item>));
  of->routes.add(get, "/items/{id}/price", http::with(of, &with_id<show_price>));
  of->routes.add(get, "/items/{id}/image", http::with(of, &with_id<show_image>));
  of->routes.add(post, "/orders", http::with(of, &order));
  of->routes.add(post, "/checksum", http::with(of, &checksum));
  if (of->news) of->routes.add(get, "/feed/orders", http::with(of, &follow_orders));
}

}  // namespace shop
