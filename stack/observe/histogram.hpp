// A histogram of latencies (or sizes) in constant memory, compatible with Gil Tene's HdrHistogram.
//
// What it is for: recording hundreds of millions of values on a hot path (no allocation, no lock, no
// division) and reading quantiles, exact extremes and an exact mean afterwards. Every bucket is narrower than
// 10^-significant_digits of the values in it, so a quantile is at most that far (relatively) above the
// recorded value of the same rank; values below 2 * 10^significant_digits * lowest_discernible keep an
// absolute resolution of lowest_discernible rounded down to a power of two.
//
// How it is misused:
//  - from two threads: nothing here is atomic. One histogram a thread, merged when the threads have stopped.
//  - averaging quantiles: (a.value_at_quantile(0.99) + b.value_at_quantile(0.99)) / 2 means nothing;
//    a.merge(b), then ask a.
//  - recording into a moved-from histogram: it has no buckets any more, only assigning to it is allowed.
//  - reading value_at_quantile(0.9999) of 500 values: ask stack/observe/quantile.hpp first.
//
// The bucket arithmetic (unit magnitude, sub-bucket count and half count, bucket index by leading zeros) and
// the meaning of a quantile follow AbstractHistogram of HdrHistogram (G. Tene,
// https://github.com/HdrHistogram/HdrHistogram).
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <limits>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/runtime/precondition.hpp"

namespace assay::observe {

/// A sum of up to 2^63 values of 64 bit needs 127 bits; 64 bit would overflow after 5 million samples of an
/// hour.
__extension__ typedef unsigned __int128 uint128;

/// The range and the resolution of a histogram. Values carry the unit of the caller (here: nanoseconds).
struct histogram_options {
  /// Smallest difference between two values that has to be told apart; at least 1. Rounded down to a power of
  /// two.
  std::uint64_t lowest_discernible = 1;
  /// Largest value of full resolution; from 2 * lowest_discernible to 2^63 - 1. Default: one hour in
  /// nanoseconds.
  std::uint64_t highest_trackable = 3'600'000'000'000;
  /// Decimal digits kept of every value: 1 to 5.
  int significant_digits = 3;

  friend bool operator==(const histogram_options&, const histogram_options&) = default;
};

enum class histogram_error {
  bad_lowest_discernible,  ///< zero, or so large that 10^significant_digits units of it pass 2^63
  bad_highest_trackable,   ///< below 2 * lowest_discernible or above 2^63 - 1
  bad_significant_digits,  ///< outside of 1 to 5
  layout_mismatch,         ///< merge of histograms with different options
  too_many_counts,         ///< from_counts was given more counts than the layout has buckets
  count_overflow,          ///< the total would pass max_total_count
};

/// The sentence for a human, for example "significant_digits must be 1 to 5".
[[nodiscard]] std::string_view describe(histogram_error error) noexcept;

/// Zeros as the system hands them out, without writing them: a page of buckets that is never recorded in is never
/// touched, and a histogram of an hour in nanoseconds is mostly such pages.
template <std::unsigned_integral Count>
struct zeroed_allocator {
  using value_type = Count;

  [[nodiscard]] Count* allocate(std::size_t count) {
    void* const memory = std::calloc(count, sizeof(Count));
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<Count*>(memory);
  }
  void deallocate(Count* memory, std::size_t) noexcept { std::free(memory); }

  void construct(Count*) noexcept {}  // it is zero
  void construct(Count* at, Count value) noexcept { *at = value; }

  friend bool operator==(const zeroed_allocator&, const zeroed_allocator&) = default;
};

class histogram {
 public:
  /// The transport format counts in signed 64 bit, so no histogram holds more recordings than this.
  static constexpr std::uint64_t max_total_count = std::numeric_limits<std::int64_t>::max();

  /// Validates the options and allocates the buckets (the only allocation). The error names the bad argument.
  [[nodiscard]] static std::expected<histogram, histogram_error> create(const histogram_options& options);

  /// The default options: 1 ns to 1 h at three digits, 33 792 buckets, 264 KiB.
  [[nodiscard]] static histogram with_defaults();

  /// Rebuilds a histogram from its bucket counts (as a decoder has them); missing counts at the end are zero.
  /// min(), max() and mean() become those of the buckets (lowest, highest, middle value), as in the
  /// reference.
  [[nodiscard]] static std::expected<histogram, histogram_error> from_counts(const histogram_options& options,
                                                                             std::span<const std::uint64_t> counts);

  /// Number of buckets that `options` would allocate, without allocating them. Same errors as create().
  [[nodiscard]] static std::expected<std::size_t, histogram_error> bucket_count_for(const histogram_options& options);

  /// Copies what was recorded, not the pages in between.
  histogram(const histogram& other);
  histogram& operator=(const histogram& other) { return *this = histogram(other); }
  histogram(histogram&&) noexcept = default;
  histogram& operator=(histogram&&) noexcept = default;
  ~histogram() = default;

  /// Records one value. A value above highest_trackable lands in the bucket of highest_trackable and is
  /// counted in saturated(); min(), max() and mean() still see the value itself.
  void record(std::uint64_t value) noexcept { record(value, 1); }

