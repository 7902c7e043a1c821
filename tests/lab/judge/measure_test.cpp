#include "lab/judge/measure.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace assay::judge {
namespace {

model::trial trial_with(std::uint64_t answers) {
  model::trial made;
  made.candidate = "flask";
  made.repeat = 2;
  made.start_up_s = 1.5;
  for (const auto kind : {model::phase_kind::warm_up, model::phase_kind::steady, model::phase_kind::fault}) {
    model::phase_measurement& phase = made.phases.emplace_back();
    phase.name = label(kind);
    phase.kind = kind;
    phase.start_s = made.phases.size() == 1 ? 0 : 10.0 * static_cast<double>(made.phases.size() - 1);
    phase.length_s = 10;
    phase.offered_rps = 100;
    phase.all.offered = 1000;
    phase.all.answered = 1000;
    phase.all.answered_well = 900;
    for (std::uint64_t i = 1; i <= answers; ++i) phase.all.latency.response_time.record(i * 100'000);
  }
  // 0.2 s of CPU each second, 0.4 from 20.25 s on.
  for (int at = 0; at <= 30; ++at) {
    model::process_second& second = made.processes.emplace_back();
    second.at_s = at + 0.25;
    second.cpu_s = 0.2 * second.at_s + 0.2 * std::max(0.0, second.at_s - 20.25);
    second.rss_bytes = static_cast<std::uint64_t>(50 + at) << 20;
  }
  return made;
}

TEST(measure, gives_values_of_each_phase_but_warm_up) {
  model::trial trial = trial_with(1000);
  trial.recovery_s = 0.5;
  model::loop_lag& lag = trial.lag.emplace_back();
  lag.phase = "steady";
  lag.quality = model::lag_quality::traced;
  lag.p99_ms = 12;
  lag.utilisation = 0.5;
  lag.stalled_s = {{10, 3.0}, {50, 2.0}};
  const run made = measure(trial, {});
  ASSERT_EQ(made.phases.size(), 2u);
  EXPECT_DOUBLE_EQ(made.loaded_s, 30);
  const auto& values = made.find("steady")->metrics.values;
  EXPECT_NEAR(values.at("response_p50_ms"), 50, 0.1);
  EXPECT_NEAR(values.at("response_p90_ms"), 90, 0.1);
  EXPECT_NEAR(values.at("response_p99_ms"), 99, 0.1);
  EXPECT_NEAR(values.at("error_share"), 0.1, 1e-12);
  EXPECT_NEAR(values.at("goodput_rps"), 90, 1e-12);
  EXPECT_NEAR(values.at("cpu_ms_per_request"), 2, 1e-9);
  EXPECT_NEAR(made.find("fault")->metrics.values.at("cpu_ms_per_request"), 3.95, 1e-9);
  EXPECT_NEAR(values.at("rss_mib"), 69, 1e-12);
  EXPECT_DOUBLE_EQ(values.at("lag_p99_ms"), 12);
  EXPECT_DOUBLE_EQ(values.at("utilisation"), 0.5);
  EXPECT_DOUBLE_EQ(made.whole.values.at("start_up_s"), 1.5);
  EXPECT_DOUBLE_EQ(made.whole.values.at("recovery_s"), 0.5);
  EXPECT_DOUBLE_EQ(*made.stalled_s, 3) << "of the class next below the threshold of 25 ms";
}

TEST(measure, gives_no_quantile_of_too_few) {
  const auto has = [](std::uint64_t answers, const char* metric) {
    const run made = measure(trial_with(answers), {});
    EXPECT_EQ(made.phases[0].metrics.values.contains(metric), !made.phases[0].metrics.why_not.contains(metric));
    return made.phases[0].metrics.values.contains(metric);
  };
  EXPECT_TRUE(has(1000, "response_p99_ms"));
  EXPECT_FALSE(has(999, "response_p99_ms"));
  EXPECT_TRUE(has(100, "response_p90_ms"));
  EXPECT_FALSE(has(99, "response_p90_ms"));
  EXPECT_FALSE(has(19, "response_p50_ms"));
  EXPECT_EQ(measure(trial_with(19), {}).phases[0].metrics.why_not.at("response_p99_ms"),
            "19 answers were timed, 1000 are needed");
}

TEST(measure, says_why_a_value_is_missing) {
  model::trial trial = trial_with(1000);
  trial.processes[15].cpu_s = 0;  // lies inside a phase: its ends decide
  EXPECT_TRUE(measure(trial, {}).phases[0].metrics.values.contains("cpu_ms_per_request"));
  for (auto& each : trial.processes) {
    if (each.at_s > 15) each.cpu_s = 0;
  }
  EXPECT_EQ(measure(trial, {}).phases[0].metrics.why_not.at("cpu_ms_per_request"),
            "a process of the candidate ended during the phase");
  trial.processes.resize(12);
  const run cut = measure(trial, {});
  EXPECT_EQ(cut.phases[0].metrics.why_not.at("cpu_ms_per_request"),
            "the processes were not sampled over the whole phase");
  EXPECT_EQ(cut.phases[1].metrics.why_not.count("rss_mib"), 1u);
  EXPECT_EQ(cut.phases[0].metrics.why_not.at("lag_p99_ms"), "no event loop was seen");
  EXPECT_EQ(cut.whole.why_not.at("recovery_s"), "it did not come back while it was watched");
  EXPECT_FALSE(cut.stalled_s);
}

TEST(measure, is_finite_whatever_the_trial_holds) {
  model::trial trial = trial_with(0);
  for (auto& phase : trial.phases) {
    phase.all.offered = phase.all.answered = phase.all.answered_well = 0;
    phase.length_s = 0;
  }
  trial.processes[3].cpu_s = std::numeric_limits<double>::quiet_NaN();
  for (auto& each : trial.processes) each.cpu_s = std::numeric_limits<double>::quiet_NaN();
  trial.recovery_s = std::numeric_limits<double>::infinity();
  const run made = measure(trial, {});
  for (const phase_run& phase : made.phases) {
    for (const auto& [metric, value] : phase.metrics.values) EXPECT_TRUE(std::isfinite(value)) << metric;
  }
  EXPECT_FALSE(made.whole.values.contains("recovery_s"));
}

}  // namespace
}  // namespace assay::judge
