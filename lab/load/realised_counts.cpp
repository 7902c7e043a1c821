#include "lab/load/realised_counts.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace assay::load {
namespace {

constexpr double tick_rounding = 1e-6;  // of a number of them

duration span_for(double expected, duration length, duration tick) {
  assert(tick > duration::zero() && expected > 0);
  const auto ticks = [tick](double time_ns) {
    return std::ceil(time_ns / static_cast<double>(tick.count()) - tick_rounding);
  };
  const auto whole_ns = static_cast<double>(length.count());
  // No longer than the run, of which there is then one.
  const double of_arrivals_ns = std::min(whole_ns, whole_ns / expected * realised_counts::arrivals_a_span);
  const double most = std::max(ticks(of_arrivals_ns), ticks(static_cast<double>(realised_counts::least_span.count())));
  return tick * static_cast<std::int64_t>(std::max(1.0, most));
}

}  // namespace

realised_counts::realised_counts(double expected, duration length, duration tick)
    : length_(length), tick_(tick), span_(span_for(expected, length, tick)) {
  const auto spans = static_cast<std::uint64_t>(length / span_);
  while ((spans >> shift_) >= most_spans) shift_++;
  mask_ = (std::uint64_t{1} << shift_) - 1;
  // Written before the clock runs, like the histograms.
  counts_.assign((spans + mask_) >> shift_, 0);
}

std::span<const std::uint32_t> realised_counts::counts() const {
  const duration until = std::min(reached_, length_);
  if (until < span_) return {};
  const auto whole = static_cast<std::uint64_t>((until - span_) / apart()) + 1;
  return std::span(counts_).first(std::min<std::uint64_t>(whole, counts_.size()));
}

}  // namespace assay::load
