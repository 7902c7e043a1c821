#include "lab/load/capacity_finder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "lab/load/capacity_curve.hpp"
#include "lab/load/connection_bound.hpp"
#include "lab/load/verdict.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

// A run that is INVALID is made so often in all: the generator was out of CPU or descriptors, and will be again ...
constexpr int most_tries_overwhelmed = 3;
// ... or it was late for another reason, most likely something else that ran on the machine. Taken for the generator's
// limit too soon, a few hiccups would end the search far below the capacity.
constexpr int most_tries_disturbed = 10;
// A run is so many times as long as asked for, at most, when it has too few requests for an objective's percentile.
constexpr int most_stretch = 20;
// What the generator's own lateness may do to the tightest objective.
constexpr double tolerated_distortion = 0.05;
// A run of the curve is made once more when it is INVALID: what stays so is told as such.
constexpr int most_curve_tries = 2;
// After a run whose objectives were not kept: its clients have gone, and the service finishes what they left.
constexpr auto pause_after_overload = std::chrono::seconds(1);

verdict_bounds bounds_for(const std::vector<gate>& gates) {
  verdict_bounds bounds;
  double tightest_ns = std::numeric_limits<double>::infinity();
  for (const gate& each : gates) {
    const bool of_time = each.what == gated::quantile || each.what == gated::mean || each.what == gated::max;
    if (of_time) tightest_ns = std::min(tightest_ns, each.limit);
  }
  if (std::isfinite(tightest_ns)) {
    const auto tolerated_ns = static_cast<std::uint64_t>(tolerated_distortion * tightest_ns);
    // A generator that may be so late may move the gaps as far.
    if (tolerated_ns > bounds.own_lag_p99_ns) bounds.gaps_off = 1;
    bounds.own_lag_p99_ns = std::max(bounds.own_lag_p99_ns, tolerated_ns);
  }
  return bounds;
}

bool overwhelmed(const model::generator_health& health) {
  return health.own_limits > 0 || health.cpu_share > verdict_bounds{}.cpu_share;
}

// Of all requests, that of the one that a gate is of.
double share_of(const gate& each, const load_plan& plan) {
  const std::optional<std::size_t> index = request_index_of(each.part, plan);
  return index ? (*plan.several)[*index].share : 1;
}

// Half as many again as the most demanding percentile needs.
double requests_needed(const std::vector<gate>& gates, const load_plan& plan) {
  double needed = 0;
  for (const gate& each : gates) {
    if (each.what != gated::quantile) continue;
    const auto least = static_cast<double>(observe::min_samples_for_quantile(each.quantile));
    needed = std::max(needed, 1.5 * least / share_of(each, plan));
  }
  return needed;
}

// Per second of the run, the answers as expected that came within that time.
double within_objective_rps(const model::load_result& seen, double time_ns) {
  const std::uint64_t in_time =
      seen.latency.expected_response_time.count_at_or_below(static_cast<std::uint64_t>(time_ns));
  return static_cast<double>(in_time) / std::max(1e-9, std::chrono::duration<double>(seen.duration).count());
}

std::optional<model::time_interval> interval_of(const model::load_result& seen, double quantile) {
  const auto told = std::ranges::find(seen.intervals.quantiles, quantile, &model::quantile_interval::quantile);
  return told == seen.intervals.quantiles.end() ? std::nullopt : std::optional(told->within);
}

model::capacity_run summary_of(double rate_rps, bool kept, double time_ns, model::load_result seen) {
  return {.rate_rps = rate_rps,
          .valid = seen.valid,
          .kept = seen.valid && kept,
          .achieved_rps = seen.achieved_rps,
          .goodput_rps = seen.good_rps,
          .in_slo_rps = within_objective_rps(seen, time_ns),
          .p50_ns = observe::estimated_quantile(seen.latency.response_time, 0.5),
          .p99_ns = observe::estimated_quantile(seen.latency.response_time, 0.99),
          .p50_within = interval_of(seen, 0.5),
          .p99_within = interval_of(seen, 0.99),
          .error_share = error_share_of(seen),
          .gates = std::move(seen.gates),
          .reasons = std::move(seen.reasons)};
}

