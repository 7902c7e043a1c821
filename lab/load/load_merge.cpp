#include "lab/load/load_merge.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "lab/load/arrival_fit.hpp"
#include "lab/load/burst_return.hpp"
#include "lab/load/intervals.hpp"
#include "lab/load/span.hpp"
#include "lab/load/stage_rows.hpp"
#include "lab/load/steady_state.hpp"
#include "lab/load/verdict.hpp"
#include "stack/runtime/clock.hpp"

namespace assay::load {
namespace {

// A stretch of even load: all of it, as planned, and how much there was of it. Which quantiles are asked for.
struct stretch {
  duration planned{};
  duration measured{};
  std::span<const double> asked;
};

// Of the parts from `from` on.
observe::histogram joined(std::span<const observe::histogram> parts, std::size_t from) {
  observe::histogram all = observe::histogram::create(run_parts::layout).value();
  for (const observe::histogram& each : parts.subspan(std::min(from, parts.size()))) {
    std::ignore = all.merge(each);  // of one layout
  }
  return all;
}

// What the parts of a stretch say of it: into a run, a stage or a route. Of one that was cut short the last parts are
// empty.
template <class Of>
void conclude_from_parts(const run_parts& parts, const stretch& length, Of& of) {
  of.intervals = model::response_intervals{};
  const double part_s = in_seconds(length.planned) / run_parts::parts;
  const auto whole = static_cast<std::size_t>(in_seconds(length.measured) / part_s + 1e-6);
  of.steady = steadiness_of(parts.histograms().first(std::min(whole, run_parts::parts)), part_s);
  if (of.steady && of.steady->from_s > 0) {
    of.steady->since = joined(parts.histograms(), static_cast<std::size_t>(std::llround(of.steady->from_s / part_s)));
  }
  if (of.steady && of.steady->drift) return;  // no interval holds what comes after that
  of.intervals = intervals_of(of.latency.response_time, parts.histograms(), length.asked);
}

// Those of all threads; nothing where none are kept.
std::optional<run_parts> merged_parts(const std::vector<thread_outcome>& outcomes, std::size_t stage,
                                      std::size_t route) {
  std::optional<run_parts> together;
  for (const thread_outcome& each : outcomes) {
    const run_parts* const kept = each.measured.parts(stage, route);
    if (kept == nullptr) return std::nullopt;
    if (!together) {
      together = *kept;
    } else {
      together->merge(*kept);
    }
  }
  return together;
}

// Of a run of one even stage: what its routes' parts say of each of them, and together of the whole.
void conclude_of_run(const workload& work, const std::vector<thread_outcome>& outcomes, model::load_result& of) {
  const stretch length{.planned = work.length(), .measured = of.duration, .asked = work.gated_quantiles};
  std::optional<run_parts> whole;
  for (std::size_t i = 0; i < work.requests.size(); ++i) {
    std::optional<run_parts> parts = merged_parts(outcomes, 0, i);
    if (!parts) return;
    if (i < of.routes.size()) conclude_from_parts(*parts, length, of.routes[i]);
    if (!whole) {
      whole = std::move(parts);
    } else {
      whole->merge(*parts);
    }
  }
  if (whole) conclude_from_parts(*whole, length, of);
}

std::vector<model::load_stage> merged_stages(const measured_load& of, const std::vector<thread_outcome>& outcomes,
                                             duration measured) {
  const workload& work = of.work;
  std::vector<model::load_stage> merged = begun_stages(work.stages, measured);
  duration begin{};
  for (std::size_t i = 0; i < merged.size(); begin += work.stages[i++].length) {
    const stage& planned = work.stages[i];
    model::load_stage& row = merged[i];
    recorder seen;
    for (const thread_outcome& each : outcomes) {
      for (std::size_t route = 0; route < work.requests.size(); ++route) seen.merge(each.measured.of(i, route));
    }
    row.offered = seen.offered;
    row.answered = seen.answers;
    row.own_lag_p99_ns = seen.own_lag.value_at_quantile(0.99);
    row.errors = seen.errors_by_kind();
    row.latency = seen.latency;
    if (const std::optional<run_parts> parts = merged_parts(outcomes, i, 0)) {
      conclude_from_parts(
          *parts, {.planned = planned.length, .measured = measured - begin, .asked = work.gated_quantiles}, row);
    }
    if (planned.burst_of_per_s) {
      row.burst = return_after_burst(work.stages, i, of.series->seconds(), measured);
    }
  }
  return merged;
}

std::vector<model::load_route> merged_routes(const workload& work, const std::vector<thread_outcome>& outcomes) {
  std::vector<model::load_route> merged;
  for (std::size_t i = 0; i < work.requests.size(); ++i) {
    recorder seen;
    for (const thread_outcome& each : outcomes) {
      for (std::size_t stage = 0; stage < work.stages.size(); ++stage) seen.merge(each.measured.of(stage, i));
    }
    merged.push_back({.name = work.requests[i].name,
                      .share = work.requests[i].share,
                      .offered = seen.offered,
                      .answered = seen.answers,
                      .errors = seen.errors_by_kind(),
                      .latency = seen.latency});
  }
  return merged;
}

model::arrival_fit merged_fit(const workload& work, const std::vector<thread_outcome>& outcomes) {
  std::vector<const realised_arrivals*> threads;
  for (const thread_outcome& each : outcomes) threads.push_back(each.measured.realised());
  return fit_arrivals(work, threads);
}

}  // namespace

model::load_result merge_load(const measured_load& of, const std::vector<thread_outcome>& outcomes) {
  model::load_result merged;
  const load_options& options = of.plan.options;
  const workload& work = of.work;
  merged.url = options.url;
  if (work.requests.size() == 1) merged.method = options.method;
  merged.model = work.model;
  merged.arrivals = options.arrivals;
  merged.tick = options.tick;
  merged.seed = options.seed;
  merged.connections = options.connections;
  merged.threads = options.threads;
  merged.planned_duration = options.length;
  merged.interrupted = of.interrupted;

  recorder sum;
  stall_record stalls;
  for (const thread_outcome& each : outcomes) {
    sum.merge(each.measured.total());
    stalls.merge(each.measured.stalls);
    std::ignore = merged.connect_time.merge(each.measured.connect_time);  // of one layout
    std::ignore = merged.first_byte.merge(each.measured.first_byte);
    merged.duration = std::max(merged.duration, each.ended - of.start);
    merged.offered_requests += each.due;
    merged.io_backend = each.backend;
  }
  const double seconds = std::max(1e-9, in_seconds(merged.duration));
  merged.started = std::chrono::system_clock::now() -
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(detail::monotonic_now() - of.start);
  merged.offered_rps = options.rate_per_s;
  merged.achieved_rps = static_cast<double>(sum.answers_within_run) / seconds;
  merged.good_rps = static_cast<double>(sum.well_within_run) / seconds;
  merged.generator = health_of(outcomes, sum.answers);
  for (const thread_outcome& each : outcomes) merged.generator.stamped_answers += each.measured.stamped_answers;
  sum.write_to(merged);
  merged.stalls = stalls.concern(merged.latency.response_time, work.gated_quantiles);
  merged.stalls.share = in_seconds(stalls.total()) / seconds / static_cast<double>(outcomes.size());
  if (of.windows != nullptr) merged.windows = of.windows->outcomes();
  if (work.tests_arrivals()) merged.arrivals_seen = merged_fit(work, outcomes);
  merged.stages = merged_stages(of, outcomes, merged.duration);
  if (work.requests.size() > 1) merged.routes = merged_routes(work, outcomes);
  if (work.stages.size() == 1) conclude_of_run(work, outcomes, merged);
  judge_validity(merged);
  return merged;
}

}  // namespace assay::load
