// A client leaves while a transaction is open for it: the transaction is rolled back at once, and the pool has its
// connection again. One leaves while a statement runs for it: the statement ends in the server as well.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "stack/http/server.hpp"
#include "tests/integration/postgres_pool_support.hpp"

namespace assay::data {
namespace {

using namespace testing_support;

class client_leaves_test : public postgres_pool_test {
 public:
  using postgres_pool_test::number;
};
INSTANTIATE_TEST_SUITE_P(backends, client_leaves_test, ::testing::ValuesIn(real_backends()), backend_name);

struct shop {
  pool* db;
  bool changed = false;                // within the transaction
  std::optional<error> ended_by = {};  // what the transaction waited for besides
};

task<http::response> order(shop* of, http::request&) {
  auto open = co_await of->db->begin();
  if (!open) co_return http::response::from(open.error());
  const auto done = co_await open->query("UPDATE things SET name = 'sold' WHERE id = 1");
  if (!done) co_return http::response::from(done.error());
  of->changed = true;
  const result<void> paid = co_await delay_for(60s);  // for somebody else, who does not answer
  if (!paid) {
    of->ended_by = paid.error();
    co_return http::response::from(paid.error());
  }
  const auto committed = co_await open->commit();
  co_return committed ? http::response::text("sold\n") : http::response::from(committed.error());
}

task<void> serve_until_drained(http::server* served, net::listener door) {
  const result<void> ended = co_await served->run(std::move(door));
  EXPECT_TRUE(ended);
}

task<void> ask_and_leave(socket_address at, const shop* of) {
  auto peer = co_await net::connect(at);
  EXPECT_TRUE(peer);
  if (!peer) co_return;
  EXPECT_TRUE(co_await peer->send_all("POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n"));
  for (int tries = 0; tries < 2000 && !of->changed; ++tries) std::ignore = co_await delay_for(2ms);
  EXPECT_TRUE(of->changed);
}

task<void> leave_in_a_transaction(pool& db, pool& other) {
  context& ctx = co_await this_context();
  shop of{.db = &db};
  http::server served([&of] ASSAY_CORO_WRAPPER(http::request & asked) { return order(&of, asked); }, {});
  auto door = net::listener::open(ctx.on->backend(), *net::parse_address("127.0.0.1", 0));
  const socket_address at = door->local_address();
  scope serving(ctx);
  serving.spawn(serve_until_drained(&served, std::move(*door)));
  co_await ask_and_leave(at, &of);

  // Waits for the lock on the row, and so for the end of the transaction.
  EXPECT_TRUE(co_await with_deadline(ctx.on->now() + 10s,
                                     other.query("UPDATE things SET name = name || ' again' WHERE id = 1")));
  served.drain();
  EXPECT_TRUE(co_await serving.join());
  EXPECT_TRUE(of.ended_by);
  if (of.ended_by) EXPECT_EQ(of.ended_by->reason, cancel_reason::peer_closed);
  EXPECT_EQ(served.counters().departures, 1u);
  EXPECT_EQ(served.counters().cut, 0u);
}

TEST_P(client_leaves_test, its_transaction_is_rolled_back_and_the_pool_has_its_connection_again) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    EXPECT_TRUE(co_await db.query("INSERT INTO things VALUES (1, 'there')"));
    pool other(options());
    co_await leave_in_a_transaction(db, other);
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things WHERE name = 'there again'"), 1);
    EXPECT_EQ(db.counters().rollbacks, 1u);
    EXPECT_EQ(db.counters().opened, 1u) << "the connection is kept";
  });
}

// --- in the middle of a statement
// --------------------------------------------------------------------------------------

task<http::response> sleep_long(pool* db, http::request&) {
  const auto slept = co_await db->query("SELECT pg_sleep(30)");
  co_return slept ? http::response::text("slept\n") : http::response::from(slept.error());
}

// Until so many of them run in the server, and within a patience that is short of their thirty seconds.
task<void> until_sleeping(pool& looks, std::int64_t wanted) {
  const char* const sql =
      "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'";
  std::int64_t sleeping = -1;
  for (int tries = 0; tries < 2000 && sleeping != wanted; ++tries) {
    sleeping = co_await client_leaves_test::number(looks, sql);
    if (sleeping != wanted) std::ignore = co_await delay_for(2ms);
  }
  EXPECT_EQ(sleeping, wanted);
}

task<void> leave_in_a_statement(pool& db, pool& looks) {
  context& ctx = co_await this_context();
  http::server served([&db] ASSAY_CORO_WRAPPER(http::request & asked) { return sleep_long(&db, asked); }, {});
  auto door = net::listener::open(ctx.on->backend(), *net::parse_address("127.0.0.1", 0));
  const socket_address at = door->local_address();
  scope serving(ctx);
  serving.spawn(serve_until_drained(&served, std::move(*door)));
  auto peer = co_await net::connect(at);
  EXPECT_TRUE(peer && co_await peer->send_all("GET / HTTP/1.1\r\nhost: shop\r\n\r\n"));
  co_await until_sleeping(looks, 1);
  peer->close();
  co_await until_sleeping(looks, 0);
  served.drain();
  EXPECT_TRUE(co_await serving.join());
  EXPECT_EQ(db.counters().abandoned, 1u);
}

TEST_P(client_leaves_test, its_statement_ends_in_the_server_too) {
  run(options(), [](pool& db) -> task<void> {
    pool looks(options());
    co_await leave_in_a_statement(db, looks);
  });
}

}  // namespace
}  // namespace assay::data
