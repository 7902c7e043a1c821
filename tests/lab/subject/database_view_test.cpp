// What is seen from inside in the PostgreSQL that the lab starts: a transaction that is held, and who waits for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/inside/database_sampler.hpp"
#include "lab/inside/observer.hpp"
#include "lab/subject/postgres_server.hpp"
#include "stack/data/connection.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/lab/subject/support.hpp"

namespace assay::subject {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr int most_tries = 2000;  // of 5 ms

using opened = std::unique_ptr<data::connection>;

task<opened> open(const data::connection_target* to) {
  auto made = co_await data::connection::open(*to, nullptr);
  EXPECT_TRUE(made) << describe(made.error());
  co_return made ? std::move(*made) : nullptr;
}

// Until the server says so: waits for the condition, not for a time.
task<void> until(data::connection* on, std::string sql) {
  for (int i = 0; i < most_tries; ++i) {
    const auto got = co_await on->query(sql, {});
    EXPECT_TRUE(got) << describe(got.error());
    if (!got || (*got)[0].get<bool>(0).value_or(false)) co_return;
    std::ignore = co_await delay_for(5ms);
  }
  ADD_FAILURE() << "never came: " << sql;
}

task<void> update(data::connection* on, const char* sql) {
  const auto done = co_await on->command(sql);
  EXPECT_TRUE(done) << describe(done.error());
}

// One holds a row and does nothing, another waits for it, until the sampler has looked at that for a while.
task<void> hold_a_row(const data::connection_target* to, const data::connection_target* of_administrator) {
  const opened holder = co_await open(to);
  const opened waiter = co_await open(to);
  const opened looker = co_await open(of_administrator);
  if (!holder || !waiter || !looker) co_return;
  // The sampler takes the statements' counts before its first look: what is done earlier is not told.
  co_await until(looker.get(),
                 "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%pg_blocking_pids%' "
                 "AND pid <> pg_backend_pid()");
  co_await update(holder.get(), "BEGIN");
  co_await update(holder.get(), "UPDATE things SET n = 1 WHERE id = 7");
  scope waiting(co_await this_context());
  waiting.spawn(update(waiter.get(), "UPDATE things SET n = 2 WHERE id = 7"));
  co_await until(looker.get(),
                 "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                 "AND query_start < clock_timestamp() - interval '0.3 seconds'");
  co_await until(looker.get(),
                 "SELECT count(*) > 0 FROM pg_stat_activity s, pg_stat_activity w WHERE s.query LIKE "
                 "'%pg_blocking_pids%' AND s.pid <> pg_backend_pid() AND w.wait_event_type = 'Lock' "
                 "AND s.query_start > w.query_start + interval '0.3 seconds'");
  co_await update(holder.get(), "COMMIT");
  std::ignore = co_await waiting.join();
}

TEST(database_view, shows_who_waits_for_whom_and_the_statements) {
  const temporary_directory dir;
  const auto server = postgres_server::start({.databases = {"shop"}, .log = dir.file("postgres.log")});
  ASSERT_TRUE(server) << server.error();
  ASSERT_TRUE(
      server->run_sql("shop", "CREATE TABLE things (id int PRIMARY KEY, n int); INSERT INTO things VALUES (7, 0)"));
  const auto to = data::connection_target::parse(server->url("shop"), 20s);
  const auto of_administrator = data::connection_target::parse(server->administrator_url(), 20s);
  ASSERT_TRUE(to && of_administrator);
  inside::database_sampler looks(
      {.name = "db", .url = server->administrator_url(), .database = "shop", .interval = 20ms});
  looks.start(inside::observer::now());
  auto backend = make_io({.kind = io_kind::epoll});
  ASSERT_TRUE(backend);
  loop on(std::move(*backend));
  on.run(hold_a_row(&*to, &*of_administrator));
  const auto made = looks.finish();

  EXPECT_NE(made.seen.version, "");
  EXPECT_EQ(made.seen.max_connections, 100U);
  // A look may fall into the holder's COMMIT, which is no longer idle, as long as the disk makes it wait.
  const auto worst = std::ranges::max_element(
      made.seen.looks, {}, [](const model::database_look& look) { return look.held > 0 ? look.longest_wait_s : 0; });
  ASSERT_NE(worst, made.seen.looks.end());
  EXPECT_EQ(worst->connections, 2U);
  EXPECT_EQ(worst->lock_waits, 1U);
  EXPECT_EQ(worst->held, 1U);
  EXPECT_GE(worst->of_server, 4U) << "the sampler's own counts there";
  EXPECT_GT(worst->longest_wait_s, 0.2);
  EXPECT_GT(worst->longest_idle_s, worst->longest_wait_s);
  ASSERT_FALSE(made.seen.locks.empty());  // the most often seen first
  EXPECT_EQ(made.seen.locks[0].statement, "UPDATE things SET n = ? WHERE id = ?");
  EXPECT_EQ(made.seen.locks[0].holder, "UPDATE things SET n = ? WHERE id = ?");
  EXPECT_TRUE(made.seen.locks[0].holder_idle);
  EXPECT_TRUE(made.seen.waits.contains("Lock: transactionid")) << made.seen.waits.size();
  ASSERT_FALSE(made.seen.holds.empty());
  EXPECT_EQ(made.seen.holds[0].statement, "UPDATE things SET n = ? WHERE id = ?");
  if (!made.seen.notes.empty()) {  // where the server's package is without its extensions
    EXPECT_THAT(made.seen.notes[0], HasSubstr("pg_stat_statements is not to be had"));
    return;
  }
  const auto updates = std::ranges::find(made.seen.statements, "UPDATE things SET n = $1 WHERE id = $2",
                                         &model::database_statement::text);
  ASSERT_NE(updates, made.seen.statements.end());
  EXPECT_EQ(updates->calls, 2U);
  EXPECT_EQ(updates->rows, 2U);
  EXPECT_GT(updates->total_ms, 200) << "one of them waited";
}

// As a role that may see its own connections alone.
TEST(database_view, says_what_is_hidden_from_it) {
  const temporary_directory dir;
  const auto server = postgres_server::start({.databases = {"shop", "other"}, .log = dir.file("postgres.log")});
  ASSERT_TRUE(server) << server.error();
  const auto to = data::connection_target::parse(server->url("shop"), 20s);
  ASSERT_TRUE(to);
  auto backend = make_io({.kind = io_kind::epoll});
  ASSERT_TRUE(backend);
  loop on(std::move(*backend));
  const opened of_shop = on.run(open(&*to));
  ASSERT_TRUE(of_shop);
  inside::database_sampler looks({.name = "db",
                                  .url = "host=127.0.0.1 dbname=shop user=other port=" + std::to_string(server->port()),
                                  .interval = 20ms});
  looks.start(inside::observer::now());
  const auto made = looks.finish();
  ASSERT_FALSE(made.seen.looks.empty());
  EXPECT_EQ(made.seen.looks[0].connections, 1U);
  EXPECT_EQ(made.seen.looks[0].active, 0U);
  ASSERT_FALSE(made.seen.notes.empty());
  EXPECT_THAT(made.seen.notes.back(), HasSubstr("is hidden from this one"));
}

}  // namespace
}  // namespace assay::subject
