// The pool against a real PostgreSQL, on both backends: loss, restart, exhaustion, deadlines, rollback.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "stack/data/postgres.hpp"
#include "stack/observe/exposition.hpp"
#include "stack/observe/mirror.hpp"
#include "tests/integration/postgres_pool_support.hpp"

namespace assay::data {
namespace {

using namespace testing_support;

INSTANTIATE_TEST_SUITE_P(backends, postgres_pool_test, ::testing::ValuesIn(real_backends()), backend_name);

using outcome = std::optional<sql_result<rows>>;

task<void> query_into(pool& db, std::string_view sql, outcome& into) { into = co_await db.query(sql); }

// Until `sql` says true on another connection: waits for the condition, not for a time.
task<void> until(pool& db, std::string_view sql) {
  for (int tries = 0; tries < 2000; ++tries) {
    const sql_result<rows> got = co_await db.query(sql);
    if (got && (*got)[0].get<bool>(0).value_or(false)) co_return;
    std::ignore = co_await delay_for(2ms);
  }
  ADD_FAILURE() << "never came: " << sql;
}

// Until the server's process is gone, and with it its end of the connection.
task<void> until_ended(std::int64_t pid) {
  for (int tries = 0; tries < 2000; ++tries) {
    if (::kill(static_cast<pid_t>(pid), 0) < 0 && errno == ESRCH) co_return;
    std::ignore = co_await delay_for(2ms);
  }
  ADD_FAILURE() << "the server's process stays";
}

// What was abandoned here is cancelled in the server.
task<void> until_nobody_sleeps(pool& db) {
  co_await until(db, "SELECT count(*) = 0 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'");
}

TEST_P(postgres_pool_test, values_go_there_and_come_back_by_type) {
  run(options(), [](pool& db) -> task<void> {
    const std::string text = "a'b\\c \xc3\xa9 $1";
    const auto got = co_await db.query("SELECT $1::bigint, $2::text, $3::bool, $4::float8, $5::text, ''::text",
                                       std::int64_t{-7}, text, true, 0.5, nullptr);
    EXPECT_TRUE(got) << describe(got.error());
    if (!got) co_return;
    EXPECT_EQ(got->size(), 1u);
    const row only = (*got)[0];
    EXPECT_EQ(only.get<std::int64_t>(0), -7);
    EXPECT_EQ(only.get<std::string>(1), text);
    EXPECT_EQ(only.get<bool>(2), true);
    EXPECT_EQ(only.get<double>(3), 0.5);
    EXPECT_EQ(only.get<std::optional<std::string>>(4).value_or("NULL is a value here"), std::nullopt);
    EXPECT_EQ(only.get<std::string_view>(5), "");
    EXPECT_TRUE(failed_with(only.get<std::string>(4), errc::protocol));
    EXPECT_TRUE(failed_with(only.get<std::int32_t>(1), errc::protocol));
    EXPECT_TRUE(failed_with(only.get<std::int32_t>(6), errc::invalid_argument));
    EXPECT_TRUE(failed_with(only.get<std::int32_t>(-1), errc::invalid_argument));
  });
}

TEST_P(postgres_pool_test, a_statement_is_prepared_once_and_beyond_the_limit_sent_as_it_is) {
  pool_options few = options();
  few.max_statements = 2;
  run(few, [](pool& db) -> task<void> {
    for (int round = 0; round < 3; ++round) {
      for (const char* sql : {"SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4"}) EXPECT_TRUE(co_await db.query(sql));
    }
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM pg_prepared_statements"), 2);
    EXPECT_EQ(db.counters().opened, 1u);
  });
}

TEST_P(postgres_pool_test, a_refused_statement_says_why_and_the_connection_is_kept) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    EXPECT_TRUE(co_await db.query("INSERT INTO things VALUES ($1, $2)", 1, "one"));
    const auto twice = co_await db.query("INSERT INTO things VALUES ($1, $2)", 1, "again");
    EXPECT_FALSE(twice);
    EXPECT_EQ(twice.error().condition, sql_condition::unique_violation);
    EXPECT_EQ(twice.error().sqlstate(), "23505");
    EXPECT_EQ((co_await db.query("SELECT FROM nowhere")).error().condition, sql_condition::invalid_statement);
    EXPECT_EQ((co_await db.query("SELECT $1::int", "x")).error().condition, sql_condition::invalid_data);
    EXPECT_EQ((co_await db.query("SELECT $1", std::string(1, '\0'))).error().code, errc::invalid_argument);
    EXPECT_EQ((co_await db.query("COPY things TO STDOUT")).error().code, errc::unsupported);
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 1);
    EXPECT_EQ(db.counters().opened, 2u);  // only COPY cost a connection
    EXPECT_EQ(db.counters().failures, 5u);
  });
}

