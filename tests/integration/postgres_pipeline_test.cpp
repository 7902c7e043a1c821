// Pipelines against a real PostgreSQL, on both backends: what is in effect after each kind of end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/integration/postgres_pool_support.hpp"

namespace assay::data {
namespace {

using namespace testing_support;
using ::testing::ElementsAre;

class postgres_pipeline_test : public postgres_pool_test {};
INSTANTIATE_TEST_SUITE_P(backends, postgres_pipeline_test, ::testing::ValuesIn(real_backends()), backend_name);

constexpr const char* insert = "INSERT INTO things VALUES ($1, $2)";
constexpr const char* long_sleep = "SELECT pg_sleep(58)";

pipeline inserts(const std::vector<int>& ids) {
  pipeline all;
  for (const int id : ids) all.add(insert, id, "one of many");
  return all;
}

// "ok", or the condition of each.
std::vector<std::string> told(const sql_result<pipeline_results>& of) {
  if (!of) return {"none: " + std::string(label(of.error().condition))};
  std::vector<std::string> all;
  for (const auto& each : *of) all.emplace_back(each ? "ok" : label(each.error().condition));
  return all;
}

using ending = std::optional<sql_result<pipeline_results>>;
task<void> run_into(pool& db, pipeline all, ending& into) { into = co_await db.run(std::move(all)); }

// Until a server's process does what `query` says; ends it then.
task<void> end_whoever_runs(pool& db, const char* query) {
  for (int tries = 0; tries < 2000; ++tries) {
    const auto ended = co_await db.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = $1 AND pid <> pg_backend_pid()", query);
    if (ended && !ended->empty()) co_return;
    std::ignore = co_await delay_for(2ms);
  }
  ADD_FAILURE() << "nobody runs " << query;
}

// What was abandoned here is cancelled there.
task<void> until_nobody_runs(pool& db, const char* query) {
  for (int tries = 0; tries < 2000; ++tries) {
    const auto running = co_await db.query(
        "SELECT FROM pg_stat_activity WHERE query = $1 AND state = 'active' AND pid <> pg_backend_pid()", query);
    if (running && running->empty()) co_return;
    std::ignore = co_await delay_for(2ms);
  }
  ADD_FAILURE() << "somebody runs " << query;
}

TEST_P(postgres_pipeline_test, answers_come_in_order_and_all_of_it_is_in_effect) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    pipeline all;
    all.add(insert, 1, "one").add("INSERT INTO things VALUES ($1, $2) RETURNING id", 2, nullptr);
    all.add(insert, 3, "three").add("SELECT id, name FROM things ORDER BY id");
    for (int round = 0; round < 2; ++round) {  // what is prepared by the first is known to the second
      const auto got = co_await db.run(all);
      EXPECT_THAT(told(got), ElementsAre("ok", "ok", "ok", "ok"));
      if (!got || failure_in(*got) != nullptr) co_return;
      EXPECT_EQ((*got)[0]->affected(), 1u);
      EXPECT_EQ((*(*got)[1])[0].get<int>(0), 2);
      EXPECT_EQ((*got)[3]->size(), 3u);
      EXPECT_EQ((*(*got)[3])[2].get<std::string>(1), "three");
      EXPECT_TRUE(co_await db.query("TRUNCATE things"));
    }
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'"), 2);
    EXPECT_THAT(told(co_await db.run({})), ElementsAre());
    EXPECT_EQ(db.counters().opened, 1u);
    EXPECT_EQ(db.counters().pipelines, 2u);
  });
}

TEST_P(postgres_pipeline_test, a_failure_passes_over_what_is_behind_it_and_undoes_what_is_before_it) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    const auto got = co_await db.run(inserts({1, 2, 1, 3}));
    EXPECT_THAT(told(got), ElementsAre("ok", "ok", "unique_violation", "failed_transaction"));
    if (got) EXPECT_EQ(failure_in(*got)->sqlstate(), "23505");
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 0);
    EXPECT_EQ(db.counters().opened, 1u) << "the connection is kept";
    EXPECT_EQ(db.counters().failures, 2u);
  });
}

TEST_P(postgres_pipeline_test, a_statement_that_cannot_be_prepared_costs_no_other_its_place) {
  run(options(), [](pool& db) -> task<void> {
    pipeline bad;
    bad.add("SELECT 1").add("SELECT FROM nowhere").add("SELECT 3").add("SELECT FROM nowhere").add("SELECT 1");
    EXPECT_THAT(told(co_await db.run(bad)), ElementsAre("ok", "invalid_statement", "failed_transaction",
                                                        "failed_transaction", "failed_transaction"));
    pipeline good;
    good.add("SELECT 3").add("SELECT 4").add("SELECT 1");
    const auto got = co_await db.run(good);
    EXPECT_THAT(told(got), ElementsAre("ok", "ok", "ok"));
    if (got && failure_in(*got) == nullptr) EXPECT_EQ((*(*got)[1])[0].get<int>(0), 4);
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM pg_prepared_statements"), 4) << "1, 3, 4 and this one";
    EXPECT_EQ(db.counters().opened, 1u);
  });
}

TEST_P(postgres_pipeline_test, beyond_the_limit_of_prepared_statements_they_are_sent_as_they_are) {
  pool_options few = options();
  few.max_statements = 1;
  run(few, [](pool& db) -> task<void> {
    pipeline all;
    all.add("SELECT 1").add("SELECT 2").add("SELECT 3");
    for (int round = 0; round < 2; ++round) EXPECT_THAT(told(co_await db.run(all)), ElementsAre("ok", "ok", "ok"));
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM pg_prepared_statements"), 1);
  });
}

