#include "lab/model/plan.hpp"

#include <algorithm>
#include <iterator>

namespace assay::model {

const candidate* plan::find_candidate(const std::string& wanted) const {
  const auto found = std::ranges::find(candidates, wanted, &candidate::name);
  return found == candidates.end() ? nullptr : &*found;
}

double crowding::dispersion_at(int scale, double rate_per_s) const {
  // A scale that is not known has what the next shorter one has.
  const auto above = dispersion.upper_bound(scale);
  if (above == dispersion.begin()) return 1;
  const double excess = std::max(std::prev(above)->second - 1, 0.0);
  return 1 + (of_rate_per_s > 0 ? excess * rate_per_s / of_rate_per_s : excess);
}

bool background_task::runs_in(const std::string& phase) const {
  return phases.empty() || std::ranges::find(phases, phase) != phases.end();
}

std::chrono::nanoseconds background_task::first_from(std::chrono::nanoseconds instant) const {
  if (instant <= after) return after;
  const std::int64_t whole = (instant - after + every - std::chrono::nanoseconds(1)) / every;
  return after + whole * every;
}

std::uint64_t background_task::times_in(const std::vector<phase>& all) const {
  std::uint64_t times = 0;
  std::chrono::nanoseconds begin{};
  for (const phase& each : all) {
    const std::chrono::nanoseconds end = begin + each.length;
    const std::chrono::nanoseconds first = first_from(begin);
    if (runs_in(each.name) && first < end) {
      times += static_cast<std::uint64_t>((end - std::chrono::nanoseconds(1) - first) / every) + 1;
    }
    begin = end;
  }
  return times;
}

std::string_view label(fault_kind kind) {
  switch (kind) {
    case fault_kind::latency:
      return "latency";
    case fault_kind::outage:
      return "outage";
    case fault_kind::reset:
      return "reset";
  }
  return "latency";
}

std::string_view label(phase_kind kind) {
  switch (kind) {
    case phase_kind::warm_up:
      return "warm-up";
    case phase_kind::steady:
      return "steady";
    case phase_kind::burst:
      return "burst";
    case phase_kind::fault:
      return "fault";
    case phase_kind::recovery:
      return "recovery";
  }
  return "steady";
}

std::string_view label(runtime_kind kind) {
  switch (kind) {
    case runtime_kind::python:
      return "python";
    case runtime_kind::node:
      return "node";
    case runtime_kind::cpp:
      return "cpp";
    case runtime_kind::go:
      return "go";
    case runtime_kind::jvm:
      return "jvm";
    case runtime_kind::rust:
      return "rust";
    case runtime_kind::other:
      return "other";
  }
  return "other";
}

std::string_view label(dependency_kind kind) {
  switch (kind) {
    case dependency_kind::postgres:
      return "postgres";
    case dependency_kind::http_service:
      return "http-service";
  }
  return "postgres";
}

}  // namespace assay::model
