#include "lab/model/histogram_rebuild.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace assay::model {
namespace {

using observe::uint128;

// `count` recordings, each between `low` and `high`.
struct cell {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t count = 0;
};

// Takes one recording of `value` out of the cells.
bool take(std::vector<cell>& cells, std::uint64_t value) {
  for (cell& each : cells) {
    if (each.count == 0 || value < each.low || value > each.high) continue;
    --each.count;
    return true;
  }
  return false;
}

std::vector<cell> cells_of(const observe::histogram& buckets, const exact_statistics& exact) {
  std::vector<cell> cells;
  buckets.for_each_recorded(
      [&](std::uint64_t low, std::uint64_t high, std::uint64_t count) { cells.push_back({low, high, count}); });
  if (exact.saturated > 0 && !cells.empty() && cells.back().count >= exact.saturated) {
    cells.back().count -= exact.saturated;
    cells.push_back({buckets.options().highest_trackable + 1, exact.greatest, exact.saturated});
  }
  // What is not saturated stays within the range of the layout, and everything within the extremes.
  for (cell& each : cells) {
    each.low = std::max(each.low, exact.least);
    each.high = std::min(each.high, exact.greatest);
    if (each.low <= buckets.options().highest_trackable) {
      each.high = std::min(each.high, buckets.options().highest_trackable);
    }
  }
  return cells;
}

}  // namespace

exact_statistics exact_statistics_of(const observe::histogram& source) {
  return {.least = source.min(), .greatest = source.max(), .sum = source.sum(), .saturated = source.saturated()};
}

std::expected<observe::histogram, std::string> rebuild(const observe::histogram& buckets,
                                                       const exact_statistics& exact) {
  auto made = observe::histogram::create(buckets.options());
  if (!made) return std::unexpected(std::string(observe::describe(made.error())));
  if (buckets.count() == 0) {
    if (exact.least != 0 || exact.greatest != 0 || exact.sum != 0 || exact.saturated != 0) {
      return std::unexpected("an empty histogram has no extremes and no sum");
    }
    return *std::move(made);
  }
  std::vector<cell> cells = cells_of(buckets, exact);
  if (exact.least > exact.greatest || !take(cells, exact.least) ||
      (buckets.count() > 1 ? !take(cells, exact.greatest) : exact.least != exact.greatest)) {
    return std::unexpected("min and max lie in no bucket of the histogram");
  }
  made->record(exact.least);
  if (buckets.count() > 1) made->record(exact.greatest);
  uint128 floor = made->sum();
  for (const cell& each : cells) {
    if (each.count > 0 && each.low > each.high) return std::unexpected("a bucket lies outside of min and max");
    floor += uint128{each.low} * each.count;
  }
  if (exact.sum < floor) return std::unexpected("the sum is less than the buckets hold");
  // All at the lower edge of their bucket, then up until the sum is reached.
  uint128 missing = exact.sum - floor;
  for (const cell& each : cells) {
    if (each.count == 0) continue;
    const std::uint64_t width = each.high - each.low;
    const uint128 rise = std::min(missing, uint128{width} * each.count);
    missing -= rise;
    const auto at_top = width == 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(rise / width);
    const auto rest = width == 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(rise % width);
    made->record(each.high, at_top);
    made->record(each.low + rest, rest == 0 ? 0 : 1);
    made->record(each.low, each.count - at_top - (rest == 0 ? 0 : 1));
  }
  if (missing != 0) return std::unexpected("the sum is more than the buckets hold");
  if (!std::ranges::equal(made->counts(), buckets.counts()) || made->saturated() != exact.saturated) {
    return std::unexpected("the count of saturated values does not fit the buckets");
  }
  return *std::move(made);
}

}  // namespace assay::model
