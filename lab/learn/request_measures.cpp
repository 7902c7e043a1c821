#include "lab/learn/request_measures.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lab/learn/start_order.hpp"

namespace assay::learn {
namespace {

using model::measure;
using model::measure_kind;

measure made(measure_kind kind, std::string of, const share_estimate& from) {
  return {.kind = kind, .of = std::move(of), .value = from.value, .error = from.error, .freedom = from.freedom};
}

// The error of the share below the quantile becomes one of the quantile: both ends of it are looked up.
std::optional<measure> quantile_measure(const block_table& classes, const request_measures::whole_log& of, double q,
                                        std::string name) {
  const auto value = static_cast<std::uint64_t>(of.sizes->quantile(q));
  const auto below = share_below(classes, value + 1, of.end);
  if (!below) return std::nullopt;
  // The share was counted where a class or an atom ends, not at q itself.
  const double least = 1 / static_cast<double>(of.end.number + 1);
  const double share = std::clamp(below->value, least, 1 - least);
  const double error = below->error * std::sqrt(q * (1 - q) / (share * (1 - share)));
  constexpr double errors = 2;
  const double low = of.sizes->quantile(std::max(q - errors * error, 0.0));
  const double high = of.sizes->quantile(std::min(q + errors * error, 1.0));
  return measure{.kind = measure_kind::bytes,
                 .of = std::move(name),
                 .value = 1 + static_cast<double>(value),
                 .error = (std::log1p(high) - std::log1p(low)) / (2 * errors),
                 .freedom = below->freedom};
}

}  // namespace

void request_measures::add(block_place at, int status, std::uint64_t bytes) {
  statuses_.add(at, std::min(static_cast<std::size_t>(std::max(status, 0)), most_status));
  sizes_.add(at, amount_class(bytes));
}

void request_measures::add_gap(block_place at, log_time starts) {
  // A clock that goes back by more than any request takes was wrong before, or is that of another log: as start_order.
  if (latest_ != log_time::min() && starts + longest_request < latest_) latest_ = starts;
  // The first has no gap before it. A stamp that goes back is none, either.
  const auto gap = latest_ == log_time::min() ? 0 : std::max<std::int64_t>((starts - latest_).count(), 0);
  gaps_.add(at, amount_class(static_cast<std::uint64_t>(gap)));
  latest_ = std::max(latest_, starts);
}

std::map<int, std::uint64_t> request_measures::statuses() const {
  std::map<int, std::uint64_t> met;
  for (std::size_t status = 0; status <= most_status; ++status) {
    if (const std::uint64_t count = statuses_.total(status); count > 0) met[static_cast<int>(status)] = count;
  }
  return met;
}

void request_measures::add_gaps(const whole_log& of, std::vector<measure>& to) const {
  constexpr double short_part = 0.1;
  constexpr double long_part = 3;
  constexpr double ticks = 4;  // of the clock, or what is counted is the clock
  const double mean_us = 1e6 / of.mean_per_s;
  const auto tick_us = static_cast<double>(of.resolution.count());
  const auto below = [&](double part) {
    return share_below(gaps_, static_cast<std::uint64_t>(part * mean_us), of.end);
  };
  if (short_part * mean_us >= ticks * tick_us) {
    if (const auto share = below(short_part)) to.push_back(made(measure_kind::gaps, "short", *share));
  }
  if (long_part * mean_us >= ticks * tick_us) {
    auto share = below(long_part);
    if (!share) return;
    share->value = 1 - share->value;
    to.push_back(made(measure_kind::gaps, "long", *share));
  }
}

std::optional<model::estimate> request_measures::gap_cv(const whole_log& of) const {
  constexpr double ticks = 10;                // of the clock in a mean gap, or what varies is the clock
  constexpr unsigned fewest_a_block = 6;      // 2^6 requests
  constexpr double student_975 = 2.365;       // of 7 degrees of freedom, the fewest
  constexpr double longest_block_us = 7.2e9;  // in more than two hours the shape of the day would pass for gaps
  if (of.end.shift < fewest_a_block || of.mean_per_s <= 0) return std::nullopt;
  if (1e6 / of.mean_per_s < ticks * static_cast<double>(of.resolution.count())) return std::nullopt;
  double n = 0;
  double sum = 0;
  double squares = 0;
  for (const amount_sums& block : sums_by_block(gaps_, of.end)) {
    if (block.sum <= 0 || block.sum > longest_block_us) continue;
    // Bessel's n / (n - 1), and (n + 1) / n, with which it is without bias for exponential gaps.
    const double square =
        (block.n + 1) * block.n / (block.n - 1) * (block.squares / (block.sum * block.sum) - 1 / block.n);
    n += 1;
    sum += square;
    squares += square * square;
  }
  if (n < static_cast<double>(fewest_blocks)) return std::nullopt;
  const double mean = sum / n;
  const double half = student_975 * std::sqrt(std::max(squares / n - mean * mean, 0.0) / (n - 1));
  return model::estimate{.value = std::sqrt(std::max(mean, 0.0)),
                         .low = std::sqrt(std::max(mean - half, 0.0)),
                         .high = std::sqrt(std::max(mean + half, 0.0)),
                         .n = static_cast<unsigned>(n)};
}

std::vector<measure> request_measures::measures(const whole_log& of) const {
  std::vector<measure> found;
  for (const auto& [status, count] : statuses()) {
    const auto share = statuses_.share(static_cast<std::size_t>(status), of.end);
    if (share) found.push_back(made(measure_kind::status, std::to_string(status), *share));
  }
  for (const auto& [q, name] : {std::pair(0.5, "p50"), std::pair(0.99, "p99")}) {
    if (auto each = quantile_measure(sizes_, of, q, name)) found.push_back(std::move(*each));
  }
  if (of.mean_per_s > 0) add_gaps(of, found);
  return found;
}

}  // namespace assay::learn
