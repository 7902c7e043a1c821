#include "lab/load/engine.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <tuple>

#include "lab/load/burst_return.hpp"
#include "lab/load/crew.hpp"
#include "lab/load/intervals.hpp"
#include "lab/load/span.hpp"
#include "lab/load/verdict.hpp"
#include "stack/observe/quantile.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay::load {
namespace {

duration cpu_of(const live_counters& thread) {
  timespec used{};
  const clockid_t clock = thread.cpu_clock.load(std::memory_order_relaxed);
  if (clock == live_counters::no_clock || ::clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::optional<double> told_ms(double quantile, double value_ms, std::uint64_t samples) {
  return observe::estimable(quantile, samples) ? std::optional(value_ms) : std::nullopt;
}

}  // namespace

struct load_engine::state {
  explicit state(load_plan given) : plan(std::move(given)), work(workload_of(plan)), threads(work) {}

  model::load_result merge(const std::vector<thread_outcome>& outcomes) const;
  std::vector<model::load_stage> merge_stages(const std::vector<thread_outcome>& outcomes, duration measured) const;
  std::vector<model::load_route> merge_routes(const std::vector<thread_outcome>& outcomes) const;
  model::response_intervals merge_parts(const std::vector<thread_outcome>& outcomes,
                                        const observe::histogram& all) const;

  load_plan plan;
  workload work;
  crew threads;
};

load_engine::load_engine(load_plan plan) : state_(std::make_unique<state>(std::move(plan))) {}
load_engine::~load_engine() = default;

model::load_result load_engine::state::merge(const std::vector<thread_outcome>& outcomes) const {
  model::load_result merged;
  const load_options& options = plan.options;
  merged.url = options.url;
  if (work.requests.size() == 1) merged.method = options.method;
  merged.model = work.model;
  merged.arrivals = options.arrivals;
  merged.seed = options.seed;
  merged.connections = options.connections;
  merged.threads = options.threads;
  merged.planned_duration = options.length;
  merged.interrupted = threads.stopped();

  recorder sum;
  for (const thread_outcome& each : outcomes) {
    sum.merge(each.measured.total());
    std::ignore = merged.connect_time.merge(each.measured.connect_time);  // of one layout
    merged.duration = std::max(merged.duration, each.ended - *threads.start());
    merged.offered_requests += each.due;
    merged.io_backend = each.backend;
  }
  const double seconds = std::max(1e-9, in_seconds(merged.duration));
  merged.started = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                                          detail::monotonic_now() - *threads.start());
  merged.offered_rps = options.rate_per_s;
  merged.achieved_rps = static_cast<double>(sum.answers_within_run) / seconds;
  merged.good_rps = static_cast<double>(sum.well_within_run) / seconds;
  merged.generator = health_of(outcomes, sum.answers);
  sum.write_to(merged);
  if (work.keep_parts) merged.intervals = merge_parts(outcomes, merged.latency.response_time);
  if (work.stages.size() > 1) merged.stages = merge_stages(outcomes, merged.duration);
  if (work.requests.size() > 1) merged.routes = merge_routes(outcomes);
  judge_validity(merged);
  return merged;
}

model::response_intervals load_engine::state::merge_parts(const std::vector<thread_outcome>& outcomes,
                                                          const observe::histogram& all) const {
  run_parts together(work.length());
  for (const thread_outcome& each : outcomes) together.merge(*each.measured.parts());
  return intervals_of(all, together.histograms());
}

std::vector<model::load_stage> load_engine::state::merge_stages(const std::vector<thread_outcome>& outcomes,
                                                                duration measured) const {
  std::vector<model::load_stage> merged;
  duration begin{};
  for (std::size_t i = 0; i < work.stages.size() && begin < measured; begin += work.stages[i++].length) {
    const stage& planned = work.stages[i];
    recorder seen;
    for (const thread_outcome& each : outcomes) {
      for (std::size_t route = 0; route < work.requests.size(); ++route) seen.merge(each.measured.of(i, route));
    }
    merged.push_back({.shape = shape_text(planned),
                      .start_s = in_seconds(begin),
                      .length_s = in_seconds(std::min(planned.length, measured - begin)),
                      .planned_rps = planned.arrivals() / in_seconds(planned.length),
                      .offered = seen.offered,
                      .answered = seen.answers,
                      .errors = seen.errors_by_kind(),
                      .latency = seen.latency});
    if (planned.burst_of_per_s) {
      merged.back().burst = return_after_burst(work.stages, i, threads.series().seconds(), measured);
    }
  }
  return merged;
}

std::vector<model::load_route> load_engine::state::merge_routes(const std::vector<thread_outcome>& outcomes) const {
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

std::expected<model::load_result, std::string> load_engine::run() {
  const auto outcomes = state_->threads.run();
  if (!outcomes) return std::unexpected(outcomes.error());
  return state_->merge(*outcomes);
}

void load_engine::stop() { state_->threads.stop(); }

live_view load_engine::look() const {
  live_view view;
  for (const live_counters& each : state_->threads.live()) {
    view.offered += each.offered.load(std::memory_order_relaxed);
    view.answers += each.answers.load(std::memory_order_relaxed);
    view.errors += each.errors.load(std::memory_order_relaxed);
    view.cpu.push_back(cpu_of(each));
  }
  view.last = state_->threads.series().last();
  if (const std::optional<instant> start = state_->threads.start()) {
    view.elapsed = std::max(duration::zero(), detail::monotonic_now() - *start);
    view.due = state_->work.arrivals_expected(view.elapsed);
    view.behind = state_->threads.behind();
  }
  return view;
}

std::size_t load_engine::seconds() const { return state_->threads.series().size(); }

std::optional<model::live_second> load_engine::second(std::size_t index) const {
  const second_series& series = state_->threads.series();
  if (index >= series.size() || !series.is_over(index)) return std::nullopt;
  const model::load_second& sums = series.sums(index);
  const second_details& details = series.details(index);
  model::live_second told{.at_s = sums.at_s,
                          .length_s = std::min(1.0, in_seconds(state_->work.length()) - sums.at_s),
                          .offered = sums.offered,
                          .answered = sums.answered,
                          .response_p50_ms = told_ms(0.5, sums.response_p50_ms, details.response_times),
                          .response_p99_ms = told_ms(0.99, sums.response_p99_ms, details.response_times),
                          .own_lag_max_ms = static_cast<double>(details.own_lag_max_ns) / 1e6,
                          .response_bands = details.bands};
  if (details.response_times > 0) told.response_max_ms = sums.response_max_ms;
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) {
    if (details.errors[kind] > 0) told.errors.emplace(label(static_cast<failure_kind>(kind)), details.errors[kind]);
  }
  return told;
}

}  // namespace assay::load
