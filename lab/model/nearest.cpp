#include "lab/model/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace assay::model {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view typed, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 200;  // the distance costs the product of the lengths; a file's names may be hostile
  if (typed.size() > longest) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string& each : candidates) {
    if (each.size() > typed.size() + best_distance) continue;
    const std::size_t distance = edit_distance(typed, each);
    if (distance < best_distance) {
      best_distance = distance;
      best = each;
    }
  }
  return best;
}

}  // namespace assay::model
