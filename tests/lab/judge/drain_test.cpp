#include "lab/judge/drain.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "lab/judge/diagnose.hpp"
#include "lab/judge/native_memory.hpp"

namespace assay::judge {
namespace {

using model::cause;

constexpr double load_s = 40;
constexpr double rest_s = 20;

// Load, a rest, the same load, a rest; a look each quarter of a second.
model::trial two_cycles() {
  model::trial made{.repeat = 1};
  for (int i = 0; i < 2; ++i) {
    const double begin_s = i * (load_s + rest_s);
    model::phase_measurement& load = made.phases.emplace_back();
    load.name = i == 0 ? "load" : "again";
    load.kind = i == 0 ? model::phase_kind::steady : model::phase_kind::burst;
    load.start_s = begin_s;
    load.length_s = load_s;
    load.offered_rps = 100;
    load.all.offered = 4000 + 50 * static_cast<unsigned>(i);
    model::phase_measurement& rest = made.phases.emplace_back();
    rest.name = i == 0 ? "rest" : "rest again";
    rest.kind = model::phase_kind::recovery;
    rest.start_s = begin_s + load_s;
    rest.length_s = rest_s;
    rest.offered_rps = 0.001;
  }
  for (int i = 0; i <= 480; ++i) {
    made.processes.push_back(
        {.at_s = 0.25 * i, .cpu_s = 0.1 * i, .anonymous_bytes = 40'000'000, .descriptors = 20, .sockets = 12});
  }
  made.lag.push_back({.phase = "load", .quality = model::lag_quality::traced, .utilisation = 0.3});
  return made;
}

double loaded_s(double at_s) { return std::clamp(at_s, 0.0, load_s) + std::clamp(at_s - load_s - rest_s, 0.0, load_s); }

TEST(drain, what_grows_from_rest_to_rest_is_a_leak_and_says_how_much) {
  model::trial trial = two_cycles();
  for (auto& each : trial.processes) each.anonymous_bytes += static_cast<std::uint64_t>(300'000 * loaded_s(each.at_s));
  const auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::memory_leak);
  EXPECT_TRUE(
      made.text.ends_with("; after the first rest 52 MB were left, after the second 64 (2.96 MB in 1,000 requests)"))
      << made.text;
}

TEST(drain, what_stays_after_the_first_and_not_more_after_the_second_is_kept_on_purpose) {
  model::trial trial = two_cycles();
  for (auto& each : trial.processes) {
    each.anonymous_bytes += static_cast<std::uint64_t>(300'000 * std::min(each.at_s, load_s));
  }
  const auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::healthy);
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_EQ(
      made.remarks[0],
      "anonymous memory grew under load and is no leak: after the first rest 52 MB were left, after the second 52: a "
      "pool, a cache or an allocator keeps it");
  trial.phases.pop_back();
  EXPECT_EQ(diagnose(trial).verdict, cause::memory_leak) << "one rest tells nothing";
}

TEST(drain, sockets_that_stay_are_counted) {
  model::trial trial = two_cycles();
  for (auto& each : trial.processes) {
    each.sockets += static_cast<unsigned>(loaded_s(each.at_s));
    each.descriptors += static_cast<unsigned>(loaded_s(each.at_s));
  }
  const auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::socket_leak);
  EXPECT_NE(made.text.find("after the first rest 52 sockets were left, after the second 92"), std::string::npos)
      << made.text;
}

TEST(drain, threads_that_a_pool_keeps_are_no_leak) {
  model::trial trial = two_cycles();
  for (auto& each : trial.processes) each.threads = 4 + static_cast<unsigned>(std::min(each.at_s, load_s));
  const auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::healthy);
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_TRUE(made.remarks[0].starts_with("running threads grew under load and is no leak: ")) << made.remarks[0];
}

TEST(drain, what_only_the_rests_show_is_a_remark) {
  model::trial trial = two_cycles();
  for (auto& each : trial.processes) {
    if (each.at_s > load_s + rest_s) each.anonymous_bytes += 9'000'000;
  }
  const auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::healthy);
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_EQ(made.remarks[0],
            "anonymous memory: after the first rest 40 MB were left, after the second 49, of the same load");
}

TEST(drain, needs_two_rests_of_the_same_load) {
  EXPECT_TRUE(drain_of(two_cycles()));
  model::trial trial = two_cycles();
  trial.phases[2].all.offered = 8000;
  EXPECT_FALSE(drain_of(trial)) << "twice the load";
  trial = two_cycles();
  trial.phases[3].length_s = 2;
  EXPECT_FALSE(drain_of(trial)) << "too short a rest";
  trial = two_cycles();
  trial.phases[3].offered_rps = 20;
  EXPECT_FALSE(drain_of(trial)) << "no rest";
  trial = two_cycles();
  trial.processes.resize(300);
  EXPECT_FALSE(drain_of(trial)) << "not seen";
  EXPECT_FALSE(drain_of({}));
}

TEST(native_memory, is_told_where_the_runtime_accounts_for_little) {
  model::diagnosis leak{.text = "it grew", .findings = {{.kind = cause::memory_leak, .text = "it grew"}}};
  std::vector<model::process_second> processes;
  std::vector<model::runtime_look> looks;
  for (std::uint64_t i = 0; i < 30; ++i) {
    processes.push_back({.at_s = static_cast<double>(i), .anonymous_bytes = 40'000'000 + 1'000'000 * i});
    looks.push_back({.at_s = static_cast<double>(i),
                     .heap_used_bytes = 9'000'000 + 100'000 * i + (i % 3) * 5'000'000,
                     .heap_limit_bytes = 2'000'000'000});
  }
  model::diagnosis made = leak;
  tell_native_memory(made, processes, looks);
  EXPECT_EQ(made.text,
            "it grew; of 20.0 MB the runtime accounts for 2.1: the rest is native memory, or holes that the allocator "
            "cannot use");
  EXPECT_EQ(made.findings[0].text, made.text);
  for (std::uint64_t i = 0; i < 30; ++i) looks[i].external_bytes = 900'000 * i;
  made = leak;
  tell_native_memory(made, processes, looks);
  EXPECT_EQ(made.text, "it grew") << "its buffers are what grows";
  made = leak;
  for (std::uint64_t i = 0; i < 30; ++i) processes[i].live_bytes = 5'000'000 + 50'000 * i;
  tell_native_memory(made, processes, looks);
  EXPECT_EQ(
      made.text,
      "it grew; of 20.0 MB it holds 1.0 (malloc less free): the rest is kept by the allocator, in holes or for later");
  for (std::uint64_t i = 0; i < 30; ++i) {
    processes[i].live_bytes = 5'000'000 + 900'000 * i;
    looks[i].external_bytes = 0;
  }
  made = leak;
  tell_native_memory(made, processes, looks);
  EXPECT_EQ(made.text, "it grew; of 20.0 MB the runtime accounts for 2.1: the rest is native memory");
  for (auto& each : processes) each.live_bytes = 0;
  made = leak;
  for (auto& each : looks) each = {};
  tell_native_memory(made, processes, looks);
  EXPECT_EQ(made.text, "it grew") << "it says nothing";
}

}  // namespace
}  // namespace assay::judge
