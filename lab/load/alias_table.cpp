#include "lab/load/alias_table.hpp"

#include <cassert>
#include <numeric>

namespace assay::load {

alias_table::alias_table(std::span<const double> weights) : cells_(weights.size()) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  assert(!weights.empty() && sum > 0);
  std::vector<double> share(weights.size());  // of a cell; one is full
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    assert(weights[i] >= 0);
    share[i] = weights[i] / sum * static_cast<double>(weights.size());
    cells_[i].alias = i;  // for what rounding leaves over
    (share[i] < 1 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::size_t less = small.back();
    const std::size_t more = large.back();
    small.pop_back();
    cells_[less].keeps = static_cast<std::uint64_t>(share[less] * 0x1.0p64);
    cells_[less].alias = more;
    share[more] -= 1 - share[less];
    if (share[more] >= 1) continue;
    large.pop_back();
    small.push_back(more);
  }
}

}  // namespace assay::load
