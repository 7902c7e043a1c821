#include "lab/judge/time_to_limit.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace assay::judge {
namespace {

double hours_to(const approached_limit& each, double per_s) {
  constexpr double hour_s = 3600;
  return static_cast<double>(each.to.room()) / per_s / hour_s;
}

}  // namespace

void tell_time_to_limit(model::named_cause& of, std::span<const approached_limit> limits) {
  const approached_limit* nearest = nullptr;
  for (const approached_limit& each : limits) {
    if (each.to.limit == 0 || each.per_s.low <= 0) continue;
    if (nearest == nullptr || hours_to(each, each.per_s.value) < hours_to(*nearest, nearest->per_s.value)) {
      nearest = &each;
    }
  }
  if (nearest == nullptr) return;
  const double hours = hours_to(*nearest, nearest->per_s.value);
  const double low = hours_to(*nearest, nearest->per_s.high);
  const double high = hours_to(*nearest, nearest->per_s.low);
  of.text += fmt::format("; {}, {:.0f}{}, is reached in {:.3g} h at this rate (95 %: {:.3g} to {:.3g})", nearest->to.of,
                         static_cast<double>(nearest->to.limit) / nearest->scale, nearest->unit, hours, low, high);
  of.numbers.push_back({"time_to_limit_h", hours});
  of.numbers.push_back({"time_to_limit_h_low", low});
  of.numbers.push_back({"time_to_limit_h_high", high});
}

}  // namespace assay::judge