bool is_known(const model::capacity_estimate& found) {
  return found.outcome == model::capacity_outcome::found || found.outcome == model::capacity_outcome::wide;
}

}  // namespace

double least_tellable_rps(const std::vector<gate>& gates, const load_plan& plan) {
  return requests_needed(gates, plan) / (most_stretch * std::chrono::duration<double>(plan.options.length).count());
}

capacity_finder::capacity_finder(const load_plan& base, std::vector<gate> gates, const capacity_options& search,
                                 const finder_options& options, std::function<void(const model::capacity_run&)> on_run)
    : base_(base.options),
      requests_needed_(requests_needed(gates, base)),
      proven_connections_(base_.connections),
      gates_(std::move(gates)),
      search_(search),
      asked_most_rps_(search.most_rps),
      options_(options),
      on_run_(std::move(on_run)) {
  base_.gated_quantiles = gate_quantiles(gates_);
  found_.url = base_.url;
  found_.confidence = search.confidence;
  found_.run_length_s = std::chrono::duration<double>(base_.length).count();
  found_.connections = base_.connections;
  found_.time_objective_ns = time_objective_ns(gates_, base_.timeout);
  for (const gate& each : gates_) found_.objectives += (found_.objectives.empty() ? "" : ",") + each.text;
}

load_options capacity_finder::options_at(double rate_rps) const {
  load_options options = base_;
  options.rate_per_s = rate_rps;
  const std::chrono::duration<double> enough(requests_needed_ / rate_rps);
  if (enough > base_.length) {
    options.length = std::min(base_.length * most_stretch, std::chrono::duration_cast<duration>(enough));
  }
  return options;
}

std::expected<model::load_result, std::string> capacity_finder::run(load_options options) {
  options.seed = base_.seed + runs_made_++;  // other arrivals each time, the same in each search
  std::expected<load_plan, std::string> plan = normalize(std::move(options));
  if (!plan) return std::unexpected(plan.error());
  load_engine engine(std::move(*plan));
  {
    const std::lock_guard lock(mutex_);
    running_ = &engine;
    if (stopping_) engine.stop();
  }
  auto result = engine.run();
  const std::lock_guard lock(mutex_);
  running_ = nullptr;
  if (result) judge_validity(*result, bounds_for(gates_));
  return result;
}

void capacity_finder::add(double rate_rps, bool kept, model::load_result seen, std::vector<model::capacity_run>& into) {
  into.push_back(summary_of(rate_rps, kept, found_.time_objective_ns, std::move(seen)));
  if (on_run_) on_run_(into.back());
}

// Adds a run of the search to what was found; true when its objectives were kept.
bool capacity_finder::take(double rate_rps, model::load_result seen) {
  const bool kept = judge_gates(gates_, seen);
  add(rate_rps, kept, std::move(seen), found_.runs);
  return kept;
}

// INVALID at one rate again and again: from here on no higher rate than what was valid. False when nothing was.
bool capacity_finder::generator_is_limit(double rate_rps) {
  double highest = 0;
  for (const model::capacity_run& each : found_.runs) {
    if (each.valid && each.rate_rps < rate_rps) highest = std::max(highest, each.rate_rps);
  }
  if (highest == 0) return false;
  found_.generator_limit_rps = highest;
  search_.limit_to(highest);
  return true;
}

// When they were what kept the run from its objectives: true, and the run says nothing about the service. Where there
// may be no more of them it does, and that is told.
bool capacity_finder::add_connections(model::load_result& seen) {
  if (!seen.valid || !bound_by_connections(gates_, seen)) return false;
  const unsigned before = base_.connections;
  if (before >= options_.most_connections) {
    found_.bound_by_connections = true;
    return false;
  }
  proven_connections_ = before;
  base_.connections = std::min(2 * before, options_.most_connections);
  found_.connections = base_.connections;
  seen.valid = false;
  seen.reasons = {fmt::format("all {} connections were busy: made again with {}", before, base_.connections)};
  return true;
}

