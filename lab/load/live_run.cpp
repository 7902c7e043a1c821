#include "lab/load/live_run.hpp"

#include <algorithm>
#include <ctime>

#include "lab/load/span.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

std::optional<double> told_ms(double quantile, double value_ms, std::uint64_t samples) {
  return observe::estimable(quantile, samples) ? std::optional(value_ms) : std::nullopt;
}

}  // namespace

duration cpu_of(const live_counters& thread) {
  timespec used{};
  const clockid_t clock = thread.cpu_clock.load(std::memory_order_relaxed);
  if (clock == live_counters::no_clock || ::clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::optional<model::live_second> told_second(const second_series& series, std::size_t index, duration length) {
  const std::optional<second_series::told> seen = index < series.size() ? series.read(index) : std::nullopt;
  if (!seen) return std::nullopt;
  const model::load_second& sums = seen->sums;
  const second_details& details = seen->details;
  model::live_second told{.at_s = sums.at_s,
                          .length_s = std::min(1.0, in_seconds(length) - sums.at_s),
                          .offered = sums.offered,
                          .answered = sums.answered,
                          .response_p50_ms = told_ms(0.5, sums.response_p50_ms, details.response_times),
                          .response_p99_ms = told_ms(0.99, sums.response_p99_ms, details.response_times),
                          .own_lag_max_ms = static_cast<double>(details.own_lag_max_ns) / 1e6,
                          .response_bands = details.bands};
  if (details.sent > 0)
    told.own_late_share = static_cast<double>(details.sent_late) / static_cast<double>(details.sent);
  if (details.response_times > 0) told.response_max_ms = sums.response_max_ms;
  told.errors = counts_by_kind(details.errors);
  return told;
}

}  // namespace assay::load
