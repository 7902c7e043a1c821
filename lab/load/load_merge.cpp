#include "lab/load/load_merge.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "lab/load/arrival_fit.hpp"
#include "lab/load/burst_return.hpp"
#include "lab/load/part_findings.hpp"
#include "lab/load/span.hpp"
#include "lab/load/stage_rows.hpp"
#include "lab/load/verdict.hpp"
#include "stack/runtime/clock.hpp"

namespace assay::load {
namespace {

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
void conclude_of_run(const measured_load& run, const std::vector<thread_outcome>& outcomes, model::load_result& of) {
  const workload& work = run.work;
  const stretch length{
      .planned = work.length(), .measured = of.duration, .asked = work.gated_quantiles, .even_from = run.even_from};
  std::optional<run_parts> whole;
  for (std::size_t i = 0; i < work.requests.size(); ++i) {
    std::optional<run_parts> parts = merged_parts(outcomes, 0, i);
    if (!parts) return;
    if (!whole) {
      whole = std::move(parts);
    } else {
      whole->merge(*parts);
    }
  }
  if (work.model == model::load_model::partly_open) {
    of.intervals.why_not = why_not_even(*whole, length);
    if (!of.intervals.why_not.empty()) return;
  }
  for (std::size_t i = 0; i < of.routes.size(); ++i) {
    conclude_from_parts(*merged_parts(outcomes, 0, i), length, of.routes[i]);
  }
  conclude_from_parts(*whole, length, of);
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
  const intended_arrivals intended{.law = work.arrivals, .stages = work.stages, .threads = work.threads};
  std::vector<const realised_sends*> sent;
  for (const thread_outcome& each : outcomes) sent.push_back(each.measured.realised());
  return fit_sends(intended, sent);
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
  if (work.stages.size() == 1) conclude_of_run(of, outcomes, merged);
  judge_validity(merged);
  return merged;
}

}  // namespace assay::load
