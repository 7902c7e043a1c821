#include "lab/load/engine.hpp"

#include <algorithm>
#include <ctime>

#include "lab/load/crew.hpp"
#include "lab/load/load_merge.hpp"
#include "lab/load/span.hpp"
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

  load_plan plan;
  workload work;
  crew threads;
};

load_engine::load_engine(load_plan plan) : state_(std::make_unique<state>(std::move(plan))) {}
load_engine::~load_engine() = default;

std::expected<model::load_result, std::string> load_engine::run() {
  const auto outcomes = state_->threads.run();
  if (!outcomes) return std::unexpected(outcomes.error());
  return merge_load({.plan = state_->plan,
                     .work = state_->work,
                     .series = &state_->threads.series(),
                     .start = *state_->threads.start(),
                     .interrupted = state_->threads.stopped()},
                    *outcomes);
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
  if (details.sent > 0)
    told.own_late_share = static_cast<double>(details.sent_late) / static_cast<double>(details.sent);
  if (details.response_times > 0) told.response_max_ms = sums.response_max_ms;
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) {
    if (details.errors[kind] > 0) told.errors.emplace(label(static_cast<failure_kind>(kind)), details.errors[kind]);
  }
  return told;
}

}  // namespace assay::load
