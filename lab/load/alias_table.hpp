// Draws an index with given weights in constant time (Walker 1977; built as Vose, IEEE Trans. Softw. Eng. 17, 1991).
//
// Misuse: a weight below zero, or all of them zero; asserted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::load {

class alias_table {
 public:
  alias_table() = default;  // draws nothing
  explicit alias_table(std::span<const double> weights);

  // The index that 64 random bits stand for.
  std::size_t draw(std::uint64_t bits) const {
    __extension__ using wide = unsigned __int128;
    const wide scaled = wide{bits} * cells_.size();
    const cell& in = cells_[static_cast<std::size_t>(scaled >> 64)];
    return static_cast<std::uint64_t>(scaled) < in.keeps ? static_cast<std::size_t>(scaled >> 64) : in.alias;
  }
  std::size_t size() const { return cells_.size(); }

 private:
  struct cell {
    std::uint64_t keeps = ~0ULL;  // of 2^64: how often the cell stands for itself
    std::size_t alias = 0;
  };
  std::vector<cell> cells_;
};

}  // namespace assay::load
