#include "lab/inside/stall_cause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace assay::inside {
namespace {

double share_on_cpu(const segment_use& use, std::uint64_t length_ns) {
  return length_ns == 0 ? 0 : static_cast<double>(use.cpu_ns) / static_cast<double>(length_ns);
}

}  // namespace

bool lacked_cpu(const segment_use& use, std::uint64_t length_ns) {
  return share_on_cpu(use, length_ns) < computing_share && use.slept == 0 && use.preempted > 0 && use.major_faults == 0;
}

std::optional<model::blocking_site> lack_of_cpu(const std::vector<loop_stall>& stalls, const blocking_sites& calls) {
  model::blocking_site lack{.call = "waiting for a CPU", .peer = {}};
  for (const auto& [thread, segment] : stalls) {
    const auto length_ns = segment.end_ns - segment.start_ns;
    if (!segment.use || !lacked_cpu(*segment.use, length_ns)) continue;
    if (!calls.cause_of(thread.pid, thread.tid, segment.start_ns, segment.end_ns).empty()) continue;
    const double ms = static_cast<double>(length_ns) / 1e6;
    ++lack.count;
    lack.total_ms += ms;
    lack.longest_ms = std::max(lack.longest_ms, ms);
  }
  return lack.count > 0 ? std::optional(std::move(lack)) : std::nullopt;
}

std::string cause_by_use(const segment_use& use, std::uint64_t length_ns) {
  const double percent = 100 * share_on_cpu(use, length_ns);
  if (share_on_cpu(use, length_ns) >= computing_share)
    return fmt::format("computing: {:.0f} % of it on a CPU", percent);
  if (use.major_faults > 0) {
    return fmt::format("page faults: memory was read from disk {} times, {:.0f} % of it on a CPU", use.major_faults,
                       percent);
  }
  if (lacked_cpu(use, length_ns)) {
    return fmt::format("waiting for a CPU: ready all the time, on one for {:.0f} % of it, and put off {} times",
                       percent, use.preempted);
  }
  return fmt::format("asleep, in a lock or a call that is not seen: {:.0f} % of it on a CPU", percent);
}

std::vector<model::trial_event> stall_events(std::vector<loop_stall> stalls, const blocking_sites& calls,
                                             double blocking_threshold_ms, std::uint64_t origin_ns) {
  const auto length = [](const loop_stall& one) { return one.segment.end_ns - one.segment.start_ns; };
  std::ranges::sort(stalls, std::ranges::greater{}, length);
  if (stalls.size() > most_stall_events) stalls.resize(most_stall_events);
  std::ranges::sort(stalls, {}, [](const loop_stall& one) { return one.segment.start_ns; });
  const auto unnamed = fmt::format(
      "no blocking call of {:.0f} ms or more fills it: computing, shorter calls, or waiting for a CPU or a lock",
      blocking_threshold_ms);
  std::vector<model::trial_event> events;
  for (const auto& one : stalls) {
    auto cause = calls.cause_of(one.thread.pid, one.thread.tid, one.segment.start_ns, one.segment.end_ns);
    if (cause.empty() && one.segment.use) cause = cause_by_use(*one.segment.use, length(one));
    const double ms = static_cast<double>(length(one)) / 1e6;
    events.push_back({.at_s = (static_cast<double>(one.segment.start_ns) - static_cast<double>(origin_ns)) / 1e9,
                      .length_s = ms / 1e3,
                      .kind = "stall",
                      .text = fmt::format("the loop was away for {:.0f} ms: {}", ms, cause.empty() ? unnamed : cause)});
  }
  return events;
}

}  // namespace assay::inside
