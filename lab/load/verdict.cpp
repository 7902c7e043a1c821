#include "lab/load/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace assay::load {

std::vector<std::string> invalid_reasons(const model::generator_health& health, model::load_model model,
                                         std::uint64_t measured, const verdict_bounds& bounds) {
  std::vector<std::string> reasons;
  if (measured == 0) {
    reasons.emplace_back("no request was answered: there is nothing to measure");
  }
  const bool open = model != model::load_model::closed;
  const bool sessions = model == model::load_model::partly_open;
  if (open && health.own_lag_p99_ns > bounds.own_lag_p99_ns) {
    reasons.push_back(fmt::format(
        "generator late: p99 {:.2f} ms after the intended instant with idle connections (at most {:.2f} ms)",
        static_cast<double>(health.own_lag_p99_ns) / 1e6, static_cast<double>(bounds.own_lag_p99_ns) / 1e6));
  }
  if (health.own_limits > 0) {
    reasons.push_back(fmt::format(
        "generator out of descriptors, local ports or memory: {} requests had no connection: use fewer connections "
        "(-c){}, or raise the limit (ulimit -n, net.ipv4.ip_local_port_range)",
        health.own_limits, sessions ? " or a lower rate of sessions, each of which takes a port for a minute" : ""));
  }
  if (health.cpu_share > bounds.cpu_share) {
    reasons.push_back(fmt::format(
        "generator out of CPU: a thread was busy {:.0f} % of the time (at most {:.0f} %): use {}a lower rate",
        100 * health.cpu_share, 100 * bounds.cpu_share, sessions ? "" : "more threads (-t) or "));
  }
  const double allowed_wait = open ? bounds.open_cpu_wait_share : bounds.cpu_wait_share;
  if (health.cpu_wait_share > allowed_wait) {
    reasons.push_back(fmt::format(
        "generator waited for a CPU {:.0f} % of the time (at most {:.0f} %): pin it away from the candidate",
        100 * health.cpu_wait_share, 100 * allowed_wait));
  }
  if (health.little_residual > bounds.little_residual) {
    reasons.push_back(fmt::format("generator's accounts disagree by {:.1f} % (Little's law): please report this",
                                  100 * health.little_residual));
  }
  return reasons;
}

std::vector<std::string> invalid_reasons(const model::arrival_fit& seen, model::arrival_law law,
                                         const verdict_bounds& bounds) {
  std::vector<std::string> reasons;
  if (seen.offered_share < bounds.offered_share) {
    reasons.push_back(
        fmt::format("generator offered {:.1f} % of the load before its end, the rest too late (at least {:.0f} %): use "
                    "more threads (-t) or a lower rate",
                    100 * seen.offered_share, 100 * bounds.offered_share));
  }
  if (seen.gaps >= bounds.least_gaps && seen.gaps_off > bounds.gaps_off) {
    reasons.push_back(fmt::format(
        "arrivals were not {} as intended: {:.0f} % of the gaps between sends are off by more than {:.2f} ms "
        "and a quarter of the mean (at most {:.0f} %)",
        label(law), 100 * seen.gaps_off, seen.tolerance_ns / 1e6, 100 * bounds.gaps_off));
  }
  if (seen.spans >= bounds.least_gaps && seen.spans_off > bounds.gaps_off) {
    reasons.push_back(
        fmt::format("arrivals were not {} as intended: {:.0f} % of the spans of {:.3g} ms, whole ticks, have another "
                    "number of sends (at most {:.0f} %)",
                    label(law), 100 * seen.spans_off, seen.span_ns / 1e6, 100 * bounds.gaps_off));
  }
  return reasons;
}

namespace {

std::optional<std::string> reason_of_touched(const model::own_stalls& stalls, const verdict_bounds& bounds) {
  const auto counts = [&bounds](const model::touched_time& each) {
    return each.quantile <= bounds.stalled_quantile &&
           each.measured_ns - each.least_ns > static_cast<double>(bounds.own_lag_p99_ns);
  };
  const auto highest = std::find_if(stalls.touched.rbegin(), stalls.touched.rend(), counts);
  if (highest == stalls.touched.rend()) return std::nullopt;
  const model::touched_time& shown = *highest;
  return fmt::format(
      "generator stalled {} time(s), for up to {:.0f} ms: {} can be its own ({} {:.2f} ms, and without that at least "
      "{:.2f} ms): leave it a CPU of its own, or make the run longer",
      stalls.count, static_cast<double>(stalls.longest_ns) / 1e6, names_of(stalls.touched), model::names_of({shown}),
      shown.measured_ns / 1e6, shown.least_ns / 1e6);
}

}  // namespace

std::vector<std::string> invalid_reasons(const model::own_stalls& stalls, model::load_model model,
                                         const verdict_bounds& bounds) {
  std::vector<std::string> reasons;
  if (const auto touched = reason_of_touched(stalls, bounds)) reasons.push_back(*touched);
  if (model == model::load_model::closed && stalls.share > bounds.stalled_share) {
    reasons.push_back(fmt::format(
        "generator stalled {} time(s), {:.0f} % of the time: the throughput lacks as much by its own fault (at most "
        "{:.0f} %): leave it a CPU of its own, or make the run longer",
        stalls.count, 100 * stalls.share, 100 * bounds.stalled_share));
  }
  return reasons;
}

std::vector<std::string> invalid_reasons(const std::vector<model::load_stage>& stages, const verdict_bounds& bounds) {
  std::vector<std::string> reasons;
  for (std::size_t i = 0; stages.size() > 1 && i < stages.size(); ++i) {
    const model::load_stage& each = stages[i];
    if (each.offered < bounds.least_of_stage || each.own_lag_p99_ns <= bounds.own_lag_p99_ns) continue;
    reasons.push_back(
        fmt::format("generator late in stage {} ({}): p99 {:.2f} ms after the intended instant with idle connections "
                    "(at most {:.2f} "
                    "ms)",
                    i + 1, each.shape, static_cast<double>(each.own_lag_p99_ns) / 1e6,
                    static_cast<double>(bounds.own_lag_p99_ns) / 1e6));
  }
  return reasons;
}

void judge_validity(model::load_result& result, const verdict_bounds& bounds) {
  result.reasons = invalid_reasons(result.generator, result.model, result.latency.response_time.count(), bounds);
  if (result.arrivals_seen) {
    const auto offered = invalid_reasons(*result.arrivals_seen, result.arrivals, bounds);
    result.reasons.insert(result.reasons.end(), offered.begin(), offered.end());
  }
  // The whole run's lateness is theirs, and says less.
  const auto late = result.generator.own_lag_p99_ns > bounds.own_lag_p99_ns ? std::vector<std::string>{}
                                                                            : invalid_reasons(result.stages, bounds);
  result.reasons.insert(result.reasons.end(), late.begin(), late.end());
  const auto stalled = invalid_reasons(result.stalls, result.model, bounds);
  result.reasons.insert(result.reasons.end(), stalled.begin(), stalled.end());
  result.valid = result.reasons.empty();
}

}  // namespace assay::load
