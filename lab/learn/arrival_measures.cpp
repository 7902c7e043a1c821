#include "lab/learn/arrival_measures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>

namespace assay::learn {
namespace {

using model::measure_kind;

constexpr std::array<std::size_t, 6> block_lengths{1800, 600, 300, 120, 60, 30};  // that divide an hour
constexpr std::size_t enough_blocks = 12;
constexpr std::size_t fewest_blocks_of_time = 6;
constexpr std::size_t windows_a_block = 2;
constexpr std::size_t fewest_windows = 30;
constexpr double least_freedom = 4;  // degrees, of an error of which anything is known

struct scale {
  std::size_t window;  // seconds
  std::size_t block;   // whose greatest window is taken, to see how greatest ones spread
};
constexpr std::array scales{scale{1, 60}, scale{10, 300}, scale{60, 720}};

// Counts of the windows of one hour.
struct hour {
  double n = 0;
  double sum = 0;
  double mean() const { return n > 0 ? sum / n : 0; }
};

// The clock hours, from that of the first second on.
std::vector<hour> hours_of(const timeline& of, std::size_t window) {
  const std::size_t first = of.first / seconds_an_hour;
  std::vector<hour> hours((of.first + of.series.size()) / seconds_an_hour - first + 1);
  of.each_window(window, [&](std::size_t begins, double requests) {
    hour& each = hours[begins / seconds_an_hour - first];
    each.n += 1;
    each.sum += requests;
  });
  return hours;
}

// The longest blocks of which there are enough, so that what is correlated lies in one; 0 when there are too few.
std::size_t block_length(std::size_t seconds, std::size_t window) {
  std::size_t found = 0;
  for (const std::size_t each : block_lengths) {
    if (each < windows_a_block * window) break;
    if (seconds / each >= enough_blocks) return each;
    if (seconds / each >= fewest_blocks_of_time) found = each;
  }
  return found;
}

std::optional<model::measure> rate(const timeline& of) {
  const std::size_t length = block_length(of.series.size(), 1);
  const double requests = sum(of.series);
  if (length == 0 || requests == 0) return std::nullopt;
  const auto hours = hours_of(of, length);
  double squares = 0;
  double blocks = 0;
  double freedom = 0;
  of.each_window(length, [&](std::size_t begins, double counted) {
    const double off = counted - hours[begins / seconds_an_hour - of.first / seconds_an_hour].mean();
    squares += off * off;
    blocks += 1;
  });
  for (const hour& each : hours) freedom += std::max(each.n - 1, 0.0);
  if (freedom < least_freedom) return std::nullopt;
  // As if the whole log spread as its blocks do; a single request more is the least that can be told.
  const double all = static_cast<double>(of.series.size()) / static_cast<double>(length);
  const double error = std::sqrt(std::max(squares / freedom * all, 1.0)) / requests;
  return model::measure{.kind = measure_kind::rate,
                        .of = {},
                        .value = requests / static_cast<double>(of.series.size()),
                        .error = error,
                        .freedom = freedom};
}

// A ratio of two sums over blocks, with the error of a ratio (W. G. Cochran, Sampling Techniques, 1977, 6.4).
std::optional<model::measure> dispersion(const timeline& of, std::size_t window) {
  const std::size_t length = block_length(of.series.size(), window);
  if (length == 0) return std::nullopt;
  const auto hours = hours_of(of, window);
  struct part {
    double squares = 0, mean = 0;
  };
  const std::size_t first = of.first / length;
  std::vector<part> blocks((of.first + of.series.size()) / length - first + 1);
  part all;
  std::size_t windows = 0;
  double n = 0;  // blocks of hours with requests
  of.each_window(window, [&](std::size_t begins, double requests) {
    const hour& in = hours[begins / seconds_an_hour - of.first / seconds_an_hour];
    if (in.n < 2 || in.sum == 0) return;
    const double squared = (requests - in.mean()) * (requests - in.mean());
    const double expected = in.mean() * (in.n - 1) / in.n;
    part& each = blocks[begins / length - first];
    n += each.mean == 0 ? 1 : 0;
    each.squares += squared;
    each.mean += expected;
    all.squares += squared;
    all.mean += expected;
    ++windows;
  });
  if (n < static_cast<double>(fewest_blocks_of_time) || windows < fewest_windows || all.squares == 0) {
    return std::nullopt;
  }
  const double index = all.squares / all.mean;
  double off = 0;
  for (const part& each : blocks) {
    off += (each.squares - index * each.mean) * (each.squares - index * each.mean);
  }
  return model::measure{.kind = measure_kind::dispersion,
                        .of = std::to_string(window) + " s",
                        .value = index,
                        .error = std::sqrt(n / (n - 1) * off) / all.squares,
                        .freedom = n - 1};
}

// The logarithm of the greatest window of `length` seconds and more, of the mean; empty for a stretch without requests.
std::optional<double> log_peak(std::span<const std::uint32_t> stretch, std::size_t window, double mean) {
  double most = 0;
  for (std::size_t at = 0; at + window <= stretch.size(); at += window) {
    most = std::max(most, sum(stretch.subspan(at, window)));
  }
  if (most == 0 || mean <= 0) return std::nullopt;
  return std::log(most / mean);
}

// How the logarithms of the blocks' greatest windows spread within their hour.
struct spread {
  double squares = 0;
  double freedom = 0;

