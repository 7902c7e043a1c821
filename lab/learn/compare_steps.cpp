#include "lab/learn/compare_steps.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace assay::learn {
namespace {

// Of the steps among `names` and all else, a row behind the other. `hidden`: the part of them from or to routes that
// this side names and `names` does not.
std::vector<double> shares_of(const model::session_paths& of, const std::vector<std::string>& names, double& hidden) {
  std::vector<std::size_t> index;
  index.reserve(of.routes.size());
  for (const std::string& each : of.routes) {
    index.push_back(static_cast<std::size_t>(std::ranges::find(names, each) - names.begin()));
  }
  const std::size_t size = names.size() + 1;
  std::vector<double> shares(size * size);
  double all = 0;
  const auto is_hidden = [&](std::size_t i) { return i + 1 < of.routes.size() && index[i] == names.size(); };
  for (std::size_t i = 0; i < of.routes.size(); ++i) {
    for (std::size_t j = 0; j < of.routes.size(); ++j) {
      const auto times = static_cast<double>(of.next[i][j]);
      shares[index[i] * size + index[j]] += times;
      all += times;
      if (is_hidden(i) || is_hidden(j)) hidden += times;
    }
  }
  hidden /= std::max(all, 1.0);
  for (double& each : shares) each /= std::max(all, 1.0);
  return shares;
}

}  // namespace

std::optional<model::steps_comparison> compare_steps(const model::session_paths& a, const model::session_paths& b) {
  if (a.routes.empty() || b.routes.empty()) return std::nullopt;
  std::vector<std::string> both;
  for (std::size_t i = 0; i + 1 < a.routes.size(); ++i) {  // the last is "other"
    if (std::ranges::find(b.routes, a.routes[i]) != b.routes.end()) both.push_back(a.routes[i]);
  }
  double hidden = 0;
  double hidden_b = 0;
  const std::vector<double> of_a = shares_of(a, both, hidden);
  const std::vector<double> of_b = shares_of(b, both, hidden_b);
  hidden += hidden_b;  // what only one of them names may go other ways altogether
  model::steps_comparison found{.margin = steps_margin};
  for (std::size_t i = 0; i < of_a.size(); ++i) found.distance += std::abs(of_a[i] - of_b[i]) / 2;
  found.low = std::max(found.distance - a.error - b.error, 0.0);
  found.high = std::min(found.distance + hidden + a.error + b.error, 1.0);
  found.verdict = found.low > steps_margin     ? model::likeness::differs
                  : found.high <= steps_margin ? model::likeness::same
                                               : model::likeness::inconclusive;
  return found;
}

}  // namespace assay::learn
