// Pipelines through the pool, before a PostgreSQL that answers as it is told to. What the real one makes of them is
// tests/integration/postgres_pipeline_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "stack/data/postgres.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/testing/fake_postgres.hpp"
#include "stack/testing/virtual_world.hpp"

namespace assay::data {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ending = std::optional<sql_result<pipeline_results>>;

constexpr const char* take = "UPDATE items SET stock = stock - 1 WHERE id = $1";
constexpr const char* note = "INSERT INTO orders (item_id) VALUES ($1) RETURNING id";
constexpr const char* count = "SELECT count(*) FROM orders";

pipeline sale(int id) {
  pipeline all;
  all.add(take, id).add(note, id).add(count);
  return all;
}

struct stage {
  testing::virtual_world world;
  testing::fake_postgres database;
  pool db{
      {.url = database.url(), .query_timeout = 3s, .pipelines = {.max_statements = 3, .max_bytes = 200}, .seed = 1}};

  stage() {
    database.on(take, testing::pg_done("UPDATE 1"));
    database.on(note, [](const std::vector<testing::pg_text>& given) {
      return testing::pg_rows({{"id", testing::pg_type_int4}}, {{"10" + given.at(0).value_or("")}});
    });
    database.on(count, testing::pg_rows({"count"}, {{"1"}}));
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const testing::pg_statement& each : database.asked()) all.push_back(each.sql);
    return all;
  }
};

TEST(pipeline, has_an_answer_for_each_statement_in_order) {
  stage on;
  for (const int id : {7, 8}) {  // the second time all are prepared
    const auto got = on.world.run(on.db.run(sale(id)));
    ASSERT_TRUE(got) << describe(got.error());
    ASSERT_EQ(failure_in(*got), nullptr);
    ASSERT_EQ(got->size(), 3U);
    EXPECT_EQ((*got)[0]->affected(), 1U);
    EXPECT_EQ((*(*got)[1])[0].get<int>(0), 100 + id);
    EXPECT_EQ((*(*got)[2])[0].text(0), "1");
  }
  EXPECT_THAT(on.asked(), ElementsAre(take, note, count, take, note, count));
  EXPECT_EQ(on.db.counters().queries, 6U);
  EXPECT_EQ(on.db.counters().pipelines, 2U);
  EXPECT_EQ(on.db.counters().opened, 1U);
  EXPECT_EQ(on.world.elapsed(), 0s);
}

TEST(pipeline, a_failure_passes_over_what_is_behind_it) {
  stage on;
  on.database.on(note, testing::pg_fails("23505", "duplicate key"));
  const auto got = on.world.run(on.db.run(sale(7)));
  ASSERT_TRUE(got) << describe(got.error());
  ASSERT_EQ(got->size(), 3U);
  EXPECT_TRUE((*got)[0]);
  EXPECT_EQ((*got)[1].error().condition, sql_condition::unique_violation);
  EXPECT_EQ((*got)[2].error().condition, sql_condition::failed_transaction);
  EXPECT_EQ(failure_in(*got), &(*got)[1].error());
  EXPECT_THAT(on.asked(), ElementsAre(take, note));
  EXPECT_TRUE(on.world.run(on.db.query(count))) << "the connection is in order";
  EXPECT_EQ(on.db.counters().failures, 2U);
  EXPECT_EQ(on.db.counters().opened, 1U);
}

task<void> sell_in_transaction(pool* db, int id, bool* committed) {
  auto open = co_await db->begin();
  if (!open) co_return;
  const auto got = co_await open->run(sale(id));
  if (!got || failure_in(*got) != nullptr) co_return;
  *committed = (co_await open->commit()).has_value();
}

TEST(pipeline, in_a_transaction_a_failure_leaves_rolling_back) {
  stage on;
  bool committed = false;
  on.world.run(sell_in_transaction(&on.db, 7, &committed));
  EXPECT_TRUE(committed);
  on.database.on(count, testing::pg_fails("40001", "could not serialize access"));
  committed = false;
  on.world.run(sell_in_transaction(&on.db, 7, &committed));
  EXPECT_FALSE(committed);
  EXPECT_TRUE(on.world.run(ping(on.db)));
  EXPECT_EQ(on.db.counters().rollbacks, 1U);
  EXPECT_EQ(on.db.counters().opened, 1U);
  EXPECT_EQ(on.asked().at(9), "ROLLBACK");
}

TEST(pipeline, a_silence_or_an_end_in_the_middle_closes_the_connection) {
  for (const auto mishap : {testing::pg_reply::kind::hangs, testing::pg_reply::kind::closes}) {
    stage on;
    on.database.on(note, testing::pg_reply{.what = mishap});
    const auto got = on.world.run(on.db.run(sale(7)));
    ASSERT_FALSE(got) << "what stays of it is not known";
    const bool hangs = mishap == testing::pg_reply::kind::hangs;
    EXPECT_EQ(got.error().code, hangs ? errc::timed_out : errc::closed);
    EXPECT_EQ(on.world.elapsed(), hangs ? duration(3s) : duration());
    EXPECT_EQ(on.db.usage().open, 0U);
    EXPECT_EQ(on.db.counters().closed_broken, 1U);
    EXPECT_TRUE(on.world.run(ping(on.db)));
    EXPECT_EQ(on.world.leftovers(), "");
  }
}

task<void> give_up_soon(pool* db, ending* into) {
  auto selling = [](pool* of, ending* got) -> task<void> { *got = co_await of->run(sale(7)); };
  scope children(co_await this_context());
  children.spawn(selling(db, into));
  std::ignore = co_await delay_for(10ms);
  children.cancel(cancel_reason::peer_closed);
  std::ignore = co_await children.join();
}

TEST(pipeline, is_cancelled_at_once_and_its_connection_never_used_again) {
  stage on;
  on.database.on(take, testing::pg_reply{.what = testing::pg_reply::kind::hangs});
  ending got;
  on.world.run(give_up_soon(&on.db, &got));
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().code, errc::cancelled);
  EXPECT_EQ(on.world.elapsed(), 10ms);
  EXPECT_EQ(on.db.usage().open, 0U);
  EXPECT_EQ(on.db.counters().abandoned, 3U);
}

TEST(pipeline, is_refused_beyond_its_limits_before_anything_is_sent) {
  stage on;
  pipeline long_one = sale(7);
  pipeline large;
  pipeline broken;
  pipeline wide;
  for (const auto& [asked, what] :
       {std::pair(&long_one.add(count), "too many"), std::pair(&large.add(note, std::string(200, 'x')), "too large"),
        std::pair(&broken.add(note, std::string(1, '\0')), "a NUL byte"),
        std::pair(&wide.add_values("", std::vector<value>(max_parameters + 1, value(""))), "too wide")}) {
    const auto got = on.world.run(on.db.run(*asked));
    ASSERT_FALSE(got) << what;
    EXPECT_EQ(got.error().code, errc::invalid_argument) << what;
  }
  EXPECT_TRUE(on.asked().empty());
  const auto none = on.world.run(on.db.run({}));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace assay::data
