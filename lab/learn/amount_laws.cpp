#include "lab/learn/amount_laws.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay::learn {
namespace {

constexpr std::size_t fewest_different = 10;  // amounts of a tail
constexpr std::size_t most_begins = 50;       // at which a tail is tried

// The logarithms of where a class begins and ends, and how often it was met. Amounts are whole: those of 7 are of 6.5
// to 7.5.
struct log_class {
  double lower = 0;
  double upper = 0;
  double times = 0;
};

log_class log_of(const counted_amounts& of) {
  return {.lower = std::log(static_cast<double>(of.least) - 0.5),
          .upper = std::log(static_cast<double>(of.most) + 0.5),
          .times = static_cast<double>(of.times)};
}

// The fit to all of `tail`.
model::tail_fit fit_from(std::span<const log_class> tail, std::uint64_t least) {
  const double from = tail.front().lower;
  double n = 0;
  double logs = 0;
  for (const log_class& each : tail) {
    n += each.times;
    logs += each.times * ((each.lower + each.upper) / 2 - from);
  }
  const double alpha = (n - 1) / logs;  // less one: without bias
  double seen = 0;
  double distance = 0;
  for (const log_class& each : tail) {
    // Where an amount is missing, the law goes on.
    distance = std::max(distance, std::abs(seen / n - (1 - std::exp(-alpha * (each.lower - from)))));
    seen += each.times;
    distance = std::max(distance, std::abs(seen / n - (1 - std::exp(-alpha * (each.upper - from)))));
  }
  constexpr double normal_975 = 1.959963984540054;
  const double half = normal_975 * alpha / std::sqrt(n);
  return {.alpha = {.value = alpha,
                    .low = alpha - half,
                    .high = alpha + half,
                    .n = static_cast<unsigned>(std::min(n, 4e9))},
          .from = static_cast<double>(least),
          .distance = distance};
}

}  // namespace

std::optional<model::tail_fit> fit_tail(std::span<const counted_amounts> amounts) {
  // Nothing at all has no logarithm.
  const auto some = std::ranges::find_if(amounts, [](const counted_amounts& each) { return each.least > 0; });
  const auto positive = amounts.subspan(static_cast<std::size_t>(some - amounts.begin()));
  std::uint64_t all = 0;
  for (const counted_amounts& each : positive) all += each.times;
  std::vector<std::size_t> begins;
  std::vector<log_class> classes;
  std::uint64_t above = all;
  for (std::size_t i = 0; i < positive.size(); ++i) {
    classes.push_back(log_of(positive[i]));
    const bool is_tail = above >= fewest_of_a_tail && positive.size() - i >= fewest_different;
    if (is_tail && 2 * above <= all) begins.push_back(i);
    above -= positive[i].times;
  }
  std::optional<model::tail_fit> best;
  const std::size_t step = begins.size() / most_begins + 1;
  for (std::size_t i = 0; i < begins.size(); i += step) {
    const std::size_t begin = begins[i];
    const model::tail_fit each = fit_from(std::span(classes).subspan(begin), positive[begin].least);
    if (!best || each.distance < best->distance) best = each;
  }
  return best;
}

double geometric_distance(std::span<const counted_amounts> lengths, double mean) {
  double all = 0;
  for (const counted_amounts& each : lengths) all += static_cast<double>(each.times);
  double seen = 0;
  double distance = 0;
  for (const counted_amounts& each : lengths) {
    const double before = 1 - std::pow(1 - 1 / mean, static_cast<double>(each.least) - 1);
    distance = std::max(distance, std::abs(seen / all - before));
    seen += static_cast<double>(each.times);
    const double law = 1 - std::pow(1 - 1 / mean, static_cast<double>(each.most));
    distance = std::max(distance, std::abs(seen / all - law));
  }
  return distance;
}

}  // namespace assay::learn
