#include "lab/load/replay_engine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::load {
namespace {

model::generator_health health_of(const replay_measurements& measured, const replay_run& run) {
  model::generator_health health;
  measured.all.write_to(health);
  const auto& [usage, spun, wall] = run.sending;
  const auto wall_ns = static_cast<double>(std::max<duration::rep>(wall.count(), 1));
  health.cpu_share = std::max(0.0, static_cast<double>((usage.cpu - spun).count())) / wall_ns;
  health.cpu_wait_share = static_cast<double>(usage.cpu_wait.count()) / wall_ns;
  health.spun_share = static_cast<double>(spun.count()) / wall_ns;
  const std::uint64_t answers = measured.all.answers;
  if (answers > 0) {
    health.cpu_per_request_ns = static_cast<double>(run.cpu.count()) / static_cast<double>(answers);
  }
  return health;
}

// Kinds that are no answers; those that are stand in the table of statuses.
std::map<std::string, std::uint64_t> failures_of(const recorder& all) {
  std::map<std::string, std::uint64_t> failed = all.errors_by_kind();
  std::erase_if(failed, [](const auto& each) { return is_of_answers(each.first); });
  return failed;
}

}  // namespace

model::replay_result replay_result_of(const replay_plan& plan, const replay_measurements& measured,
                                      const replay_run& run) {
  model::replay_result result;
  result.url = plan.options.url;
  result.sources = plan.recording.sources;
  result.speed = plan.options.speed;
  result.connections = plan.options.connections;
  result.started = std::chrono::system_clock::now() -
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(detail::monotonic_now() - run.start);
  result.planned_duration = plan.length();
  result.duration = std::max(duration::zero(), run.ended - run.start);
  result.interrupted = run.interrupted;
  result.notes = plan.recording.notes;
  result.rejected = plan.recording.rejected;
  result.requests = plan.recording.size();
  for (std::size_t rule = 0; rule < plan.refused.size(); ++rule) {
    if (plan.refused[rule] > 0) result.refused.emplace_back(plan.rules.names()[rule], plan.refused[rule]);
  }
  result.answered = measured.all.answers;
  result.failed = failures_of(measured.all);
  result.not_reached = measured.not_reached;
  result.sent = measured.sent;
  result.as_recorded = measured.as_recorded;
  for (const auto& [pair, count] : measured.statuses) {
    result.statuses.push_back({.recorded = pair.first, .replayed = pair.second, .count = count});
  }
  result.latency = measured.all.latency;
  result.own_lag = measured.all.own_lag;
  result.client_lag = measured.client_lag;
  result.clients = plan.clients;
  result.connects = measured.all.connects;
  result.evicted = measured.evicted;
  result.waited = measured.waited;
  result.resent = measured.all.resent;
  result.bytes_received = measured.all.received_bytes;
  result.generator = health_of(measured, run);
  result.io_backend = run.backend;
  judge_replay(result);
  return result;
}

void judge_replay(model::replay_result& result, const verdict_bounds& bounds) {
  const model::generator_health& health = result.generator;
  result.reasons.clear();
  if (result.answered == 0) {
    result.reasons.emplace_back("no request was answered: there is nothing to measure");
  }
  if (health.own_lag_p99_ns > bounds.own_lag_p99_ns) {
    result.reasons.push_back(fmt::format(
        "replay late: p99 {:.2f} ms after the recorded instant although the client was free (at most {:.2f} "
        "ms){}",
        static_cast<double>(health.own_lag_p99_ns) / 1e6, static_cast<double>(bounds.own_lag_p99_ns) / 1e6,
        result.waited == 0 ? std::string()
                           : fmt::format("; {} requests waited for one of {} connections: raise -c", result.waited,
                                         result.connections)));
  }
  if (!result.interrupted && result.not_reached > 0) {
    result.reasons.push_back(fmt::format("replay late: {} requests never had their turn", result.not_reached));
  }
  if (health.own_limits > 0) {
    result.reasons.push_back(fmt::format(
        "replay out of descriptors, local ports or memory: {} requests had no connection: lower -c, or raise the limit "
        "(ulimit -n, net.ipv4.ip_local_port_range)",
        health.own_limits));
  }
  if (health.cpu_share > bounds.cpu_share) {
    result.reasons.push_back(
        fmt::format("replay out of CPU: busy {:.0f} % of the time (at most {:.0f} %): lower --speed",
                    100 * health.cpu_share, 100 * bounds.cpu_share));
  }
  if (health.little_residual > bounds.little_residual) {
    result.reasons.push_back(fmt::format("replay's accounts disagree by {:.1f} % (Little's law): please report this",
                                         100 * health.little_residual));
  }
  result.valid = result.reasons.empty();
}

std::expected<model::replay_result, std::string> replay_engine::run() {
  const lone_target to{.host = plan_.host, .port = plan_.port, .io = plan_.options.io, .spin = plan_.options.spin};
  return run_.run(to, plan_, [this](replayer& replay, const lone_outcome& ran) {
    return replay_result_of(plan_, replay.measured(),
                            {.start = ran.start,
                             .ended = replay.ended(),
                             .sending = replay.cost(),
                             .cpu = ran.cpu,
                             .interrupted = ran.interrupted,
                             .backend = ran.backend});
  });
}

replay_view replay_engine::look() const {
  const live_counters& live = run_.live();
  return {.elapsed = run_.elapsed(),
          .had_turn = live.offered.load(std::memory_order_relaxed),
          .answers = live.answers.load(std::memory_order_relaxed),
          .errors = live.errors.load(std::memory_order_relaxed)};
}

}  // namespace assay::load
