// Holm's correction of p values for the number of tests (S. Holm, Scandinavian Journal of Statistics 6, 1979).
//
// Misuse: leaving out of the family what could not be tested; what was predeclared counts, with p = 1.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace assay::model {

// Adjusted p values in the order given. Rejecting those below alpha keeps the chance of any false rejection in the
// family below alpha, whatever the dependence.
inline std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t at) { return std::pair(p_values[at], at); });
  std::vector<double> adjusted(p_values.size(), 1.0);
  double least = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto factor = static_cast<double>(p_values.size() - rank);
    least = std::max(least, std::min(1.0, p_values[order[rank]] * factor));
    adjusted[order[rank]] = least;
  }
  return adjusted;
}

}  // namespace assay::model