TEST_P(postgres_pool_test, shows_its_use) {
  pool_options one = options();
  one.max_connections = 1;
  one.max_waiters = 1;
  run(one, [](pool& db) -> task<void> {
    observe::registry metrics;
    observe::mirror numbers(metrics, metrics.add_shard());
    show(numbers, db, "shop");
    EXPECT_EQ(numbers.problem(), "");
    scope callers(co_await this_context());
    outcome first;
    outcome second;
    callers.spawn(query_into(db, "SELECT pg_sleep(0.02)", first));
    callers.spawn(query_into(db, "SELECT 1", second));
    EXPECT_EQ((co_await db.query("SELECT 1")).error().condition, sql_condition::pool_exhausted);
    numbers.carry((co_await this_context()).on->now());
    const std::string during = observe::expose(metrics, observe::exposition::prometheus);
    EXPECT_TRUE(during.contains("assay_postgres_connections{pool=\"shop\",state=\"busy\"} 1\n"));
    EXPECT_TRUE(during.contains("assay_postgres_waiting{pool=\"shop\"} 1\n"));
    EXPECT_TRUE(co_await callers.join());
    EXPECT_TRUE(co_await ping(db));
    numbers.carry((co_await this_context()).on->now());
    const std::string after = observe::expose(metrics, observe::exposition::prometheus);
    EXPECT_TRUE(after.contains("assay_postgres_connections{pool=\"shop\",state=\"busy\"} 0\n"));
    EXPECT_TRUE(after.contains("assay_postgres_statements_total{pool=\"shop\"} 3\n"));
    EXPECT_TRUE(after.contains("assay_postgres_refused_total{pool=\"shop\",reason=\"full\"} 1\n"));
    EXPECT_TRUE(after.contains("assay_postgres_waits_total{pool=\"shop\"} 2\n"));
  });
}

TEST_P(postgres_pool_test, a_large_parameter_and_a_large_answer_pass) {
  run(options(), [](pool& db) -> task<void> {
    const std::string large(8'000'000, 'x');
    const auto got = co_await db.query("SELECT $1::text || repeat('y', 1000000)", large);
    EXPECT_TRUE(got) << describe(got.error());
    if (got) EXPECT_EQ((*got)[0].text(0)->size(), 9'000'000u);
  });
}

