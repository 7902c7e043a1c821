#include "lab/judge/database.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "lab/judge/diagnose.hpp"

namespace assay::judge {
namespace {

using model::cause;

// Half a minute, ten connections of which four work.
model::database_view fine() {
  model::database_view made{.name = "postgres", .version = "15.3", .max_connections = 100};
  for (int i = 0; i < 30; ++i) {
    made.looks.push_back({.at_s = 1.0 * i,
                          .connections = 10,
                          .active = 3,
                          .in_transaction = 1,
                          .of_server = 12,
                          .longest_idle_s = 0.01});
  }
  return made;
}

model::database_view holding(unsigned connections, double longest_s) {
  model::database_view made = fine();
  for (auto& each : made.looks) {
    each.in_transaction = std::max(each.in_transaction, connections);
    each.held = connections;
    each.longest_idle_s = longest_s;
  }
  made.holds.push_back({.statement = "SELECT n FROM t", .seen = 30ULL * connections, .longest_s = longest_s});
  return made;
}

model::database_view locked(unsigned waiters, bool holder_idle) {
  model::database_view made = fine();
  for (auto& each : made.looks) {
    each.active = 3 + waiters;
    each.lock_waits = waiters;
    each.longest_wait_s = 0.4;
  }
  made.locks.push_back({.statement = "UPDATE t SET n = ?",
                        .lock = "tuple",
                        .holder = "SELECT m FROM t",
                        .holder_idle = holder_idle,
                        .seen = 30ULL * waiters,
                        .longest_s = 0.4});
  return made;
}

model::diagnosis findings_of(const model::database_view& of, double from_s = 0, double until_s = 30) {
  model::diagnosis made;
  add_database_findings(made, std::span(&of, 1), from_s, until_s);
  return made;
}

TEST(database_findings, of_one_that_is_fine_are_none) {
  EXPECT_TRUE(findings_of(fine()).findings.empty());
  EXPECT_TRUE(findings_of(fine()).remarks.empty());
  EXPECT_TRUE(findings_of(holding(1, 0.3)).findings.empty()) << "one of ten for a moment";
  EXPECT_TRUE(findings_of(locked(0, false)).findings.empty());
}

TEST(database_findings, transactions_that_hold_the_pool_are_named_with_their_last_statement) {
  const auto made = findings_of(holding(6, 1.25));
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].kind, cause::idle_in_transaction);
  EXPECT_EQ(made.findings[0].peer, "postgres");
  EXPECT_EQ(made.findings[0].text,
            "of 10.0 connections to postgres 6.0 on average were held by a transaction that was idle for 100 ms or "
            "longer (1.2 s at the longest), mostly after: SELECT n FROM t: the pool is held while something else is "
            "awaited");
  EXPECT_NE(made.findings[0].next.find("COMMIT"), std::string::npos);
}

TEST(database_findings, one_transaction_that_was_forgotten_is_enough) {
  EXPECT_EQ(findings_of(holding(1, 29)).findings.size(), 0U);
  ASSERT_EQ(findings_of(holding(1, 31)).findings.size(), 1U);
  EXPECT_EQ(findings_of(holding(1, 31)).findings[0].kind, cause::idle_in_transaction);
}

TEST(database_findings, waits_for_locks_name_who_has_them) {
  const auto made = findings_of(locked(4, false));
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].kind, cause::lock_wait);
  EXPECT_EQ(
      made.findings[0].text,
      "of 8.0 connections to postgres that worked 4.0 on average waited for a lock (0.4 s at the longest); mostly "
      "UPDATE t SET n = ?, for a lock held by: SELECT m FROM t");
  EXPECT_EQ(findings_of(locked(4, true)).findings[0].kind, cause::lock_wait) << "each idle for less than 0.1 s";
}

TEST(database_findings, locks_of_a_transaction_that_is_held_are_the_same_cause) {
  model::database_view both = locked(4, true);
  for (auto& each : both.looks) {
    each.in_transaction = 3;
    each.held = 3;
  }
  auto made = findings_of(both);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].kind, cause::idle_in_transaction);
  EXPECT_TRUE(made.findings[0].text.ends_with("; 4.0 connections on average waited for locks that it held"))
      << made.findings[0].text;
  both.locks[0].holder_idle = false;
  EXPECT_EQ(findings_of(both).findings.size(), 2U);
}

TEST(database_findings, are_of_the_stretch_that_is_judged_and_of_looks_enough) {
  model::database_view burst = fine();
  for (auto& each : burst.looks) {
    if (each.at_s >= 20) each.held = 9;
  }
  EXPECT_TRUE(findings_of(burst, 0, 19.5).findings.empty());
  EXPECT_EQ(findings_of(burst, 20, 30).findings.size(), 1U);
  EXPECT_TRUE(findings_of(burst, 27, 30).findings.empty()) << "three looks";
}

TEST(database_findings, a_server_that_is_nearly_full_is_a_remark) {
  model::database_view full = fine();
  full.looks[3].of_server = 91;
  const auto made = findings_of(full);
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_EQ(made.remarks[0], "postgres: 91 of the 100 connections that the server allows were open");
}

model::trial trial_with(model::database_view seen) {
  model::trial made{.repeat = 1};
  for (int i = 0; i <= 30; ++i) {
    made.processes.push_back({.at_s = 1.0 * i, .cpu_s = 0.3 * i, .anonymous_bytes = 40'000'000, .descriptors = 20});
  }
  made.phases.push_back({.name = "steady", .kind = model::phase_kind::steady, .start_s = 0, .length_s = 20});
  made.phases.push_back({.name = "outage", .kind = model::phase_kind::fault, .start_s = 20, .length_s = 10});
  made.lag.push_back({.phase = "steady", .quality = model::lag_quality::traced, .utilisation = 0.3});
  made.databases.push_back(std::move(seen));
  return made;
}

TEST(database_findings, of_a_trial_are_those_of_its_steady_phase) {
  EXPECT_EQ(diagnose(trial_with(holding(6, 1.25))).verdict, cause::idle_in_transaction);
  EXPECT_EQ(diagnose(trial_with(locked(4, false))).verdict, cause::lock_wait);
  model::database_view during_fault = holding(6, 1.25);
  for (auto& each : during_fault.looks) {
    if (each.at_s <= 20) each.held = 0;
  }
  EXPECT_EQ(diagnose(trial_with(during_fault)).verdict, cause::healthy);
}

TEST(database_findings, a_loop_without_time_holds_everything_and_is_the_cause) {
  model::trial busy = trial_with(holding(6, 1.25));
  busy.lag[0].utilisation = 0.9;
  EXPECT_EQ(diagnose(busy).verdict, cause::healthy) << "busy, and nothing else is known";
}

}  // namespace
}  // namespace assay::judge