  void add(std::span<const std::uint32_t> hour, const scale& at, double mean) {
    double n = 0;
    double total = 0;
    double total_squares = 0;
    for (std::size_t begins = 0; begins + at.block <= hour.size(); begins += at.block) {
      const auto log = log_peak(hour.subspan(begins, at.block), at.window, mean);
      if (!log) continue;
      n += 1;
      total += *log;
      total_squares += *log * *log;
    }
    if (n < 2) return;
    squares += std::max(total_squares - total * total / n, 0.0);
    freedom += n - 1;
  }
};

std::optional<model::measure> peak(const timeline& of, const scale& at) {
  // Hours from the log's begin; the last is longer, a log of less than an hour is one.
  const std::size_t hours = std::max<std::size_t>(of.series.size() / seconds_an_hour, 1);
  spread spreads;
  double peaks = 0;
  double n = 0;
  double excess = 0;  // e-folds beyond an hour
  for (std::size_t i = 0; i < hours; ++i) {
    const std::size_t begins = i * seconds_an_hour;
    const auto hour = of.series.subspan(begins, i + 1 < hours ? seconds_an_hour : of.series.size() - begins);
    const double mean = sum(hour) / static_cast<double>(hour.size()) * static_cast<double>(at.window);
    const auto log = log_peak(hour, at.window, mean);
    if (!log) continue;
    spreads.add(hour, at, mean);
    peaks += *log;
    excess += std::log(static_cast<double>(hour.size()) / static_cast<double>(seconds_an_hour));
    n += 1;
  }
  if (spreads.freedom < least_freedom || n == 0) return std::nullopt;
  const double deviation = std::sqrt(spreads.squares / spreads.freedom);
  const double a_fold = deviation * std::sqrt(6.0) / std::numbers::pi;
  return model::measure{.kind = measure_kind::peak,
                        .of = std::to_string(at.window) + " s",
                        .value = std::exp((peaks - a_fold * excess) / n),
                        .error = deviation / std::sqrt(n),
                        .freedom = spreads.freedom};
}

}  // namespace

std::vector<model::measure> arrival_measures(const timeline& of) {
  std::vector<model::measure> found;
  const auto take = [&](std::optional<model::measure> each) {
    if (each) found.push_back(std::move(*each));
  };
  take(rate(of));
  for (const scale& each : scales) take(dispersion(of, each.window));
  for (const scale& each : scales) take(peak(of, each));
  return found;
}

}  // namespace assay::learn
