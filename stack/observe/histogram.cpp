#include "stack/observe/histogram.hpp"

#include <cmath>
#include <tuple>
#include <utility>

namespace assay::observe {

namespace {

/// The largest highest_trackable: the transport format stores it in signed 64 bit.
constexpr std::uint64_t max_highest_trackable = std::numeric_limits<std::int64_t>::max();

/// Sub-buckets must reach 2 * 10^digits with a resolution of one unit, so that the upper half of them, which
/// every further bucket keeps, still resolves 10^-digits. Rounded up to a power of two; the answer is its
/// exponent.
int sub_bucket_count_magnitude(int significant_digits) {
  std::uint64_t largest_of_unit_resolution = 2;
  for (int i = 0; i < significant_digits; ++i) largest_of_unit_resolution *= 10;
  return static_cast<int>(std::bit_width(largest_of_unit_resolution - 1));
}

int unit_magnitude(std::uint64_t lowest_discernible) {
  return static_cast<int>(std::bit_width(lowest_discernible)) - 1;
}

}  // namespace

std::string_view describe(histogram_error error) noexcept {
  switch (error) {
    case histogram_error::bad_lowest_discernible:
      return "lowest_discernible must be at least 1, and 2 * 10^significant_digits times it below 2^62";
    case histogram_error::bad_highest_trackable:
      return "highest_trackable must be from 2 * lowest_discernible to 2^63 - 1";
    case histogram_error::bad_significant_digits:
      return "significant_digits must be 1 to 5";
    case histogram_error::layout_mismatch:
      return "histograms with different options cannot be merged";
    case histogram_error::too_many_counts:
      return "more counts than the histogram has buckets";
    case histogram_error::count_overflow:
      return "the total count would pass 2^63 - 1";
  }
  std::unreachable();
}

std::expected<std::size_t, histogram_error> histogram::bucket_count_for(const histogram_options& options) {
  if (options.significant_digits < 1 || options.significant_digits > 5) {
    return std::unexpected(histogram_error::bad_significant_digits);
  }
  if (options.lowest_discernible == 0) return std::unexpected(histogram_error::bad_lowest_discernible);
  const int sub_buckets = sub_bucket_count_magnitude(options.significant_digits);
  const int first_bucket_bits = sub_buckets + unit_magnitude(options.lowest_discernible);
  if (first_bucket_bits > 62) return std::unexpected(histogram_error::bad_lowest_discernible);
  if (options.highest_trackable < 2 * options.lowest_discernible || options.highest_trackable > max_highest_trackable) {
    return std::unexpected(histogram_error::bad_highest_trackable);
  }
  // The first bucket reaches 2^first_bucket_bits, each further one doubles that at the price of half its
  // size.
  const int doublings = std::max(0, static_cast<int>(std::bit_width(options.highest_trackable)) - first_bucket_bits);
  return (static_cast<std::size_t>(doublings) + 2) << (sub_buckets - 1);
}

std::expected<histogram, histogram_error> histogram::create(const histogram_options& options) {
  const auto buckets = bucket_count_for(options);
  if (!buckets) return std::unexpected(buckets.error());
  return histogram(options, *buckets);
}

histogram histogram::with_defaults() { return create({}).value(); }

histogram::histogram(const histogram_options& options, std::size_t bucket_count)
    : options_(options),
      counts_(bucket_count),
      unit_magnitude_(unit_magnitude(options.lowest_discernible)),
      half_count_magnitude_(sub_bucket_count_magnitude(options.significant_digits) - 1),
      leading_zero_base_(64 - unit_magnitude_ - (half_count_magnitude_ + 1)),
      sub_bucket_mask_(((std::uint64_t{2} << half_count_magnitude_) - 1) << unit_magnitude_) {}

histogram::histogram(const histogram& other) : histogram(other.options_, other.counts_.size()) {
  std::ignore = merge(other);  // of the same layout
}

std::expected<histogram, histogram_error> histogram::from_counts(const histogram_options& options,
                                                                 std::span<const std::uint64_t> counts) {
  auto built = create(options);
  if (!built) return built;
  if (counts.size() > built->counts_.size()) return std::unexpected(histogram_error::too_many_counts);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    if (counts[i] > max_total_count - built->count_) return std::unexpected(histogram_error::count_overflow);
    built->counts_[i] = counts[i];
    built->count_ += counts[i];
    built->min_ = std::min(built->min_, built->lowest_of(i));
    built->max_ = built->highest_of(i);
    built->sum_ += uint128{built->lowest_of(i) + built->width_of(i) / 2} * counts[i];
  }
  return built;
}