TEST_P(postgres_pool_test, notices_are_not_printed) {
  ::testing::internal::CaptureStderr();
  run(options(), [](pool& db) -> task<void> {
    EXPECT_TRUE(co_await db.query("DO $$ BEGIN RAISE WARNING 'loud'; END $$"));
    EXPECT_TRUE(co_await db.query("DROP TABLE IF EXISTS never_was"));
  });
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_P(postgres_pool_test, a_connection_killed_in_the_middle_is_a_failure_and_is_replaced) {
  run(options(), [](pool& db) -> task<void> {
    scope children(co_await this_context());
    outcome victim;
    children.spawn(query_into(db, "SELECT pg_sleep(60)", victim));
    co_await until(db,
                   "SELECT count(pg_terminate_backend(pid)) = 1 FROM pg_stat_activity WHERE query = "
                   "'SELECT pg_sleep(60)'");
    EXPECT_TRUE(co_await children.join());
    EXPECT_TRUE(victim && !*victim);
    EXPECT_EQ(victim->error().condition, sql_condition::unavailable);
    EXPECT_EQ(victim->error().sqlstate(), "57P01");
    EXPECT_EQ(db.counters().closed_broken, 1u);
    EXPECT_EQ(co_await number(db, "SELECT 7"), 7);
  });
}

TEST_P(postgres_pool_test, a_connection_killed_while_idle_is_noticed_before_it_is_used) {
  run(options(), [](pool& db) -> task<void> {
    pool other(options());
    const std::int64_t pid = co_await number(db, "SELECT pg_backend_pid()");
    EXPECT_TRUE(co_await other.query("SELECT pg_terminate_backend($1::int)", pid));
    co_await until_ended(pid);
    EXPECT_NE(co_await number(db, "SELECT pg_backend_pid()"), pid);
    EXPECT_EQ(db.counters().failures, 0u);
    EXPECT_EQ(db.counters().closed_broken, 1u);
  });
}

TEST_P(postgres_pool_test, the_server_goes_and_comes_back) {
  run(options(), [](pool& db) -> task<void> {
    EXPECT_EQ(co_await number(db, "SELECT 1"), 1);
    server().stop();
    for (int i = 0; i < 20; ++i) {
      const auto away = co_await db.query("SELECT 1");
      EXPECT_FALSE(away);
      EXPECT_EQ(away.error().condition, sql_condition::unavailable);
    }
    EXPECT_GT(db.counters().refused_while_away, 0u);
    EXPECT_LT(db.counters().open_failures, 20u);
    server().start();
    co_await until(db, "SELECT true");
    EXPECT_EQ(co_await number(db, "SELECT 2"), 2);
  });
}

TEST_P(postgres_pool_test, the_line_for_a_connection_is_bounded_and_so_is_its_wait) {
  pool_options narrow = options();
  narrow.max_connections = 2;
  narrow.max_waiters = 3;
  run(narrow, [](pool& db) -> task<void> {
    scope children(co_await this_context());
    std::vector<outcome> got(10);
    for (outcome& each : got) children.spawn(query_into(db, "SELECT pg_sleep(0.02)", each));
    EXPECT_EQ(db.usage().waiting, 3u);
    EXPECT_TRUE(co_await children.join());
    const auto served = std::ranges::count_if(got, [](const outcome& each) { return each && each->has_value(); });
    EXPECT_EQ(served, 5);
    EXPECT_EQ(got.back()->error().condition, sql_condition::pool_exhausted);
    EXPECT_EQ(got.back()->error().code, errc::limit);
    EXPECT_EQ(db.counters().refused_waiters, 5u);
    EXPECT_EQ(db.counters().opened, 2u);
    EXPECT_GT(db.counters().waited, 0ms);
  });
  narrow.max_connections = 1;
  narrow.wait_timeout = 10ms;
  run(narrow, [](pool& db) -> task<void> {
    auto holder = co_await db.begin();
    EXPECT_TRUE(holder);
    const auto got = co_await db.query("SELECT 1");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().condition, sql_condition::pool_exhausted);
    EXPECT_EQ(db.counters().wait_timeouts, 1u);
    if (holder) EXPECT_TRUE(co_await holder->commit());
  });
}

task<sql_result<rows>> sleeping(pool& db) { co_return co_await db.query("SELECT pg_sleep(60)"); }

TEST_P(postgres_pool_test, a_deadline_in_the_middle_ends_the_wait_and_closes_the_connection) {
  run(options(), [](pool& db) -> task<void> {
    loop& on = *(co_await this_context()).on;
    EXPECT_EQ(co_await number(db, "SELECT 1"), 1);
    const auto got = co_await with_deadline(on.now() + 20ms, sleeping(db));
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::timed_out);
    EXPECT_EQ(got.error().reason, cancel_reason::deadline);
    EXPECT_EQ(db.counters().abandoned, 1u);
    EXPECT_EQ(db.counters().closed_broken, 1u);
    EXPECT_EQ(db.usage().open, 0u);
    EXPECT_EQ(co_await number(db, "SELECT 7"), 7);
    co_await until_nobody_sleeps(db);
  });
}

TEST_P(postgres_pool_test, cancelling_in_the_middle_ends_the_wait_and_closes_the_connection) {
  run(options(), [](pool& db) -> task<void> {
    scope children(co_await this_context());
    outcome victim;
    children.spawn(query_into(db, "SELECT pg_sleep(60)", victim));
    co_await until(db, "SELECT count(*) = 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'");
    children.cancel(cancel_reason::peer_closed);
    EXPECT_TRUE(co_await children.join());
    EXPECT_TRUE(victim && !*victim);
    EXPECT_EQ(victim->error().code, errc::cancelled);
    EXPECT_EQ(db.counters().abandoned, 1u);
    EXPECT_EQ(co_await number(db, "SELECT 7"), 7);
    co_await until_nobody_sleeps(db);
  });
}

