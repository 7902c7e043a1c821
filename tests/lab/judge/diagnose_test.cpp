#include "lab/judge/diagnose.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace assay::judge {
namespace {

using model::cause;

// Half a minute of a service that is fine: a loop busy for a third of the time, 40 MB, 20 descriptors.
class seen {
 public:
  seen() {
    for (int i = 0; i <= 120; ++i) {
      const double t = i * 0.25;
      samples.push_back({.at_s = t,
                         .cpu_s = 0.3 * t,
                         .cpu_wait_s = 0.005 * t,
                         .rss_bytes = 60'000'000,
                         .anonymous_bytes = 40'000'000,
                         .descriptors = 20,
                         .sockets = 12});
    }
    lag.quality = model::lag_quality::traced;
    lag.utilisation = 0.33;
    lag.p99_ms = 2;
    lag.max_ms = 12;
    lag.stalled_s = {{10, 0.05}, {50, 0}, {100, 0}, {500, 0}};
  }

  void stalls(double seconds, double longest_ms) {
    lag.stalled_s[50] = seconds;
    lag.max_ms = longest_ms;
  }
  void blocks(const std::string& call, double seconds) {
    blocking.push_back({.call = call,
                        .peer = "127.0.0.1:40123",
                        .place = "app.py:87 in price",
                        .count = 20,
                        .total_ms = seconds * 1e3,
                        .longest_ms = 80});
  }
  model::diagnosis diagnosed() const {
    return diagnose(
        symptoms{.length_s = 30, .processes = samples, .lag = lag, .blocking = blocking, .connections = connections});
  }

  std::vector<model::process_second> samples;
  model::loop_lag lag;
  std::vector<model::blocking_site> blocking;
  std::vector<model::connection_look> connections;
};

double number(const model::named_cause& of, const std::string& name) {
  const auto found = std::ranges::find(of.numbers, name, &model::evidence::name);
  return found == of.numbers.end() ? -1 : found->value;
}

TEST(diagnose, a_service_that_is_fine_is_healthy) {
  const auto made = seen().diagnosed();
  EXPECT_EQ(made.verdict, cause::healthy);
  EXPECT_TRUE(made.findings.empty());
  EXPECT_TRUE(made.remarks.empty());
}

TEST(diagnose, a_blocking_call_is_named_with_peer_and_place) {
  seen view;
  view.stalls(1.8, 82);
  view.blocks("recv (poll)", 1.6);
  const auto made = view.diagnosed();
  EXPECT_EQ(made.verdict, cause::blocking_call);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].call, "recv (poll)");
  EXPECT_EQ(made.findings[0].peer, "127.0.0.1:40123");
  EXPECT_EQ(made.findings[0].place, "app.py:87 in price");
  EXPECT_EQ(made.text,
            "recv (poll), 127.0.0.1:40123 at app.py:87 in price held the loop for 1.60 s of 30.0 s: 20 times, 80 ms at "
            "the longest");
  EXPECT_NE(made.findings[0].next.find("asynchronous client"), std::string::npos);
  EXPECT_DOUBLE_EQ(number(made.findings[0], "blocked_s"), 1.6);
}

TEST(diagnose, a_call_may_hold_the_loops_of_several_workers) {
  seen view;
  view.stalls(42, 82);
  view.blocks("recv", 40);
  EXPECT_NE(view.diagnosed().text.find(" held several loops for 40.00 s of 30.0 s each: "), std::string::npos);
}

TEST(diagnose, a_call_that_hardly_counts_is_no_finding) {
  seen view;
  view.stalls(0.29, 82);
  view.blocks("recv", 0.29);
  EXPECT_EQ(view.diagnosed().verdict, cause::healthy) << "less than a hundredth of the time";
}

TEST(diagnose, pauses_of_the_collector_are_a_cause_of_their_own) {
  seen view;
  view.stalls(2, 300);
  view.blocks("garbage collection", 1.9);
  EXPECT_EQ(view.diagnosed().verdict, cause::garbage_collection);
}

TEST(diagnose, stalls_without_a_call_are_computing_when_the_cpu_was_used) {
  seen view;
  view.stalls(3, 90);
  view.blocks("recv", 0.2);
  const auto made = view.diagnosed();
  EXPECT_EQ(made.verdict, cause::cpu_bound);
  EXPECT_NEAR(number(made.findings[0], "unexplained_s"), 2.8, 1e-9);
}

TEST(diagnose, stalls_without_call_and_cpu_are_a_wait_that_has_no_name) {
  seen view;
  for (auto& each : view.samples) each.cpu_s /= 10;
  view.stalls(3, 90);
  auto made = view.diagnosed();
  EXPECT_EQ(made.verdict, cause::blocking_call);
  EXPECT_EQ(made.findings[0].call, "");
  EXPECT_NE(made.text.find("a lock"), std::string::npos);
  view.lag.quality = model::lag_quality::sampled;
  made = view.diagnosed();
  EXPECT_NE(made.findings[0].next.find("assay watch --"), std::string::npos) << "the sampler cannot name it";
}

