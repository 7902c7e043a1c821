// The sampler before a PostgreSQL that answers as it is told: what it sees, and each way in which it may not see it.
#include "lab/inside/database_sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>

#include "lab/inside/database_queries.hpp"
#include "lab/inside/observer.hpp"
#include "stack/testing/fake_postgres.hpp"

namespace assay::inside {
namespace {

using namespace std::chrono_literals;
using assay::testing::fake_postgres;
using assay::testing::pg_fails;
using assay::testing::pg_reply;
using assay::testing::pg_rows;
using ::testing::HasSubstr;

constexpr std::int64_t new_version = 150'003;

class database_looks : public ::testing::Test {
 protected:
  void SetUp() override {
    meets(new_version);
    database_.on(sql_of_moment, pg_rows({"now", "count"}, {{"1700000000.5", "9"}}));
    counts_ = std::make_shared<int>(0);
    database_.on(sql_of_statements(new_version), [counts = counts_](const auto&) {
      const std::string calls = std::to_string(10 * ++*counts);
      return pg_rows({"id", "query", "calls", "time", "rows"},
                     {{"7", "SELECT n FROM t WHERE id = $1", calls, "5", calls}});
    });
  }
  void meets(std::int64_t version) {
    database_.on(sql_of_server, pg_rows({"version", "number", "most", "database"},
                                        {{"15.3 (Debian)", std::to_string(version), "100", "shop"}}));
  }
  static pg_reply backends() {
    return pg_rows({"pid", "state", "type", "event", "query", "since", "blockers"},
                   {{"11", "idle in transaction", "Client", "ClientRead", "UPDATE t SET n = 5", "1699999998.5", ""},
                    {"12", "active", "Lock", "tuple", "UPDATE t SET n = 6", "1700000000.0", "4 11"}});
  }
  // The n-th look gets this; the test goes on when the `until`-th has been asked for.
  void looks(int until, const std::function<pg_reply(int)>& answer) {
    auto asked = std::make_shared<int>(0);
    auto there = std::make_shared<std::promise<void>>();
    enough_ = there->get_future();
    database_.on(sql_of_backends, [=](const auto&) {
      if (++*asked == until) there->set_value();
      return answer(*asked);
    });
  }
  // What is seen until enough looks were taken.
  database_observation seen(duration patience = 20s) {
    database_sampler made({.name = "db", .url = database_.url(), .interval = 2ms, .patience = patience});
    made.start(observer::now());
    EXPECT_EQ(enough_.wait_for(20s), std::future_status::ready);
    return made.finish();
  }
  // What is said by one that does not look at all.
  std::string refusal(const std::string& url) {
    database_sampler made({.name = "db", .url = url, .interval = 2ms, .patience = 20s});
    made.start(observer::now());
    const auto none = made.finish();
    EXPECT_TRUE(none.seen.looks.empty());
    EXPECT_EQ(none.seen.notes.size(), 1U);
    return none.seen.notes.empty() ? "" : none.seen.notes.front();
  }

