#include "lab/inside/database_history.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lab/inside/database_queries.hpp"

namespace assay::inside {
namespace {

constexpr double server_time = 1'700'000'000;

backend_row active(std::int64_t pid, double since, const std::string& statement) {
  return {.pid = pid, .state = "active", .statement = statement, .since = since};
}
backend_row idle(std::int64_t pid, double since, const std::string& statement) {
  return {.pid = pid, .state = "idle in transaction", .statement = statement, .since = since};
}
backend_row waiting(std::int64_t pid, double since, const std::string& statement, std::vector<std::int64_t> blockers) {
  return {.pid = pid,
          .state = "active",
          .wait_type = "Lock",
          .wait_event = "transactionid",
          .statement = statement,
          .since = since,
          .blocked_by = std::move(blockers)};
}

// Half a minute, a look a second: one holds a row and does nothing, one waits for that row, and one for the waiter.
database_history of_a_held_row() {
  database_history made;
  for (int i = 0; i < 30; ++i) {
    const double now = server_time + i;
    made.add(i, {.now = now,
                 .of_server = 7,
                 .backends = {idle(1, server_time - 1, "UPDATE stock SET n = 1 WHERE id = 7"),
                              waiting(2, now - 0.5, fmt::format("UPDATE stock SET n = {} WHERE id = 7", i), {1}),
                              waiting(3, server_time, "UPDATE stock SET n = 0 WHERE id = 7", {2, 1}),
                              active(4, now - 0.01, "SELECT 1"),
                              {.pid = 5, .state = "idle", .since = now}}});
  }
  return made;
}

TEST(database_history, a_look_counts_what_connections_do) {
  model::database_view view;
  of_a_held_row().report(view);
  ASSERT_EQ(view.looks.size(), 30U);
  const auto& last = view.looks.back();
  EXPECT_EQ(last.at_s, 29);
  EXPECT_EQ(last.connections, 5U);
  EXPECT_EQ(last.of_server, 7U);
  EXPECT_EQ(last.active, 3U);
  EXPECT_EQ(last.in_transaction, 1U);
  EXPECT_EQ(last.held, 1U);
  EXPECT_EQ(last.lock_waits, 2U);
  EXPECT_NEAR(last.longest_idle_s, 30, 1e-6);
  EXPECT_NEAR(last.longest_wait_s, 29, 1e-6);
  EXPECT_EQ(view.waits, (std::map<std::string, std::uint64_t>{{"Lock: transactionid", 60}}));
  EXPECT_TRUE(view.notes.empty());
}

TEST(database_history, waits_are_one_without_their_values_and_name_who_has_the_lock) {
  model::database_view view;
  of_a_held_row().report(view);
  ASSERT_EQ(view.locks.size(), 1U) << "who waits behind a waiter waits for the same holder";
  EXPECT_EQ(view.locks[0].statement, "UPDATE stock SET n = ? WHERE id = ?");
  EXPECT_EQ(view.locks[0].holder, "UPDATE stock SET n = ? WHERE id = ?");
  EXPECT_TRUE(view.locks[0].holder_idle);
  EXPECT_EQ(view.locks[0].seen, 60U);
  ASSERT_EQ(view.holds.size(), 1U);
  EXPECT_EQ(view.holds[0].seen, 30U);
  EXPECT_NEAR(view.holds[0].longest_s, 30, 1e-6);
}

TEST(database_history, an_event_is_one_wait_however_many_looks_have_met_it) {
  const auto events = of_a_held_row().events("postgres");
  ASSERT_EQ(events.size(), 2U) << "half a second is none";
  EXPECT_EQ(events[0].kind, "database");
  EXPECT_NEAR(events[0].at_s, -1, 1e-6);
  EXPECT_NEAR(events[0].length_s, 30, 1e-6);
  EXPECT_EQ(events[0].text, "postgres: a transaction was idle for 30.0 s after: UPDATE stock SET n = ? WHERE id = ?");
  EXPECT_NEAR(events[1].at_s, 0, 1e-6);
  EXPECT_EQ(
      events[1].text,
      "postgres: for 29.0 s waited for a lock: UPDATE stock SET n = ? WHERE id = ?; held by a transaction that is "
      "idle after: UPDATE stock SET n = ? WHERE id = ?");
}

TEST(database_history, a_transaction_between_two_statements_is_not_held) {
  database_history history;
  history.add(0, {.now = server_time, .backends = {idle(1, server_time - 0.02, "SELECT 1")}});
  model::database_view view;
  history.report(view);
  EXPECT_EQ(view.looks[0].in_transaction, 1U);
  EXPECT_EQ(view.looks[0].held, 0U);
  EXPECT_TRUE(view.holds.empty());
}

TEST(database_history, a_ring_of_waits_and_a_holder_elsewhere_have_no_holder) {
  database_history history;
  history.add(
      0, {.now = server_time,
          .backends = {waiting(1, server_time, "DELETE FROM a", {2}), waiting(2, server_time, "DELETE FROM b", {1}),
                       waiting(3, server_time, "DELETE FROM c", {99})}});
  model::database_view view;
  history.report(view);
  ASSERT_EQ(view.locks.size(), 3U);
  for (const auto& each : view.locks) EXPECT_EQ(each.holder, "");
}

TEST(database_history, is_bounded_whatever_comes_and_says_so) {
  database_history history;
  database_answer seen{.now = server_time};
  for (int i = 0; i < 500; ++i) {
    seen.backends.push_back(
        idle(i, server_time - 2 - i,
             fmt::format("SELECT column_{}", std::string(static_cast<std::size_t>(i % 300 + 1), 'x'))));
  }
  seen.backends.push_back({.pid = 1000, .statement = "<insufficient privilege>"});
  for (int i = 0; i < 3; ++i) history.add(i, seen);
  model::database_view view;
  history.report(view);
  EXPECT_EQ(view.holds.size(), database_history::most_listed);
  const auto events = history.events("p");
  EXPECT_EQ(events.size(), database_history::most_events);
  for (const auto& each : events) EXPECT_GT(each.length_s, 401) << "the longest are kept";
  ASSERT_EQ(view.notes.size(), 2U);
  EXPECT_NE(view.notes[0].find("hidden"), std::string::npos);
  EXPECT_NE(view.notes[1].find("beyond the limits"), std::string::npos);
}

TEST(database_queries, statements_are_told_by_what_came_between) {
  const statement_counts before{{"1", {.text = "a", .calls = 10, .total_ms = 5, .rows = 10}},
                                {"2", {.text = "b", .calls = 10, .total_ms = 900, .rows = 1}},
                                {"3", {.text = "c", .calls = 10, .total_ms = 900, .rows = 1}}};
  statement_counts after = before;
  after["1"] = {.text = "a", .calls = 15, .total_ms = 12, .rows = 15};
  after["3"] = {.text = "c", .calls = 2, .total_ms = 9, .rows = 2};  // reset meanwhile
  after["4"] = {.text = "d", .calls = 1, .total_ms = 8, .rows = 0};
  const auto used = used_between(before, after);
  ASSERT_EQ(used.size(), 3U);
  EXPECT_EQ(used[0].text, "c");
  EXPECT_EQ(used[0].calls, 2U);
  EXPECT_EQ(used[1].text, "d");
  EXPECT_EQ(used[2].calls, 5U);
  EXPECT_DOUBLE_EQ(used[2].total_ms, 7);
  EXPECT_EQ(used[2].rows, 5U);
  for (int i = 5; i < 40; ++i) after[std::to_string(i)] = {.text = "more", .calls = 1, .total_ms = 1};
  EXPECT_EQ(used_between(before, after).size(), most_statements);
}

}  // namespace
}  // namespace assay::inside