double histogram::mean() const noexcept {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::uint64_t histogram::value_at_quantile(double q) const noexcept {
  std::uint64_t rank = count_;
  if (!(q >= 1.0)) {
    // One step towards zero, as in the reference: 0.07 * 100 is 7.000000000000001, and its rank is 7, not 8.
    const double fraction = q > 0.0 ? std::nextafter(q, 0.0) : 0.0;
    const double exact_rank = std::ceil(fraction * static_cast<double>(count_));
    rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact_rank), 1, std::max<std::uint64_t>(count_, 1));
  }
  std::uint64_t seen = 0;
  const auto [first, end] = used();
  for (std::size_t i = first; i < end; ++i) {
    seen += counts_[i];
    if (seen >= rank) return q > 0.0 ? highest_of(i) : lowest_of(i);
  }
  return 0;
}

std::uint64_t histogram::count_at_or_below(std::uint64_t value) const noexcept {
  if (count_ == 0) return 0;
  const std::size_t last = index_of(std::min(value, options_.highest_trackable));
  const auto [first, end] = used();
  std::uint64_t seen = 0;
  for (std::size_t i = first; i < std::min(last + 1, end); ++i) seen += counts_[i];
  return seen;
}

std::expected<void, histogram_error> histogram::merge(const histogram& other) noexcept {
  if (options_ != other.options_ || counts_.size() != other.counts_.size()) {
    return std::unexpected(histogram_error::layout_mismatch);
  }
  if (other.count_ > max_total_count - count_) return std::unexpected(histogram_error::count_overflow);
  const auto [first, end] = other.used();
  for (std::size_t i = first; i < end; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  saturated_ += other.saturated_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  return {};
}

void histogram::reset() noexcept {
  const auto [first, end] = used();
  for (std::size_t i = first; i < end; ++i) counts_[i] = 0;
  count_ = 0;
  saturated_ = 0;
  min_ = std::numeric_limits<std::uint64_t>::max();
  max_ = 0;
  sum_ = 0;
}

std::uint64_t histogram::lowest_equivalent(std::uint64_t value) const noexcept {
  return lowest_of(index_of(std::min(value, options_.highest_trackable)));
}

std::uint64_t histogram::highest_equivalent(std::uint64_t value) const noexcept {
  return highest_of(index_of(std::min(value, options_.highest_trackable)));
}

std::uint64_t histogram::lowest_of(std::size_t index) const noexcept {
  const std::size_t half_count = std::size_t{1} << half_count_magnitude_;
  // The first bucket has both halves, every further one the upper half of its sub-buckets only.
  if (index < 2 * half_count) return std::uint64_t{index} << unit_magnitude_;
  const auto bucket = static_cast<int>(index >> half_count_magnitude_) - 1;
  const std::uint64_t sub_bucket = (index & (half_count - 1)) + half_count;
  return sub_bucket << (bucket + unit_magnitude_);
}

std::uint64_t histogram::width_of(std::size_t index) const noexcept {
  const auto bucket = std::max(0, static_cast<int>(index >> half_count_magnitude_) - 1);
  return std::uint64_t{1} << (bucket + unit_magnitude_);
}

std::uint64_t histogram::highest_of(std::size_t index) const noexcept {
  return lowest_of(index) + (width_of(index) - 1);
}

}  // namespace assay::observe