  /// Records the same value `count` times; a count of zero changes nothing. The total must stay within
  /// max_total_count (or it aborts: 292 years at one recording a nanosecond).
  void record(std::uint64_t value, std::uint64_t count) noexcept {
    ASSAY_PRECONDITION(!counts_.empty(), "recording into a moved-from histogram");
    ASSAY_PRECONDITION(count <= max_total_count - count_, "a histogram holds max_total_count recordings at most");
    if (count == 0) return;
    counts_[index_of(std::min(value, options_.highest_trackable))] += count;
    count_ += count;
    saturated_ += value > options_.highest_trackable ? count : 0;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
    sum_ += uint128{value} * count;
  }

  /// Number of recorded values.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Number of recorded values above highest_trackable: if not zero, high quantiles are lower bounds only.
  [[nodiscard]] std::uint64_t saturated() const noexcept { return saturated_; }
  /// Smallest recorded value, exact; 0 if empty.
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  /// Largest recorded value, exact; 0 if empty.
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  /// Sum of the recorded values, exact.
  [[nodiscard]] uint128 sum() const noexcept { return sum_; }
  /// Arithmetic mean: the exact sum over the count, rounded only by turning both to double; 0 if empty.
  [[nodiscard]] double mean() const noexcept;

  /// The highest value equivalent to (in the bucket of) the recorded value of rank ceil(q * count), at
  /// least 1. q is clamped to [0, 1]; q = 0 gives the lowest value of the first recorded bucket, as in the
  /// reference. May lie above max() by one bucket width; 0 if empty. Takes one pass over the buckets.
  [[nodiscard]] std::uint64_t value_at_quantile(double q) const noexcept;

  /// Number of recorded values in the buckets up to and with the one of `value`; hence exact only if `value`
  /// is the highest of its bucket. Everything from highest_trackable on counts saturated values as well.
  [[nodiscard]] std::uint64_t count_at_or_below(std::uint64_t value) const noexcept;

  /// Adds the other's recordings: afterwards as if all had been recorded here. On an error nothing has
  /// changed: layout_mismatch if the options differ, count_overflow if the total would pass max_total_count.
  [[nodiscard]] std::expected<void, histogram_error> merge(const histogram& other) noexcept;

  /// Forgets every recording, keeps the memory.
  void reset() noexcept;

  /// Calls fn(value_lowest, value_highest, count) for every bucket with recordings, in ascending order.
  template <typename Fn>
  void for_each_recorded(Fn&& fn) const {
    const auto [first, end] = used();
    for (std::size_t i = first; i < end; ++i) {
      if (counts_[i] != 0) fn(lowest_of(i), highest_of(i), counts_[i]);
    }
  }

  [[nodiscard]] const histogram_options& options() const noexcept { return options_; }
  /// The raw buckets in ascending order of value.
  [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  /// Bytes held by this histogram at most, once there are recordings all over it; constant from create() on.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return sizeof *this + counts_.capacity() * sizeof counts_[0];
  }

  /// Smallest and largest value that share the bucket in which `value` is recorded.
  [[nodiscard]] std::uint64_t lowest_equivalent(std::uint64_t value) const noexcept;
  [[nodiscard]] std::uint64_t highest_equivalent(std::uint64_t value) const noexcept;

  /// Same options, same buckets and same exact statistics.
  friend bool operator==(const histogram&, const histogram&) = default;

 private:
  explicit histogram(const histogram_options& options, std::size_t bucket_count);

  /// Buckets double in width from one power of two to the next and each holds half_count sub-buckets that the
  /// previous one does not. Or-ing the mask makes every value of the first bucket have the same leading
  /// zeros.
  [[nodiscard]] std::size_t index_of(std::uint64_t value) const noexcept {
    const int bucket = leading_zero_base_ - std::countl_zero(value | sub_bucket_mask_);
    const std::uint64_t sub_bucket = value >> (bucket + unit_magnitude_);
    return (static_cast<std::size_t>(bucket) << half_count_magnitude_) + sub_bucket;
  }
  /// First and past-the-end of the buckets that can have recordings. What lies outside is not looked at.
  [[nodiscard]] std::pair<std::size_t, std::size_t> used() const noexcept {
    if (count_ == 0) return {0, 0};
    return {index_of(std::min(min_, options_.highest_trackable)), std::min(index_of(max_) + 1, counts_.size())};
  }
  /// The inverse: the smallest value of a bucket, the number of values in it, and the largest one.
  [[nodiscard]] std::uint64_t lowest_of(std::size_t index) const noexcept;
  [[nodiscard]] std::uint64_t width_of(std::size_t index) const noexcept;
  [[nodiscard]] std::uint64_t highest_of(std::size_t index) const noexcept;

  histogram_options options_;
  std::vector<std::uint64_t, zeroed_allocator<std::uint64_t>> counts_;
  int unit_magnitude_ = 0;
  int half_count_magnitude_ = 0;
  int leading_zero_base_ = 0;
  std::uint64_t sub_bucket_mask_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t saturated_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
  uint128 sum_ = 0;
};

}  // namespace assay::observe
