#include "lab/model/profile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::model {

double arrivals::rate_of_a_request() const {
  double rates = 0;
  double squares = 0;
  for (const double each : hour_of_day) {
    rates += each;
    squares += each * each;
  }
  return mean_per_s * (rates > 0 ? squares / rates : 1);
}

// Who is at a route goes on or leaves; who is there came from another or began there.
double session_paths::ends_after(std::size_t i) const {
  auto came = static_cast<double>(entries[i]);
  double went_on = 0;
  for (const auto& from : next) came += static_cast<double>(from[i]);
  for (const std::uint64_t each : next[i]) went_on += static_cast<double>(each);
  return came > 0 ? std::clamp(1 - went_on / came, 0.0, 1.0) : 0;
}

estimate share(std::uint64_t count, std::uint64_t total) {
  if (total == 0) return {.value = 0, .low = 0, .high = 1, .n = 0};
  constexpr double z = 1.959963984540054;  // normal quantile of 0.975
  const auto n = static_cast<double>(total);
  const double p = static_cast<double>(count) / n;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  constexpr std::uint64_t most = std::numeric_limits<unsigned>::max();
  return {.value = p,
          .low = std::max(0.0, centre - half),
          .high = std::min(1.0, centre + half),
          .n = static_cast<unsigned>(std::min(total, most))};
}

}  // namespace assay::model