TEST_P(postgres_pool_test, the_server_ends_a_statement_at_its_own_limit_and_the_connection_is_kept) {
  pool_options strict = options();
  strict.statement_timeout = 20ms;
  run(strict, [](pool& db) -> task<void> {
    const auto got = co_await sleeping(db);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().condition, sql_condition::query_canceled);
    EXPECT_EQ(got.error().code, errc::timed_out);
    EXPECT_EQ(co_await number(db, "SELECT 7"), 7);
    EXPECT_EQ(db.counters().opened, 1u);
  });
}

TEST_P(postgres_pool_test, a_commit_stays_and_what_is_not_committed_goes_with_its_locks) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    {
      auto kept = co_await db.begin(isolation::serializable);
      EXPECT_TRUE(kept);
      EXPECT_TRUE(co_await kept->query("INSERT INTO things VALUES (1, 'kept')"));
      EXPECT_TRUE(co_await kept->commit());
      EXPECT_FALSE(co_await kept->query("SELECT 1"));
      EXPECT_FALSE(co_await kept->commit());
    }
    {
      auto lost = co_await db.begin();
      EXPECT_TRUE(lost);
      EXPECT_TRUE(co_await lost->query("UPDATE things SET name = 'lost' WHERE id = 1"));
    }
    // Another connection meets no lock; then the one that was given back is in order.
    pool other(options());
    EXPECT_TRUE(co_await with_deadline((co_await this_context()).on->now() + 5s,
                                       other.query("UPDATE things SET name = name || '!' WHERE id = 1")));
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things WHERE name = 'kept!'"), 1);
    EXPECT_EQ(db.counters().rollbacks, 1u);
    EXPECT_EQ(db.counters().transactions, 2u);
    EXPECT_EQ(db.counters().opened, 1u);
    auto undone = co_await db.begin();
    EXPECT_TRUE(co_await undone->query("DELETE FROM things"));
    EXPECT_TRUE(co_await undone->rollback());
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 1);
  });
}

TEST_P(postgres_pool_test, committing_after_a_failed_statement_is_no_success) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    auto tx = co_await db.begin();
    EXPECT_TRUE(co_await tx->query("INSERT INTO things VALUES (1, 'one')"));
    EXPECT_FALSE(co_await tx->query("INSERT INTO things VALUES (1, 'one')"));
    EXPECT_EQ((co_await tx->query("SELECT 1")).error().condition, sql_condition::failed_transaction);
    EXPECT_EQ((co_await tx->commit()).error().condition, sql_condition::failed_transaction);
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 0);
    EXPECT_EQ(db.counters().opened, 1u);
  });
}

task<void> count_one(pool& db, std::int64_t sent, std::int64_t& right) {
  const auto got = co_await db.query("SELECT $1::bigint * 2", sent);
  if (got && (*got)[0].get<std::int64_t>(0) == sent * 2) right++;
}

TEST_P(postgres_pool_test, a_thousand_queries_at_once_share_ten_connections) {
  run(options(), [](pool& db) -> task<void> {
    scope children(co_await this_context());
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < 1000; ++i) children.spawn(count_one(db, i, right));
    EXPECT_TRUE(co_await children.join());
    EXPECT_EQ(right, 1000);
    EXPECT_EQ(db.counters().opened, 10u);
    EXPECT_EQ(db.counters().waits, 990u);
  });
}

TEST_P(postgres_pool_test, old_and_long_idle_connections_are_replaced_and_the_minimum_is_kept) {
  pool_options aging = options();
  aging.max_age = 1ms;
  run(aging, [](pool& db) -> task<void> {
    const std::int64_t first = co_await number(db, "SELECT pg_backend_pid()");
    EXPECT_TRUE(co_await delay_for(2ms));
    EXPECT_NE(co_await number(db, "SELECT pg_backend_pid()"), first);
    EXPECT_EQ(db.counters().closed_old, 1u);
  });
  pool_options warm = options();
  warm.min_idle = 3;
  warm.idle_timeout = 1ms;
  run(warm, [](pool& db) -> task<void> {
    EXPECT_TRUE(co_await db.open());
    EXPECT_EQ(db.usage().idle, 3u);
    std::ignore = co_await delay_for(3ms);
    EXPECT_EQ(co_await number(db, "SELECT 1"), 1);
    EXPECT_EQ(db.usage().idle, 3u);
    EXPECT_EQ(db.counters().opened, 3u);
  });
}

}  // namespace
}  // namespace assay::data
