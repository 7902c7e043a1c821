#include "lab/campaign/recovery.hpp"

#include <algorithm>

namespace assay::campaign {
namespace {

struct level {
  double p99_ms = 0;
  double error_share = 0;
};

double error_share(const model::load_second& of) {
  return of.offered == 0 ? 0 : static_cast<double>(of.errors) / static_cast<double>(of.offered);
}

// Whole seconds within [from, to).
std::vector<model::load_second> within(const std::vector<model::load_second>& seconds, double from, double to) {
  std::vector<model::load_second> inside;
  for (const model::load_second& each : seconds) {
    if (each.at_s >= from && each.at_s + 1 <= to + 1e-9) inside.push_back(each);
  }
  return inside;
}

std::optional<level> steady_level(const std::vector<model::phase_measurement>& phases,
                                  const std::vector<model::load_second>& seconds) {
  const auto steady = std::ranges::find(phases, model::phase_kind::steady, &model::phase_measurement::kind);
  if (steady == phases.end()) return std::nullopt;
  std::vector<model::load_second> inside = within(seconds, steady->start_s, steady->start_s + steady->length_s);
  if (inside.empty()) return std::nullopt;
  const auto middle = inside.begin() + static_cast<std::ptrdiff_t>(inside.size() / 2);
  std::ranges::nth_element(inside, middle, {}, &model::load_second::response_p99_ms);
  level found{.p99_ms = middle->response_p99_ms};
  for (const model::load_second& each : inside) found.error_share = std::max(found.error_share, error_share(each));
  return found;
}

}  // namespace

std::optional<double> recovery_time(const std::vector<model::phase_measurement>& phases,
                                    const std::vector<model::load_second>& seconds) {
  const auto fault = std::find_if(phases.rbegin(), phases.rend(), [](const model::phase_measurement& each) {
    return each.kind == model::phase_kind::fault;
  });
  const std::optional<level> steady = steady_level(phases, seconds);
  if (fault == phases.rend() || !steady) return std::nullopt;
  const double fault_end = fault->start_s + fault->length_s;
  const double limit = std::max(recovery_factor * steady->p99_ms, steady->p99_ms + recovery_slack_ms);
  int good = 0;
  for (const model::load_second& each : seconds) {
    if (each.at_s < fault_end) continue;
    const bool is_good =
        each.offered > 0 && each.response_p99_ms <= limit && error_share(each) <= steady->error_share + 1e-9;
    good = is_good ? good + 1 : 0;
    if (good == recovery_seconds) return std::max(0.0, each.at_s - (recovery_seconds - 1) - fault_end);
  }
  return std::nullopt;
}

}  // namespace assay::campaign
