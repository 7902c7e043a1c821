#include "lab/load/workload_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "lab/load/span.hpp"
#include "lab/load/verdict.hpp"

namespace assay::load {
namespace {

using outcomes = std::vector<thread_outcome>;

// Of a phase's p99 response time, by the generator's own lateness.
constexpr double tolerated_distortion = 0.05;

recorder merged_cell(const outcomes& threads, std::size_t stage, std::size_t route) {
  recorder sum;
  for (const thread_outcome& each : threads) sum.merge(each.measured.of(stage, route));
  return sum;
}

model::route_measurement measurement_of(const recorder& seen, const std::string& name) {
  model::route_measurement measured;
  measured.route = name;
  measured.offered = seen.offered;
  measured.answered = seen.answers;
  measured.answered_well = seen.answered_well;
  measured.errors = seen.errors_by_kind();
  for (std::size_t status = 0; status < statuses_end; ++status) {
    if (seen.statuses[status] > 0) measured.statuses[static_cast<int>(status)] = seen.statuses[status];
  }
  measured.latency = seen.latency;
  return measured;
}

// The CPU is measured over the whole run; a phase is judged by what its own requests show.
//
// A phase may be short: one stall of the machine then reaches the p99 of the generator's own lag. What it may do to the
// p99 of the response time is bounded instead.
void judge_phase(model::phase_measurement& phase, const recorder& seen) {
  if (phase.all.offered == 0) return;  // a pause, or chance in a short phase
  model::generator_health health;
  seen.write_to(health);
  // That nothing was answered is the candidate's doing, or it shows in the whole run.
  verdict_bounds bounds;
  const auto response_p99_ns = static_cast<double>(phase.all.latency.response_time.value_at_quantile(0.99));
  bounds.own_lag_p99_ns =
      std::max(bounds.own_lag_p99_ns, static_cast<std::uint64_t>(tolerated_distortion * response_p99_ns));
  phase.reasons = invalid_reasons(health, model::load_model::open, 1, bounds);
  phase.valid = phase.reasons.empty();
}

void collect_writes(const workload& of, const thread_outcome& thread, write_keys& into) {
  for (const write_log::entry& each : thread.measured.writes().entries()) {
    std::string key = of.requests.key_of(each.route, {.thread = thread.thread, .k = each.k, .threads = of.threads});
    switch (each.outcome) {
      case write_outcome::acknowledged:
        into.acknowledged.push_back(std::move(key));
        break;
      case write_outcome::refused:
        into.refused.push_back(std::move(key));
        break;
      case write_outcome::unanswered:
        into.unanswered.push_back(std::move(key));
        break;
    }
  }
}

std::vector<model::load_second> seconds_so_far(const measured_run& of, duration length) {
  std::vector<model::load_second> seconds = of.series.seconds();
  if (length >= of.work.length()) return seconds;
  const auto whole = static_cast<std::size_t>(length / std::chrono::seconds(1));
  if (whole < seconds.size()) seconds.resize(whole);
  return seconds;
}

}  // namespace

workload_result merge_threads(const measured_run& of, const outcomes& threads) {
  workload_result merged;
  merged.start = of.start;
  merged.interrupted = of.interrupted;
  bool writes_missing = false;
  for (const thread_outcome& each : threads) {
    merged.length = std::max(merged.length, each.ended - of.start);
    merged.connects += each.measured.connects;
    merged.bytes_received += each.measured.received_bytes;
    merged.io_backend = each.backend;
    writes_missing = writes_missing || each.measured.writes().overflowed();
    collect_writes(of.work, each, merged.writes);
  }

  recorder total;
  std::vector<std::string> phase_reasons;
  duration offset{};
  for (std::size_t p = 0; p < of.phases.size() && (p == 0 || offset < merged.length); ++p) {
    const model::phase& planned = of.phases[p];
    model::phase_measurement phase;
    phase.name = planned.name;
    phase.kind = planned.kind;
    phase.start_s = in_seconds(offset);
    phase.length_s = in_seconds(std::min(planned.length, merged.length - offset));
    phase.offered_rps = planned.rate_per_s;
    recorder all;
    for (std::size_t r = 0; r < of.work.requests.size(); ++r) {
      const recorder cell = merged_cell(threads, p, r);
      phase.routes.push_back(measurement_of(cell, of.work.requests[r].name));
      all.merge(cell);
    }
    phase.all = measurement_of(all, "");
    judge_phase(phase, all);
    total.merge(all);
    if (phase.kind != model::phase_kind::warm_up) {  // nothing of it is used
      for (const std::string& why : phase.reasons)
        phase_reasons.push_back(fmt::format("phase {}: {}", planned.name, why));
    }
    merged.phases.push_back(std::move(phase));
    offset += planned.length;
  }

  merged.resent = total.resent;
  merged.generator = health_of(threads, total.answers);
  total.write_to(merged.generator);
  verdict_bounds bounds;
  bounds.own_lag_p99_ns = UINT64_MAX;  // each phase has been judged for it by itself
  merged.reasons =
      invalid_reasons(merged.generator, model::load_model::open, total.latency.response_time.count(), bounds);
  merged.reasons.insert(merged.reasons.end(), phase_reasons.begin(), phase_reasons.end());
  if (writes_missing) {
    merged.reasons.push_back(fmt::format("more than {} writes to reconcile: shorten the phases", max_logged_writes));
  }
  merged.valid = merged.reasons.empty();
  merged.seconds = seconds_so_far(of, merged.length);
  return merged;
}

}  // namespace assay::load