// More than this machine or the service can open: back to as many as there could be. False when no more had been asked
// for.
bool capacity_finder::take_connections_back() {
  if (base_.connections == proven_connections_) return false;
  base_.connections = found_.connections = options_.most_connections = proven_connections_;
  return true;
}

void capacity_finder::pause() {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, pause_after_overload, [this] { return stopping_; });
}

std::expected<void, std::string> capacity_finder::search() {
  int tries = 0;
  while (const std::optional<double> rate = search_.next()) {
    std::expected<model::load_result, std::string> seen = run(options_at(*rate));
    found_.interrupted = stopping();
    if (found_.interrupted) break;
    const bool too_many = !seen || seen->generator.own_limits > 0;
    const bool taken_back = too_many && take_connections_back();
    if (!seen && taken_back) continue;
    if (!seen) return std::unexpected(seen.error());
    if (taken_back || add_connections(*seen)) {
      take(*rate, std::move(*seen));
      pause();
      continue;
    }
    if (seen->valid) proven_connections_ = base_.connections;
    const int most_tries = overwhelmed(seen->generator) ? most_tries_overwhelmed : most_tries_disturbed;
    const bool kept = take(*rate, std::move(*seen));
    if (found_.runs.back().valid) {
      tries = 0;
      search_.observe(*rate, kept);
      if (!kept) pause();
      continue;
    }
    if (++tries < most_tries) continue;
    const int tries_made = std::exchange(tries, 0);
    if (!generator_is_limit(*rate)) {
      return std::unexpected(fmt::format("at {:.6g} requests per second each of {} runs is INVALID: {}", *rate,
                                         tries_made, found_.runs.back().reasons.front()));
    }
  }
  return {};
}

// Nothing is sent beyond what was allowed, and what this machine was seen to be able to.
double capacity_finder::most_rps() const {
  return std::min(asked_most_rps_, found_.generator_limit_rps.value_or(asked_most_rps_));
}

// From the lowest rate to the highest: an overload leaves the runs below it alone.
void capacity_finder::draw_curve() {
  for (const double rate : curve_rates(found_.estimate.rps, options_.curve_points)) {
    if (rate > most_rps()) {
      found_.curve_remark = found_.generator_limit_rps ? "more this machine cannot send" : "more was not allowed";
      return;
    }
    for (int tries = 1;; ++tries) {
      std::expected<model::load_result, std::string> seen = run(options_at(rate));
      if (stopping() || !seen) {
        found_.curve_remark = stopping() ? "ended early" : seen.error();
        return;
      }
      const bool kept = judge_gates(gates_, *seen);  // which may make a run INVALID that was not before
      if (!seen->valid && tries < most_curve_tries) continue;
      add(rate, kept, std::move(*seen), found_.curve);
      if (!kept) pause();
      break;
    }
  }
}

void capacity_finder::watch_recovery() {
  const double capacity_rps = found_.estimate.rps;
  const double factor = std::min(curve_until, most_rps() / capacity_rps);
  if (factor < least_overload) return;
  load_options options = options_at(capacity_rps);
  recovery_plan plan = plan_recovery(capacity_rps, factor, options.length, requests_needed_);
  options.rate_per_s.reset();
  options.stages = std::move(plan.stages);
  std::expected<model::load_result, std::string> seen = run(std::move(options));
  if (!seen) {
    found_.recovery = std::move(plan.expected);
    found_.recovery->why_not = seen.error();
    return;
  }
  found_.recovery = judge_recovery(std::move(plan.expected), gates_, std::move(*seen));
}

std::expected<model::capacity_result, std::string> capacity_finder::find() {
  if (const auto searched = search(); !searched) return std::unexpected(searched.error());
  found_.estimate = search_.estimate();
  if (options_.curve_points == 0 || found_.interrupted || !is_known(found_.estimate)) return found_;
  draw_curve();
  found_.beyond = judge_overload(found_.curve, found_.estimate.rps);
  if (!stopping()) watch_recovery();
  return found_;
}

bool capacity_finder::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void capacity_finder::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  stopped_.notify_all();
  if (running_ != nullptr) running_->stop();
}

}  // namespace assay::load
