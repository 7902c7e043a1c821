// Writes the report of an invented campaign to stdout: what the browser test opens. Two candidates, two trials each, a
// burst, a fault, stalls, and text that would break a careless page.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <numbers>

#include "lab/report/campaign_report.hpp"
#include "lab/report/profile_html.hpp"

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

// A day of a log with a busy noon, and a route whose name would break a careless page.
model::profile sample_profile() {
  model::profile made;
  made.tool_version = "0.0.0";
  made.resolution = "1 s";
  made.requests = 100'000;
  made.sources = {{.path = "a </script> & <b>.log",
                   .sha256 = std::string(64, 'a'),
                   .format = "combined",
                   .bytes = 9'000'000,
                   .lines = 100'300,
                   .kept = 100'000,
                   .rejected = {{"no access log line", 300}},
                   .rejected_sample = {{"no access log line", "line 7: ?a"}}}};
  model::route items;
  items.method = "GET";
  items.path = "/items/{id}";
  items.requests = 70'000;
  items.statuses = {{200, 69'000}, {404, 900}, {503, 100}};
  items.query_keys = {{"page", 12'000}};
  items.placeholders = {{.name = "id",
                         .shape = "integer",
                         .distinct = 900,
                         .zipf_exponent = 0.87,
                         .top_tenth_share = 0.6,
                         .least = 1,
                         .greatest = 1000,
                         .why = "by their form"}};
  items.response_bytes_p50 = 310;
  items.response_bytes_p99 = 41'000;
  model::route hostile;
  hostile.method = "GET";
  hostile.path = "/<img src=x onerror=alert(1)>";
  hostile.requests = 29'000;
  hostile.statuses = {{200, 29'000}};
  made.routes = {items, hostile};
  made.other = {{"never found (only 400, 404 or 405)", 1'000}};
  made.statuses = {{200, 98'000}, {404, 1'900}, {503, 100}};
  made.response_bytes_p50 = 310;
  made.response_bytes_p99 = 39'000;
  model::arrivals& seen = made.arrival;
  seen.first = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);
  seen.last = seen.first + std::chrono::hours(24);
  seen.requests = made.requests;
  seen.mean_per_s = 1.16;
  seen.whole_hours = 24;
  seen.median_hour_per_s = 1;
  seen.busiest_hour_per_s = 2.9;
  seen.busiest_second_per_s = 41;
  seen.dispersion = {{1, 1.4}, {10, 3.2}, {60, 12.5}, {300, 44}};
  seen.peak_to_mean = {{1, 35}, {10, 12}, {60, 6.1}, {300, 3.3}};
  for (int hour = 0; hour < 24; ++hour) seen.hour_of_day.push_back(1 - 0.9 * std::cos(hour / 12.0 * std::numbers::pi));
  for (std::uint64_t second = 0; second < 60; ++second) seen.worst_minute.push_back(second == 30 ? 41 : second % 5);
  made.session = {.key = "address and user agent", .count = 9'000, .requests_mean = 11.1, .think_time_p50_s = 4};
  made.errors = {.errors = 100, .bursts = 3, .longest = 20};
  made.notes = {"a note with <i>markup</i>"};
  made.measures = {{.kind = model::measure_kind::route, .of = "GET /items/{id}", .value = 0.7, .error = 0.004}};
  return made;
}

}  // namespace

// With an argument the page of a profile in place of a campaign's report.
int main(int count, char**) {
  if (count > 1) {
    fmt::print("{}", report::profile_html(sample_profile()));
    return 0;
  }
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
