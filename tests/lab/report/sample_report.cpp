// Writes the report of an invented campaign to stdout: what the browser test opens. Two candidates, two trials each, a
// burst, a fault, stalls, and text that would break a careless page.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "lab/report/campaign_report.hpp"

namespace {

using namespace assay;

model::trial sample_trial(const std::string& candidate, unsigned repeat, double scale, const model::plan& plan) {
  model::trial made{.candidate = candidate, .repeat = repeat};
  made.start_up_s = 0.4;
  double start_s = 0;
  for (const model::phase& each : plan.phases) {
    model::phase_measurement phase{.name = each.name, .kind = each.kind, .start_s = start_s};
    phase.length_s = std::chrono::duration<double>(each.length).count();
    for (int i = 1; i <= 2000; ++i) {
      const double ms =
          scale * (1 + repeat * 0.1) * std::exp(i / 2000.0 * 3) * (phase.kind == model::phase_kind::fault ? 9 : 1);
      phase.all.latency.response_time.record(static_cast<std::uint64_t>(ms * 1e6));
    }
    for (int second = 0; second < static_cast<int>(phase.length_s); ++second) {
      const double ms = scale * (phase.kind == model::phase_kind::fault ? 60 : 5) + second;
      made.seconds.push_back({.at_s = start_s + second,
                              .offered = 100,
                              .answered = 100,
                              .response_p50_ms = ms / 3,
                              .response_p99_ms = ms,
                              .response_max_ms = ms * 2});
    }
    start_s += phase.length_s;
    made.phases.push_back(std::move(phase));
  }
  made.events = {{.at_s = 4, .length_s = 0.2, .kind = "stall", .text = "poll"},
                 {.at_s = 15, .length_s = 8, .kind = "fault", .text = "database"}};
  return made;
}

}  // namespace

int main() {
  report::campaign_report sample;
  sample.plan.name = "sample </script> & <b>";
  sample.plan.phases = {{.name = "steady", .length = std::chrono::seconds(10)},
                        {.name = "burst", .kind = model::phase_kind::burst, .length = std::chrono::seconds(5)},
                        {.name = "database-spike", .kind = model::phase_kind::fault, .length = std::chrono::seconds(8)},
                        {.name = "recovery", .kind = model::phase_kind::recovery, .length = std::chrono::seconds(8)}};
  sample.compared.reference = "flask";
  sample.compared.candidates = {
      {.name = "flask", .title = "Flask <!--<script> <img src=x onerror=alert(1)>", .complete = 2},
      {.name = "cpp", .title = "C++", .ours = true, .complete = 2},
      {.name = "go", .title = "Go", .failed = 2}};
  sample.compared.candidates[0].freezes = true;
  sample.compared.candidates[0].blocking = {{.call = "poll",
                                             .peer = "third-party",
                                             .place = "app.py:87 in price",
                                             .stack = {"app.py:87 in price", "app.py:12 in main"},
                                             .count = 12,
                                             .total_ms = 1800,
                                             .longest_ms = 310}};
  sample.compared.candidates[0].diagnosis = {
      .verdict = model::cause::blocking_call,
      .text = "poll, third-party at app.py:87 in price held the loop; in all 2 runs, figures of run 1",
      .phase = "steady",
      .judged = 2,
      .agreeing = 2,
      .findings = {{.what = {.kind = model::cause::blocking_call, .next = "Use an asynchronous client for this peer."},
                    .run = 1,
                    .runs = 2}}};
  for (const model::phase& phase : sample.plan.phases) {
    sample.compared.comparisons.push_back({.candidate = "cpp",
                                           .reference = "flask",
                                           .phase = phase.name,
                                           .metric = "response_p99_ms",
                                           .primary = true,
                                           .ratio = model::estimate{.value = 0.2, .low = 0.15, .high = 0.27, .n = 2},
                                           .verdict = model::finding::better,
                                           .why = "the whole interval lies below 0.9"});
    for (const char* name : {"flask", "cpp"}) {
      sample.compared.metrics.push_back({.candidate = name,
                                         .phase = phase.name,
                                         .metric = "response_p99_ms",
                                         .runs = {10, 11},
                                         .over_runs = model::estimate{.value = 10.5, .low = 9, .high = 12, .n = 2}});
    }
  }
  for (unsigned repeat = 1; repeat <= 2; ++repeat) {
    sample.trials.push_back(sample_trial("flask", repeat, 5, sample.plan));
    sample.trials.push_back(sample_trial("cpp", repeat, 1, sample.plan));
  }
  sample.facts = {{"kernel", "6.1"}, {"cores", "2"}};
  sample.record = "# 0001: which stack\n\nInconclusive.\n";
  fmt::print("{}", report::campaign_html(sample));
  return 0;
}