TEST(diagnose, a_loop_without_time_left_is_cpu_bound_a_busy_one_is_not) {
  seen view;
  for (auto& each : view.samples) each.cpu_s *= 3;
  view.lag.utilisation = 0.9;
  EXPECT_EQ(view.diagnosed().verdict, cause::healthy);
  view.lag.utilisation = 0.97;
  EXPECT_EQ(view.diagnosed().verdict, cause::cpu_bound);
}

TEST(diagnose, the_host_is_named_when_threads_wait_for_a_core) {
  seen view;
  for (auto& each : view.samples) each.cpu_wait_s = 0.2 * each.at_s;
  EXPECT_EQ(view.diagnosed().verdict, cause::waiting_for_cpu);
  for (auto& each : view.samples) each.voluntary_switches = static_cast<std::uint64_t>(100 * each.at_s);
  EXPECT_EQ(view.diagnosed().verdict, cause::waiting_for_cpu) << "2 ms each time";
  for (auto& each : view.samples) each.voluntary_switches *= 10;
  EXPECT_EQ(view.diagnosed().verdict, cause::healthy) << "0.2 ms each time are not felt";
}

TEST(diagnose, leaks_are_named_and_sockets_are_not_told_twice) {
  seen memory;
  for (auto& each : memory.samples) each.anonymous_bytes += static_cast<std::uint64_t>(300'000 * each.at_s);
  EXPECT_EQ(memory.diagnosed().verdict, cause::memory_leak);
  EXPECT_NEAR(number(memory.diagnosed().findings[0], "slope_mb_per_hour"), 1080, 1);

  seen files;
  for (auto& each : files.samples) each.descriptors += static_cast<unsigned>(2 * each.at_s);
  EXPECT_EQ(files.diagnosed().verdict, cause::descriptor_leak);

  seen connections;
  for (auto& each : connections.samples) {
    each.descriptors += static_cast<unsigned>(2 * each.at_s);
    each.sockets += static_cast<unsigned>(2 * each.at_s);
  }
  EXPECT_EQ(connections.diagnosed().verdict, cause::socket_leak);
  EXPECT_EQ(connections.diagnosed().findings.size(), 1U);
}

// Before and after the load nothing grows, and its connections go: that is not the leak's end.
TEST(diagnose, growth_is_judged_while_there_was_load) {
  seen view;
  for (auto& each : view.samples) {
    const double loaded_s = std::clamp(each.at_s - 5, 0.0, 15.0);
    each.voluntary_switches = static_cast<std::uint64_t>(400 * loaded_s);
    each.descriptors += static_cast<unsigned>(2 * loaded_s) + (loaded_s > 0 && loaded_s < 15 ? 64U : 0U);
  }
  EXPECT_EQ(view.diagnosed().verdict, cause::descriptor_leak);
}

TEST(diagnose, growth_that_ended_is_a_remark) {
  seen view;
  for (auto& each : view.samples) {
    each.anonymous_bytes += static_cast<std::uint64_t>(1'000'000 * std::min(each.at_s, 24.0));
  }
  const auto made = view.diagnosed();
  EXPECT_EQ(made.verdict, cause::healthy);
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_NE(made.remarks[0].find("has stopped"), std::string::npos) << made.remarks[0];
}

TEST(diagnose, a_pool_is_exhausted_when_all_of_it_waits_and_requests_queue) {
  const auto looks = [](unsigned in_flight, unsigned open, unsigned waiting) {
    return std::vector<model::connection_look>(
        40, {.in_flight = in_flight, .outgoing = {{.peer = "127.0.0.1:5432", .open = open, .waiting = waiting}}});
  };
  seen view;
  view.connections = looks(12, 2, 2);
  const auto made = view.diagnosed();
  EXPECT_EQ(made.verdict, cause::pool_exhausted);
  EXPECT_EQ(made.findings[0].peer, "127.0.0.1:5432");
  EXPECT_DOUBLE_EQ(number(made.findings[0], "queued_requests"), 10);
  view.connections = looks(12, 20, 12);
  EXPECT_EQ(view.diagnosed().verdict, cause::healthy) << "there are free ones";
  view.connections = looks(2, 2, 2);
  EXPECT_EQ(view.diagnosed().verdict, cause::healthy) << "nobody queues";
  view.connections = looks(12, 2, 2);
  for (unsigned i = 0; i < 40; ++i) {
    view.connections[i].outgoing[0].open += i;
    view.connections[i].outgoing[0].waiting += i;
  }
  EXPECT_EQ(view.diagnosed().verdict, cause::healthy) << "it is no pool: there are more and more";
  view.connections = looks(12, 2, 2);
  view.stalls(20, 90);
  view.blocks("recv", 19);
  EXPECT_EQ(view.diagnosed().verdict, cause::blocking_call) << "the loop is held up, and everything with it";
}

TEST(diagnose, several_causes_are_mixed) {
  seen view;
  view.stalls(1.8, 82);
  view.blocks("recv", 1.6);
  for (auto& each : view.samples) each.anonymous_bytes += static_cast<std::uint64_t>(300'000 * each.at_s);
  const auto made = view.diagnosed();
  EXPECT_EQ(made.verdict, cause::mixed);
  EXPECT_EQ(made.findings.size(), 2U);
}

TEST(diagnose, without_load_or_time_nothing_is_said) {
  seen idle;
  idle.lag.utilisation = 0.001;
  for (auto& each : idle.samples) each.cpu_s = 0;
  EXPECT_EQ(idle.diagnosed().verdict, cause::not_enough_data);
  EXPECT_EQ(diagnose(symptoms{.length_s = 2}).verdict, cause::not_enough_data);
  EXPECT_EQ(diagnose(symptoms{.length_s = 20}).text, "its processes were not seen");
}

TEST(diagnose, many_small_calls_are_a_cause_and_the_first_is_named) {
  seen view;
  view.stalls(3, 82);
  for (int i = 0; i < 10; ++i) {
    view.blocks("recv", 0.2);
    view.blocking.back().place = "app.py:" + std::to_string(i);
  }
  EXPECT_EQ(view.diagnosed().findings.front().kind, cause::blocking_call);
}

// Half a minute of a service that is fine, as a trial: 20 s of steady load, then a burst.
model::trial trial_of(const seen& view) {
  model::trial made{.repeat = 1};
  made.processes = view.samples;
  made.phases.push_back({.name = "steady", .kind = model::phase_kind::steady, .start_s = 0, .length_s = 20});
  made.phases.push_back({.name = "burst", .kind = model::phase_kind::burst, .start_s = 20, .length_s = 10});
  for (const char* phase : {"steady", "burst"}) {
    made.lag.push_back(view.lag);
    made.lag.back().phase = phase;
  }
  return made;
}

TEST(diagnose, growth_in_a_trial_is_that_of_its_longest_steady_phase) {
  model::trial trial = trial_of(seen());
  for (auto& each : trial.processes) {
    if (each.at_s > 20) each.anonymous_bytes += static_cast<std::uint64_t>(3'000'000 * (each.at_s - 20));
  }
  EXPECT_EQ(diagnose(trial).verdict, cause::healthy) << "it grew with the burst's load";
  EXPECT_EQ(diagnose(trial).phase, "steady");
  for (auto& each : trial.processes) {
    each.anonymous_bytes = 40'000'000 + static_cast<std::uint64_t>(300'000 * std::min(each.at_s, 20.0));
  }
  EXPECT_EQ(diagnose(trial).verdict, cause::memory_leak);
}

TEST(diagnose, a_burst_that_saturates_is_no_defect_and_steady_load_that_does_is) {
  model::trial trial = trial_of(seen());
  for (auto& each : trial.processes) each.cpu_s = each.at_s < 20 ? 0.3 * each.at_s : 6 + 0.99 * (each.at_s - 20);
  const auto saturate = [](model::loop_lag& lag) {
    lag.utilisation = 1;
    lag.stalled_s = {{10, 4}, {50, 2}, {100, 0}, {500, 0}};
  };
  saturate(trial.lag[1]);
  EXPECT_EQ(diagnose(trial).verdict, cause::healthy) << diagnose(trial).text;
  saturate(trial.lag[0]);
  EXPECT_EQ(diagnose(trial).verdict, cause::cpu_bound);
}

TEST(diagnose, a_call_that_blocks_counts_in_every_phase_and_one_phase_alone_is_named) {
  seen view;
  view.blocks("recv", 1.6);
  view.blocking[0].peer = "third-party (127.0.0.1:40123)";
  for (int i = 0; i < 20; ++i) view.blocking[0].at_s.push_back(20.0 + 0.4 * i);
  model::trial trial = trial_of(view);
  trial.blocking = view.blocking;
  trial.lag[1].stalled_s = {{10, 1.7}, {50, 1.7}, {100, 0}, {500, 0}};
  auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::blocking_call);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].peer, "third-party") << "the port is another in each run";
  EXPECT_TRUE(made.text.ends_with(", all of it in burst")) << made.text;
  trial.blocking[0].at_s[0] = 3;
  EXPECT_FALSE(diagnose(trial).text.ends_with("burst")) << "not of one phase alone";
}

TEST(diagnose, a_trial_says_what_was_not_seen_and_without_steady_load_nothing) {
  model::trial trial = trial_of(seen());
  for (auto& lag : trial.lag) lag.quality = model::lag_quality::none;
  auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::healthy);
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_NE(made.remarks[0].find("no event loop was seen"), std::string::npos);
  trial.phases.erase(trial.phases.begin());
  made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::not_enough_data);
  EXPECT_EQ(made.text, "it was under no steady load");
}

}  // namespace
}  // namespace assay::judge
