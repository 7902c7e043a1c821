#include "lab/load/capacity_finder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

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
    bounds.own_lag_p99_ns = std::max(bounds.own_lag_p99_ns, tolerated_ns);
  }
  return bounds;
}

bool overwhelmed(const model::generator_health& health) {
  return health.own_limits > 0 || health.cpu_share > verdict_bounds{}.cpu_share;
}

// Half as many again as the most demanding percentile needs.
double requests_needed(const std::vector<gate>& gates) {
  double needed = 0;
  for (const gate& each : gates) {
    if (each.what != gated::quantile) continue;
    needed = std::max(needed, 1.5 * static_cast<double>(observe::min_samples_for_quantile(each.quantile)));
  }
  return needed;
}

model::capacity_run summary_of(double rate_rps, bool kept, model::load_result seen) {
  std::uint64_t bad_answers = 0;
  for (const auto& [kind, count] : seen.errors) bad_answers += kind.starts_with("status_") ? count : 0;
  const double good =
      seen.requests == 0 ? 0 : 1 - static_cast<double>(bad_answers) / static_cast<double>(seen.requests);
  return {.rate_rps = rate_rps,
          .valid = seen.valid,
          .kept = seen.valid && kept,
          .achieved_rps = seen.achieved_rps,
          .goodput_rps = seen.achieved_rps * good,
          .p50_ns = observe::estimated_quantile(seen.latency.response_time, 0.5),
          .p99_ns = observe::estimated_quantile(seen.latency.response_time, 0.99),
          .error_share = error_share_of(seen),
          .gates = std::move(seen.gates),
          .reasons = std::move(seen.reasons)};
}

}  // namespace

capacity_finder::capacity_finder(load_options base, std::vector<gate> gates, const capacity_options& search,
                                 std::function<void(const model::capacity_run&)> on_run)
    : base_(std::move(base)), gates_(std::move(gates)), search_(search), on_run_(std::move(on_run)) {
  found_.url = base_.url;
  found_.confidence = search.confidence;
  found_.run_length_s = std::chrono::duration<double>(base_.length).count();
  found_.connections = base_.connections;
  for (const gate& each : gates_) found_.objectives += (found_.objectives.empty() ? "" : ",") + each.text;
}

std::expected<model::load_result, std::string> capacity_finder::run_at(double rate_rps) {
  load_options options = base_;
  options.rate_per_s = rate_rps;
  const std::chrono::duration<double> enough(requests_needed(gates_) / rate_rps);
  if (enough > base_.length) {
    options.length = std::min(base_.length * most_stretch, std::chrono::duration_cast<duration>(enough));
  }
  options.seed = base_.seed + found_.runs.size();  // other arrivals each time, the same in each search
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

// Adds a run to what was found; true when its objectives were kept.
bool capacity_finder::take(double rate_rps, model::load_result seen) {
  const bool kept = judge_gates(gates_, seen);
  found_.runs.push_back(summary_of(rate_rps, kept, std::move(seen)));
  if (on_run_) on_run_(found_.runs.back());
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

void capacity_finder::pause() {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, pause_after_overload, [this] { return stopping_; });
}

std::expected<model::capacity_result, std::string> capacity_finder::find() {
  int tries = 0;
  while (const std::optional<double> rate = search_.next()) {
    std::expected<model::load_result, std::string> seen = run_at(*rate);
    found_.interrupted = stopping();
    if (found_.interrupted) break;
    if (!seen) return std::unexpected(seen.error());
    const bool valid = seen->valid;
    const int most_tries = overwhelmed(seen->generator) ? most_tries_overwhelmed : most_tries_disturbed;
    const bool kept = take(*rate, std::move(*seen));
    if (valid) {
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
  found_.estimate = search_.estimate();
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
