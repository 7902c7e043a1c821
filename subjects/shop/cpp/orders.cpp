// Placing an order: one transaction, once for each Idempotency-Key.
#include <algorithm>
#include <expected>
#include <nlohmann/json.hpp>

#include "subjects/shop/cpp/shop.hpp"

namespace shop {
namespace {

std::optional<std::int64_t> whole(const nlohmann::json& of, const char* key, std::int64_t least, std::int64_t most) {
  if (!of.is_object() || !of.contains(key) || !of[key].is_number_integer()) return std::nullopt;
  const auto number = of[key].get<std::int64_t>();  // of one beyond 63 bits: negative
  return number >= least && number <= most ? std::optional(number) : std::nullopt;
}

response placed(std::int64_t id, std::int64_t total_cents) {
  return response::json(http::json_object({{"id", id}, {"total_cents", total_cents}}), 201);
}

// The line's price in cents, or the answer that ends the order.
task<std::expected<std::int64_t, response>> take_line(data::transaction& tx, std::int64_t order_id, order_line line) {
  const auto taken =
      co_await tx.query("UPDATE items SET stock = stock - $2 WHERE id = $1 AND stock >= $2 RETURNING price_cents",
                        line.item_id, line.quantity);
  if (!taken) co_return std::unexpected(database_failure());
  if (taken->empty()) {
    const auto known = co_await tx.query("SELECT 1 FROM items WHERE id = $1", line.item_id);
    if (!known) co_return std::unexpected(database_failure());
    co_return std::unexpected(known->empty() ? refuse(404, "unknown_item") : refuse(409, "out_of_stock"));
  }
  const std::int64_t price_cents = (*taken)[0].get<std::int32_t>(0).value();
  const auto added =
      co_await tx.query("INSERT INTO order_lines (order_id, item_id, quantity, price_cents) VALUES ($1, $2, $3, $4)",
                        order_id, line.item_id, line.quantity, price_cents);
  if (!added) co_return std::unexpected(database_failure());
  co_return price_cents* line.quantity;
}

// The answer that was given to this key before.
task<response> replay(data::transaction& tx, const std::string& key, const std::string& fingerprint) {
  const auto found =
      co_await tx.query("SELECT id, total_cents, fingerprint FROM orders WHERE idempotency_key = $1", key);
  if (!found || found->empty()) co_return database_failure();
  const data::row before = (*found)[0];
  if (before.text(2) != fingerprint) co_return refuse(422, "key_reused");
  response reply = placed(before.get<std::int64_t>(0).value(), before.get<std::int64_t>(1).value());
  reply.headers.emplace_back("idempotent-replayed", "true");
  co_return reply;
}

// Whatever ends this before the commit rolls back: the transaction goes with the frame.
task<response> place(shop* of, const std::string& key, const std::string& fingerprint, const order_body& order) {
  auto tx = co_await of->db.begin();
  if (!tx) co_return database_failure();
  // Waits for a transaction with the same key; no row when that one has placed its order.
  const auto fresh = co_await tx->query(
      "INSERT INTO orders (idempotency_key, fingerprint, customer, total_cents) VALUES ($1, $2, $3, 0)"
      " ON CONFLICT (idempotency_key) DO NOTHING RETURNING id",
      key, fingerprint, order.customer);
  if (!fresh) co_return database_failure();
  if (fresh->empty()) co_return co_await replay(*tx, key, fingerprint);
  const std::int64_t id = (*fresh)[0].get<std::int64_t>(0).value();
  std::int64_t total_cents = 0;
  for (const order_line& line : order.lines) {
    auto taken = co_await take_line(*tx, id, line);
    if (!taken) co_return std::move(taken.error());
    total_cents += *taken;
  }
  const auto totalled = co_await tx->query("UPDATE orders SET total_cents = $2 WHERE id = $1", id, total_cents);
  if (!totalled || !co_await tx->commit()) co_return database_failure();
  response reply = placed(id, total_cents);
  if (of->news) of->news->everywhere.say(reply.body);
  co_return reply;
}

}  // namespace

ASSAY_CORO_WRAPPER task<result<void>> order_news::listen() {
  return everywhere.run([this](const data::redis::event& next) {
    const auto id = whole_in(next.payload, "id", 1, INT64_MAX);
    // Without an id it is a gap: who follows had better look at all orders.
    std::ignore = here.tell({.data = next.payload, .type = id ? "order" : "gap", .id = std::to_string(id.value_or(0))});
    sockets.tell(id ? next.payload : R"({"gap":true})");
  });
}

task<response> follow_orders(shop* of, http::request& asked) {
  co_return asked.head().upgrade ? of->news->sockets.enter(asked) : of->news->here.follow(asked);
}

task<response> order(shop* of, http::request& asked) {
  const result<std::string> body = co_await asked.read_all(max_body_bytes);
  if (!body) co_return body_failure(body.error());
  const std::string key(asked.head().headers.find("idempotency-key").value_or(""));
  if (!http::is_uuid(key)) co_return refuse(400, "invalid_key");
  const std::optional<order_body> parsed = parse_order(*body);
  if (!parsed) co_return refuse(400, "invalid_body");
  co_return co_await place(of, key, sha256_hex(*body), *parsed);
}

std::optional<std::int64_t> whole_in(std::string_view json, const char* key, std::int64_t least, std::int64_t most) {
  return whole(nlohmann::json::parse(json, nullptr, false), key, least, most);
}

std::optional<order_body> parse_order(std::string_view json) {
  const nlohmann::json given = nlohmann::json::parse(json, nullptr, false);  // discarded, which is no object, when bad
  if (!given.is_object() || !given.contains("customer") || !given["customer"].is_string()) return std::nullopt;
  order_body order{.customer = given["customer"].get<std::string>(), .lines = {}};
  const std::size_t length = http::utf8_length(order.customer).value_or(0);
  if (length < 1 || length > 64 || order.customer.contains('\0')) return std::nullopt;
  const auto lines = given.find("lines");
  if (lines == given.end() || !lines->is_array() || lines->empty() || lines->size() > 5) return std::nullopt;
  for (const nlohmann::json& each : *lines) {
    const auto item_id = whole(each, "item_id", 1, INT32_MAX);
    const auto quantity = whole(each, "quantity", 1, 10);
    if (!item_id || !quantity) return std::nullopt;
    order.lines.push_back({.item_id = *item_id, .quantity = *quantity});
  }
  std::ranges::sort(order.lines, {}, &order_line::item_id);
  const auto twice = std::ranges::adjacent_find(order.lines, {}, &order_line::item_id);
  return twice == order.lines.end() ? std::optional(std::move(order)) : std::nullopt;
}

}  // namespace shop
