#include "lab/plan/like_log.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "lab/model/number.hpp"

namespace assay::plan {
namespace {

// More digits than four are luck, and nobody reads them.
double rounded(double value) { return model::parse_number(fmt::format("{:.4g}", value)).value_or(value); }

// Less than 1 cannot be made of Poisson arrivals, nor has a peak less than the mean.
std::optional<double> at_scale(const std::map<int, double>& values, int scale) {
  const auto found = values.find(scale);
  if (found == values.end()) return std::nullopt;
  return std::max(rounded(found->second), 1.0);
}

std::optional<bursts_draft> bursts_of(const model::arrivals& seen) {
  bursts_draft made{.of_rate = std::clamp(rounded(seen.rate_of_a_request()), least_rate, most_rate),
                    .second = at_scale(seen.dispersion, 1),
                    .ten = at_scale(seen.dispersion, 10),
                    .minute = at_scale(seen.dispersion, 60),
                    .peak_second = at_scale(seen.peak_to_mean, 1),
                    .peak_ten = at_scale(seen.peak_to_mean, 10),
                    .peak_minute = at_scale(seen.peak_to_mean, 60)};
  if (!made.second && !made.ten && !made.minute) return std::nullopt;
  return made;
}

std::string bursts_text(const std::optional<bursts_draft>& of) {
  if (!of) return "no bursts, for the log is too short to tell";
  std::vector<std::string> each;
  for (const auto& [scale, value] : {std::pair(1, of->second), {10, of->ten}, {60, of->minute}}) {
    if (value) each.push_back(fmt::format("{} at {} s", *value, scale));
  }
  return fmt::format("bursts as in the log, where the variance of the counts over their mean is {}",
                     fmt::join(each, ", "));
}

}  // namespace

bool can_be_like(likeness to, const model::arrivals& seen) {
  switch (to) {
    case likeness::none:
      return true;
    case likeness::hour:
      return bursts_of(seen).has_value();
    case likeness::day:
      return !seen.hour_of_day.empty();
    case likeness::worst_minute:
      return std::accumulate(seen.worst_minute.begin(), seen.worst_minute.end(), std::uint64_t{0}) > 0;
  }
  return false;
}

std::expected<std::string, std::string> be_like_log(phase_draft& phase, const model::arrivals& seen) {
  if (!can_be_like(phase.like_log, seen)) {
    const bool is_old = phase.like_log == likeness::worst_minute && seen.worst_minute.empty();
    return std::unexpected(fmt::format(
        ".like_log: the profile does not know {}: {}",
        phase.like_log == likeness::hour  ? "how requests crowd"
        : phase.like_log == likeness::day ? "the shape of a day"
                                          : "its worst minute",
        is_old ? "its log is shorter, or it is of an older assay; learn the log again" : "its log is too short"));
  }
  switch (phase.like_log) {
    case likeness::none:
      return "";
    case likeness::hour:
      phase.crowded = bursts_of(seen);
      return bursts_text(phase.crowded);
    case likeness::day:
      phase.crowded = bursts_of(seen);
      for (const double each : seen.hour_of_day) phase.shape.push_back(rounded(each));
      return "the log's day, an hour after the other from midnight on; " + bursts_text(phase.crowded);
    case likeness::worst_minute:
      phase.shape.assign(seen.worst_minute.begin(), seen.worst_minute.end());
      return "the worst minute of the log, a second after the other";
  }
  return "";
}

}  // namespace assay::plan
