// Counts by blocks of consecutive requests, and what they say of a share: how far it moves from block to block is how
// far it is known. Requests come in flocks (a page with its images, a crawler), so that the interval of independent
// draws would be too narrow.
//
// A log is cut into 32 to 64 blocks, however long it is: when the 64th is full, two become one.
//
// Misuse: reading the error of a log shorter than its flocks; a session that lasts for the whole log is in every block.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace assay::learn {

inline constexpr std::size_t max_blocks = 64;
inline constexpr std::size_t fewest_blocks = 8;  // for an error of which anything is known

// Where in the log a request stands.
struct block_place {
  std::uint64_t number = 0;  // of the requests before it
  unsigned shift = 0;        // blocks are of 2^shift requests

  // Of the request before which there were `number`.
  static block_place of(std::uint64_t number) {
    constexpr auto bits_of_a_block = std::bit_width(max_blocks - 1);
    const auto bits = std::bit_width(number);
    return {.number = number, .shift = bits > bits_of_a_block ? static_cast<unsigned>(bits - bits_of_a_block) : 0U};
  }
  std::size_t block() const { return static_cast<std::size_t>(number >> shift); }
  void next() {
    ++number;
    if (block() == max_blocks) ++shift;
  }
};

struct share_estimate {
  double value = 0;
  double error = 0;    // standard error; never zero, since a share that never moved is not known exactly
  double freedom = 0;  // degrees of freedom of the error
};

// How often one thing was met, by block.
class block_counts {
 public:
  // So many of one block. They may come behind others of a later one, when blocks have become longer meanwhile.
  void add(block_place at, std::uint32_t times = 1) {
    if (at.shift > shift_) coarsen(at.shift);
    counts_[at.number >> shift_] += times;
  }
  // Afterwards as if all had been added here.
  void merge(const block_counts& other);
  // `end`: the place after the last request. Empty when there are fewer than fewest_blocks.
  std::optional<share_estimate> share(block_place end) const;

 private:
  void coarsen(unsigned shift);

  unsigned shift_ = 0;
  std::array<std::uint32_t, max_blocks> counts_{};
};

// The same for many things at once, of which each request meets one: its column.
class block_table {
 public:
  explicit block_table(std::size_t columns) : columns_(columns), cells_(max_blocks * columns) {}

  void add(block_place at, std::size_t column) {
    if (at.shift != shift_) coarsen(at.shift);
    ++cells_[at.block() * columns_ + column];
  }
  std::size_t columns() const { return columns_; }
  std::uint64_t total(std::size_t column) const;
  std::optional<share_estimate> share(std::size_t column, block_place end) const;
  // Of the columns before `column`, and the part `of_it` of that one.
  std::optional<share_estimate> share_below(std::size_t column, double of_it, block_place end) const;
  // As if all blocks were as long as those at `end`.
  block_table aligned(block_place end) const;
  std::uint32_t cell(std::size_t block, std::size_t column) const { return cells_[block * columns_ + column]; }

 private:
  void coarsen(unsigned shift);

  std::size_t columns_;
  std::vector<std::uint32_t> cells_;  // a row a block
  unsigned shift_ = 0;
};

// Classes of amounts, four to a doubling, for columns: bytes, or microseconds.
inline constexpr std::size_t amount_classes = 252;
std::size_t amount_class(std::uint64_t amount);
std::uint64_t least_of_class(std::size_t index);

// Sums over the amounts of one block.
struct amount_sums {
  double n = 0;
  double sum = 0;
  double squares = 0;
};

// Of the whole blocks; whole amounts evenly spread inside a class, which of smooth laws is right to one percent.
std::vector<amount_sums> sums_by_block(const block_table& classes, block_place end);

// Of the amounts that were counted in classes, those below `amount`; evenly spread inside a class.
std::optional<share_estimate> share_below(const block_table& classes, std::uint64_t amount, block_place end);

}  // namespace assay::learn
