#include "lab/inside/stall_cause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace assay::inside {
namespace {

double share_on_cpu(const segment_use& use, std::uint64_t length_ns) {
  return length_ns == 0 ? 0 : static_cast<double>(use.cpu_ns) / static_cast<double>(length_ns);
}

struct filling {
  std::uint64_t called_ns = 0;
  std::uint64_t computed_ns = 0;  // as a runtime's shim found it, where what the thread used is not known
};

filling filling_of(const long_segment& stall, const std::vector<blocking_sites::stretch>& calls) {
  filling made;
  auto each = std::ranges::lower_bound(calls, stall.start_ns, {}, &blocking_sites::stretch::start_ns);
  for (; each != calls.end() && each->start_ns < stall.end_ns; ++each) {
    const auto inside_ns = std::min(each->length_ns, stall.end_ns - each->start_ns);
    (each->computing ? made.computed_ns : made.called_ns) += inside_ns;
  }
  return made;
}

// One stall, whole.
model::loop_stalls divided(const long_segment& stall, const filling& filled) {
  const auto length_ns = stall.end_ns - stall.start_ns;
  const auto called_ns = std::min(filled.called_ns, length_ns);
  const auto rest_ns = length_ns - called_ns;
  const auto seconds = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e9; };
  model::loop_stalls made{.called_s = seconds(called_ns)};
  if (called_ns < length_ns / 2) made.longest_ms = static_cast<double>(length_ns) / 1e6;
  if (stall.use && lacked_cpu(*stall.use, length_ns)) {
    made.starved_s = seconds(rest_ns);
    return made;
  }
  const auto computed_ns = std::min(rest_ns, stall.use ? stall.use->cpu_ns : filled.computed_ns);
  made.computed_s = seconds(computed_ns);
  (stall.use ? made.waited_s : made.unknown_s) = seconds(rest_ns - computed_ns);
  return made;
}

void add_part(model::loop_stalls& to, const model::loop_stalls& one, double share) {
  to.called_s += share * one.called_s;
  to.computed_s += share * one.computed_s;
  to.starved_s += share * one.starved_s;
  to.waited_s += share * one.waited_s;
  to.unknown_s += share * one.unknown_s;
  to.longest_ms = std::max(to.longest_ms, one.longest_ms);
}

// The thread's calls that are no longer kept one by one were in some of its waits: those are not without a name.
void give_to_calls(model::loop_stalls& of, double called_s) {
  for (double* wait : {&of.waited_s, &of.unknown_s}) {
    const double taken_s = std::min(*wait, called_s);
    *wait -= taken_s;
    of.called_s += taken_s;
    called_s -= taken_s;
  }
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

std::vector<model::loop_stalls> stalls_by_loop(const std::vector<loop_stall>& stalls, const blocking_sites& calls,
                                               std::uint64_t begin_ns, std::uint64_t end_ns) {
  const auto called = calls.by_thread();
  std::map<thread_key, model::loop_stalls> loops;
  for (const auto& [thread, segment] : stalls) {
    const auto from_ns = std::max(begin_ns, segment.start_ns);
    const auto to_ns = std::min(end_ns, segment.end_ns);
    if (to_ns <= from_ns) continue;
    const auto found = called.find({thread.pid, thread.tid});
    const auto filled = found == called.end() ? filling{} : filling_of(segment, found->second);
    const double share = static_cast<double>(to_ns - from_ns) / static_cast<double>(segment.end_ns - segment.start_ns);
    add_part(loops[thread], divided(segment, filled), share);
  }
  std::vector<model::loop_stalls> list;
  for (const auto& [thread, sums] : loops) {
    list.push_back(sums);
    give_to_calls(list.back(), calls.summed_s(thread.pid, thread.tid));
  }
  return list;
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
