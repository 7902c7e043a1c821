#include "lab/load/own_stalls.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "lab/load/span.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

// Of a percentile: less of it is not worth a word.
constexpr double told_share = 0.05;

}  // namespace

void stall_record::touched(duration response, duration added, std::uint64_t times) {
  measured_.record(nanoseconds(response), times);
  least_.record(nanoseconds(response - added), times);
}

void stall_record::saw(std::uint64_t count, duration longest, duration total) {
  count_ += count;
  longest_ = std::max(longest_, longest);
  total_ += total;
}

void stall_record::merge(const stall_record& other) {
  // Both have the default layout, so merging cannot fail.
  std::ignore = measured_.merge(other.measured_);
  std::ignore = least_.merge(other.least_);
  saw(other.count_, other.longest_, other.total_);
}

// The value of that rank when each touched time is the least that it can have been.
double stall_record::least_at(const observe::histogram& all, double quantile) const {
  const auto count = static_cast<double>(all.count());
  const auto rank = static_cast<std::uint64_t>(std::max(1.0, std::ceil(quantile * count)));
  const auto until = [&](std::uint64_t value) {
    return all.count_at_or_below(value) - measured_.count_at_or_below(value) + least_.count_at_or_below(value);
  };
  std::uint64_t low = 0;
  std::uint64_t high = all.max();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (until(middle) >= rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return static_cast<double>(std::min(all.highest_equivalent(low), all.max()));
}

std::optional<model::touched_time> stall_record::time_of(const observe::histogram& all, double quantile) const {
  const auto told = quantile == 1.0 ? std::optional(all.max()) : observe::estimated_quantile(all, quantile);
  if (!told) return std::nullopt;
  return model::touched_time{
      .quantile = quantile, .measured_ns = static_cast<double>(*told), .least_ns = least_at(all, quantile)};
}

model::own_stalls stall_record::concern(const observe::histogram& all, std::span<const double> asked) const {
  model::own_stalls found{
      .count = count_, .longest_ns = nanoseconds(longest_), .touched_requests = measured_.count(), .touched = {}};
  if (measured_.count() == 0) return found;
  for (const double quantile : {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
    const auto each = time_of(all, quantile);
    if (each && each->measured_ns - each->least_ns > told_share * each->measured_ns) found.touched.push_back(*each);
  }
  for (const double quantile : asked) {
    if (const auto each = time_of(all, quantile)) found.asked.push_back(*each);
  }
  if (const auto longest = time_of(all, 1)) found.asked.push_back(*longest);
  return found;
}

}  // namespace assay::load
