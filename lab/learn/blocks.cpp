#include "lab/learn/blocks.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

namespace assay::learn {
namespace {

// Batch means (L. W. Schruben, Operations Research 30, 1982, has the theory): whole blocks alone, each as long as the
// others. The floor is what one more request would change; of a share that is nearly all the rest is what is rare.
std::optional<share_estimate> from_blocks(std::span<const double> counts, double total, block_place end) {
  const std::size_t whole = end.block();
  if (whole < fewest_blocks) return std::nullopt;
  const auto n = static_cast<double>(end.number);
  const auto blocks = static_cast<double>(whole);
  const double length = std::ldexp(1.0, static_cast<int>(end.shift));
  const double mean =
      std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(whole), 0.0) / blocks;
  double squares = 0;
  for (std::size_t i = 0; i < whole; ++i) squares += (counts[i] - mean) * (counts[i] - mean);
  const double moved = std::sqrt(squares / (blocks - 1) / blocks) / length;
  const double least = std::sqrt(std::min(total, n - total) + 1) / n;
  return share_estimate{.value = total / n, .error = std::max(moved, least), .freedom = blocks - 1};
}

}  // namespace

void block_counts::coarsen(unsigned shift) {
  const unsigned by = shift - shift_;
  shift_ = shift;
  for (std::size_t i = 0; i < max_blocks; ++i) {
    const std::uint32_t moved = counts_[i];
    counts_[i] = 0;
    counts_[by < std::numeric_limits<std::size_t>::digits ? i >> by : 0] += moved;
  }
}

void block_counts::merge(const block_counts& other) {
  block_counts added = other;
  if (added.shift_ < shift_) added.coarsen(shift_);
  if (shift_ < added.shift_) coarsen(added.shift_);
  for (std::size_t i = 0; i < max_blocks; ++i) counts_[i] += added.counts_[i];
}

std::optional<share_estimate> block_counts::share(block_place end) const {
  block_counts aligned = *this;
  if (aligned.shift_ < end.shift) aligned.coarsen(end.shift);
  std::array<double, max_blocks> counts{};
  std::ranges::copy(aligned.counts_, counts.begin());
  return from_blocks(counts, std::accumulate(counts.begin(), counts.end(), 0.0), end);
}

void block_table::coarsen(unsigned shift) {
  for (; shift_ < shift; ++shift_) {
    for (std::size_t row = 0; row < max_blocks; ++row) {
      for (std::size_t column = 0; column < columns_; ++column) {
        const std::uint32_t moved = std::exchange(cells_[row * columns_ + column], 0);
        cells_[row / 2 * columns_ + column] += moved;
      }
    }
  }
}

std::uint64_t block_table::total(std::size_t column) const {
  std::uint64_t sum = 0;
  for (std::size_t row = 0; row < max_blocks; ++row) sum += cells_[row * columns_ + column];
  return sum;
}

block_table block_table::aligned(block_place end) const {
  block_table made = *this;
  made.coarsen(end.shift);
  return made;
}

std::optional<share_estimate> block_table::share(std::size_t column, block_place end) const {
  const block_table rows = aligned(end);
  std::array<double, max_blocks> counts{};
  for (std::size_t row = 0; row < max_blocks; ++row) counts[row] = rows.cell(row, column);
  return from_blocks(counts, static_cast<double>(total(column)), end);
}

std::optional<share_estimate> block_table::share_below(std::size_t column, double of_it, block_place end) const {
  const block_table rows = aligned(end);
  std::array<double, max_blocks> counts{};
  for (std::size_t row = 0; row < max_blocks; ++row) {
    const auto begins = rows.cells_.begin() + static_cast<std::ptrdiff_t>(row * columns_);
    counts[row] = std::accumulate(begins, begins + static_cast<std::ptrdiff_t>(column), 0.0);
    if (column < columns_) counts[row] += of_it * begins[static_cast<std::ptrdiff_t>(column)];
  }
  return from_blocks(counts, std::accumulate(counts.begin(), counts.end(), 0.0), end);
}

std::size_t amount_class(std::uint64_t amount) {
  if (amount < 4) return static_cast<std::size_t>(amount);
  const auto width = static_cast<unsigned>(std::bit_width(amount));
  return 4 * (std::size_t{width} - 2) + static_cast<std::size_t>((amount >> (width - 3)) & 3U);
}

std::uint64_t least_of_class(std::size_t index) {
  if (index < 4) return index;
  return (4 + std::uint64_t{index % 4}) << (index / 4 - 1);
}

std::vector<amount_sums> sums_by_block(const block_table& classes, block_place end) {
  const block_table rows = classes.aligned(end);
  std::vector<amount_sums> sums(end.block());
  for (std::size_t in = 0; in + 1 < amount_classes; ++in) {
    const auto least = static_cast<double>(least_of_class(in));
    const double width = static_cast<double>(least_of_class(in + 1)) - least;
    const double mean = least + (width - 1) / 2;
    const double square = mean * mean + (width * width - 1) / 12;
    for (std::size_t block = 0; block < sums.size(); ++block) {
      const auto times = static_cast<double>(rows.cell(block, in));
      sums[block].n += times;
      sums[block].sum += times * mean;
      sums[block].squares += times * square;
    }
  }
  return sums;
}

std::optional<share_estimate> share_below(const block_table& classes, std::uint64_t amount, block_place end) {
  const std::size_t in = amount_class(amount);
  const auto least = static_cast<double>(least_of_class(in));
  const double width = in + 1 < amount_classes ? static_cast<double>(least_of_class(in + 1)) - least : least;
  return classes.share_below(in, width > 0 ? (static_cast<double>(amount) - least) / width : 0, end);
}

}  // namespace assay::learn