TEST_P(postgres_pipeline_test, a_transaction_goes_on_behind_one_and_ends_with_its_failure) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    {
      auto kept = co_await db.begin();
      EXPECT_THAT(told(co_await kept->run(inserts({1, 2}))), ElementsAre("ok", "ok"));
      EXPECT_TRUE(co_await kept->query(insert, 3, "alone"));
      EXPECT_THAT(told(co_await kept->run(inserts({4}))), ElementsAre("ok"));
      EXPECT_TRUE(co_await kept->commit());
    }
    {
      auto lost = co_await db.begin();
      EXPECT_THAT(told(co_await lost->run(inserts({5}))), ElementsAre("ok"));
      EXPECT_THAT(told(co_await lost->run(inserts({6, 1, 7}))),
                  ElementsAre("ok", "unique_violation", "failed_transaction"));
      EXPECT_THAT(told(co_await lost->run(inserts({8}))), ElementsAre("failed_transaction"));
      EXPECT_EQ((co_await lost->commit()).error().condition, sql_condition::failed_transaction);
      EXPECT_FALSE(co_await lost->run(inserts({9})));
    }
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 4);
    EXPECT_EQ(db.counters().opened, 1u);
  });
}

TEST_P(postgres_pipeline_test, a_commit_that_fails_at_the_end_leaves_nothing_but_a_good_connection) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    EXPECT_TRUE(co_await db.query("ALTER TABLE things ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED"));
    EXPECT_THAT(told(co_await db.run(inserts({1, 2}))), ElementsAre("none: unique_violation"));
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 0);
    EXPECT_THAT(told(co_await db.run(inserts({1}))), ElementsAre("ok"));
    EXPECT_EQ(db.counters().opened, 1u);
  });
}

TEST_P(postgres_pipeline_test, a_deadline_in_the_middle_closes_the_connection) {
  pool_options strict = options();
  strict.query_timeout = 50ms;
  run(strict, [](pool& db) -> task<void> {
    pool other(options());
    co_await make_table(other);
    pipeline all = inserts({1});
    all.add(long_sleep).add(insert, 2, "behind it");
    const auto got = co_await db.run(all);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::timed_out);
    EXPECT_EQ(db.counters().abandoned, 3u);
    EXPECT_EQ(db.counters().closed_broken, 1u);
    EXPECT_EQ(db.usage().open, 0u);
    co_await until_nobody_runs(other, long_sleep);
    EXPECT_EQ(co_await number(other, "SELECT count(*) FROM things"), 0);
  });
}

TEST_P(postgres_pipeline_test, cancelling_in_the_middle_of_a_transaction_closes_the_connection) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    scope children(co_await this_context());
    ending got;
    auto in_transaction = [](pool& of, ending& into) -> task<void> {
      auto open = co_await of.begin();
      pipeline all = inserts({1});
      all.add(long_sleep).add(insert, 2, "behind it");
      into = co_await open->run(std::move(all));
    };
    children.spawn(in_transaction(db, got));
    for (int tries = 0; tries < 2000; ++tries) {
      if (co_await number(db, "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(58)'") == 1) break;
      std::ignore = co_await delay_for(2ms);
    }
    children.cancel(cancel_reason::peer_closed);
    EXPECT_TRUE(co_await children.join());
    EXPECT_TRUE(got && !*got);
    if (got && !*got) EXPECT_EQ(got->error().code, errc::cancelled);
    EXPECT_EQ(db.counters().closed_broken, 1u);
    EXPECT_EQ(db.counters().rollbacks, 1u);
    co_await until_nobody_runs(db, long_sleep);
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 0);
  });
}

TEST_P(postgres_pipeline_test, a_server_that_ends_it_in_the_middle_has_done_nothing) {
  run(options(), [](pool& db) -> task<void> {
    co_await make_table(db);
    scope children(co_await this_context());
    ending got;
    pipeline all = inserts({1});
    all.add(long_sleep).add(insert, 2, "behind it");
    children.spawn(run_into(db, all, got));
    co_await end_whoever_runs(db, long_sleep);
    EXPECT_TRUE(co_await children.join());
    EXPECT_TRUE(got);
    if (got) EXPECT_THAT(told(*got), ElementsAre("ok", "unavailable", "failed_transaction"));
    EXPECT_EQ(db.counters().closed_broken, 1u);
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 0);
  });
}

TEST_P(postgres_pipeline_test, much_goes_both_ways_at_once_and_more_than_that_is_refused) {
  pool_options narrow = options();
  narrow.pipelines = {.max_statements = 100, .max_bytes = 4'000'000};
  run(narrow, [](pool& db) -> task<void> {
    const std::string large(39'000, 'x');
    pipeline all;
    for (int i = 0; i < 100; ++i) all.add("SELECT $1::text || $2::text", large, i);
    const auto got = co_await db.run(all);
    EXPECT_TRUE(got) << describe(got.error());
    if (got && failure_in(*got) == nullptr) EXPECT_EQ((*(*got)[99])[0].text(0), large + "99");
    pipeline longer = all;
    longer.add("SELECT 1");
    pipeline larger;
    larger.add("SELECT $1::text", std::string(4'000'000, 'y'));
    for (const pipeline* each : {&longer, &larger}) {
      EXPECT_EQ((co_await db.run(*each)).error().code, errc::invalid_argument);
    }
    pipeline copies;
    copies.add("SELECT 1").add("COPY (SELECT 1) TO STDOUT");
    EXPECT_FALSE(co_await db.run(copies));
    EXPECT_EQ(co_await number(db, "SELECT 7"), 7);
    EXPECT_EQ(db.counters().opened, 2u) << "only COPY cost a connection";
  });
}

}  // namespace
}  // namespace assay::data