  fake_postgres database_;
  std::shared_ptr<int> counts_;
  std::future<void> enough_;
};

TEST_F(database_looks, are_taken_until_it_is_ended) {
  looks(3, [](int) { return backends(); });
  const auto made = seen();
  EXPECT_EQ(made.seen.name, "db");
  EXPECT_EQ(made.seen.version, "15.3 (Debian)");
  EXPECT_EQ(made.seen.max_connections, 100U);
  ASSERT_GE(made.seen.looks.size(), 2U);
  const auto& look = made.seen.looks[1];
  EXPECT_GT(look.at_s, 0);
  EXPECT_EQ(look.connections, 2U);
  EXPECT_EQ(look.of_server, 9U);
  EXPECT_EQ(look.held, 1U);
  EXPECT_EQ(look.lock_waits, 1U);
  EXPECT_DOUBLE_EQ(look.longest_idle_s, 2);
  ASSERT_EQ(made.seen.locks.size(), 1U);
  EXPECT_EQ(made.seen.locks[0].holder, "UPDATE t SET n = ?");
  ASSERT_EQ(made.seen.statements.size(), 1U);
  EXPECT_EQ(made.seen.statements[0].calls, 10U) << "what came between";
  EXPECT_TRUE(made.seen.notes.empty()) << made.seen.notes[0];
  ASSERT_EQ(made.events.size(), 1U);
  EXPECT_THAT(made.events[0].text, HasSubstr("db: a transaction was idle for 2.0 s"));
  for (const auto& each : database_.asked()) {
    if (!each.parameters.empty()) EXPECT_EQ(each.parameters[0].value_or(""), "shop");
  }
}

TEST_F(database_looks, go_on_without_counts_of_statements) {
  database_.on(sql_of_statements(new_version), pg_fails("42P01", "relation \"pg_stat_statements\" does not exist"));
  looks(2, [](int) { return backends(); });
  const auto made = seen();
  EXPECT_FALSE(made.seen.looks.empty());
  EXPECT_TRUE(made.seen.statements.empty());
  ASSERT_EQ(made.seen.notes.size(), 1U);
  EXPECT_THAT(made.seen.notes[0], HasSubstr("pg_stat_statements is not to be had"));
}

TEST_F(database_looks, come_back_after_a_connection_was_lost) {
  looks(4, [](int n) { return n == 2 ? pg_reply{.what = pg_reply::kind::closes} : backends(); });
  const auto made = seen();
  EXPECT_GE(made.seen.looks.size(), 2U);
  ASSERT_EQ(made.seen.notes.size(), 1U);
  EXPECT_THAT(made.seen.notes[0], HasSubstr("db: 1 looks at it failed; the last: "));
}

TEST_F(database_looks, are_given_up_when_the_server_hangs) {
  looks(2, [](int) { return pg_reply{.what = pg_reply::kind::hangs}; });
  const auto made = seen(1s);
  EXPECT_TRUE(made.seen.looks.empty());
  ASSERT_EQ(made.seen.notes.size(), 1U);
  EXPECT_THAT(made.seen.notes[0], HasSubstr("looks at it failed"));
}

TEST_F(database_looks, an_answer_of_another_form_is_no_look) {
  looks(2, [](int) { return pg_rows({"pid"}, {{"x"}}); });
  const auto made = seen();
  EXPECT_TRUE(made.seen.looks.empty());
  ASSERT_EQ(made.seen.notes.size(), 1U);
  EXPECT_THAT(made.seen.notes[0], HasSubstr("an answer of another form"));
}

TEST_F(database_looks, at_what_may_not_be_looked_at_are_one_line) {
  EXPECT_THAT(refusal("no url"), HasSubstr("db: not looked into: "));
  EXPECT_EQ(refusal("postgresql://u:secret%zz@127.0.0.1/d").find("secret"), std::string::npos);
  meets(90'624);
  EXPECT_EQ(refusal(database_.url()), "db: not looked into: version 15.3 (Debian) is older than 10");
  database_.on(sql_of_server, pg_fails("42501", "permission denied\nfor function"));
  EXPECT_THAT(refusal(database_.url()), HasSubstr("permission denied"));
  EXPECT_EQ(refusal(database_.url()).find('\n'), std::string::npos);
  database_.go_away();
  EXPECT_THAT(refusal(database_.url()), HasSubstr("db: not looked into: "));
}

TEST_F(database_looks, end_at_once_and_without_a_start) {
  looks(1'000'000, [](int) { return backends(); });
  database_sampler never_started({.name = "db", .url = database_.url()});
  EXPECT_TRUE(never_started.finish().seen.looks.empty());
  database_sampler ended({.name = "db", .url = database_.url()});
  ended.start(observer::now());
}

}  // namespace
}  // namespace assay::inside
