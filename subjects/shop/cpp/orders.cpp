// Placing an order: one transaction, once for each Idempotency-Key.
#include <fmt/format.h>

#include <variant>

#include "subjects/shop/cpp/order_body.hpp"
#include "subjects/shop/cpp/replies.hpp"
#include "subjects/shop/cpp/sha256.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;

namespace {

http::response placed(std::int64_t id, std::int64_t total_cents) {
  return http::response::json(fmt::format(R"({{"id":{},"total_cents":{}}})", id, total_cents), 201);
}

// The line's price in cents, or the answer that ends the order.
using line_outcome = std::variant<std::int64_t, http::response>;

task<line_outcome> take_line(data::transaction& tx, std::int64_t order_id, order_line line) {
  const auto taken =
      co_await tx.query("UPDATE items SET stock = stock - $2 WHERE id = $1 AND stock >= $2 RETURNING price_cents",
                        line.item_id, line.quantity);
  if (!taken) co_return database_failure();
  if (taken->empty()) {
    const auto known = co_await tx.query("SELECT 1 FROM items WHERE id = $1", line.item_id);
    if (!known) co_return database_failure();
    co_return known->empty() ? refuse(404, "unknown_item") : refuse(409, "out_of_stock");
  }
  const std::int32_t price_cents = (*taken)[0].get<std::int32_t>(0).value();
  const auto added =
      co_await tx.query("INSERT INTO order_lines (order_id, item_id, quantity, price_cents) VALUES ($1, $2, $3, $4)",
                        order_id, line.item_id, line.quantity, price_cents);
  if (!added) co_return database_failure();
  co_return std::int64_t{price_cents} * line.quantity;
}

// The answer that was given to this key before.
task<http::response> replay(data::transaction& tx, const std::string& key, const std::string& fingerprint) {
  const auto found =
      co_await tx.query("SELECT id, total_cents, fingerprint FROM orders WHERE idempotency_key = $1", key);
  if (!found || found->empty()) co_return database_failure();
  const data::row before = (*found)[0];
  if (before.get<std::string_view>(2).value() != fingerprint) co_return refuse(422, "key_reused");
  http::response reply = placed(before.get<std::int64_t>(0).value(), before.get<std::int64_t>(1).value());
  reply.headers.emplace_back("idempotent-replayed", "true");
  co_return reply;
}

// Whatever ends this before the commit rolls back: the transaction goes with the frame.
task<http::response> place(data::pool& db, const std::string& key, const std::string& fingerprint,
                           const order_body& order) {
  auto tx = co_await db.begin();
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
    line_outcome taken = co_await take_line(*tx, id, line);
    if (auto* refused = std::get_if<http::response>(&taken)) co_return std::move(*refused);
    total_cents += std::get<std::int64_t>(taken);
  }
  const auto totalled = co_await tx->query("UPDATE orders SET total_cents = $2 WHERE id = $1", id, total_cents);
  if (!totalled) co_return database_failure();
  const auto committed = co_await tx->commit();
  if (!committed) co_return database_failure();
  co_return placed(id, total_cents);
}

}  // namespace

task<http::response> shop::order(http::request& asked) {
  const result<std::string> body = co_await read_body(asked);
  if (!body) co_return body_failure(body.error());
  const std::string key(asked.head().headers.find("idempotency-key").value_or(""));
  if (!is_uuid(key)) co_return refuse(400, "invalid_key");
  const std::optional<order_body> parsed = parse_order(*body);
  if (!parsed) co_return refuse(400, "invalid_body");
  co_return co_await place(db_, key, hex(sha256().of(*body)), *parsed);
}

}  // namespace shop
