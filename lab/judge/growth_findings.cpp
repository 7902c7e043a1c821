#include "lab/judge/growth_findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "lab/judge/growth.hpp"
#include "lab/judge/time_to_limit.hpp"

namespace assay::judge {
namespace {

using model::cause;

constexpr double mib = 1 << 20;
constexpr double per_mb = 1e6;  // bytes
constexpr double busy_quantile = 0.9;
constexpr double idle_share_of_busy = 0.1;
constexpr double most_of = 0.5;  // of what grew, and it is named
constexpr growth_rule memory_rule{.least_growth = 1 * mib, .least_share = 0.02};
constexpr growth_rule heap_rule{.least_growth = 1 * mib, .least_share = 0.02, .blocks = block_value::least};
constexpr growth_rule count_rule{.least_growth = 8, .least_share = 0.02, .blocks = block_value::least};

struct watched {
  cause kind;
  std::string_view what;
  std::string_view unit;
  double scale;  // of one unit
  std::string_view next;
};
constexpr watched memory{
    cause::memory_leak, "anonymous memory", "MB", per_mb,
    "Find the holder: two heap snapshots (tracemalloc, v8.writeHeapSnapshot, heaptrack), compared."};
constexpr watched descriptors{cause::descriptor_leak, "open descriptors", "descriptors", 1,
                              "Close what is opened: look at the targets in /proc/PID/fd, and for a missing `with`."};
constexpr watched sockets{
    cause::socket_leak, "open sockets", "sockets", 1,
    "Close responses and sessions, or share one client: `ss -tnp` names the peer that they go to."};
constexpr watched threads{cause::thread_leak, "running threads", "threads", 1,
                          "Start them once, in a pool with a bound, and join what ends: `ps -T -p PID` names them."};
constexpr watched tasks{cause::task_leak, "asyncio tasks", "tasks", 1,
                        "Give each wait an end (asyncio.timeout), cancel what nobody waits for, bound how many there "
                        "are (a semaphore, a TaskGroup)."};
constexpr watched resources{cause::task_leak, "active resources of Node.js", "resources", 1,
                            "Clear timers and close handles that are done with: process.getActiveResourcesInfo() "
                            "lists them, async_hooks tells where they began."};

struct sampled_values {
  std::vector<double> at_s;
  std::vector<double> values;

  growth judged(const growth_rule& rule) const { return judge_growth(at_s, values, rule); }
};

template <typename Value>
sampled_values series_of(std::span<const model::process_second> looks, Value value) {
  sampled_values made;
  for (const auto& each : looks) {
    made.at_s.push_back(each.at_s);
    made.values.push_back(static_cast<double>(each.*value));
  }
  return made;
}

// A value each second, or as many as are looked at of a long watch. A look in which nothing has changed is left out:
// what was said last holds on.
template <typename Value>
sampled_values series_of(std::span<const model::runtime_look> looks, std::span<const model::process_second> during,
                         Value value) {
  sampled_values made;
  if (looks.empty() || during.empty()) return made;
  const double begin_s = std::max(looks.front().at_s, during.front().at_s);
  auto next = looks.begin();
  constexpr double most_values = 10'000;  // what follows goes with their square
  const double step_s = std::max(1.0, (during.back().at_s - begin_s) / most_values);
  for (unsigned i = 0; begin_s + i * step_s <= during.back().at_s; ++i) {
    const double at_s = begin_s + i * step_s;
    while (next != looks.end() && next->at_s <= at_s) ++next;
    made.at_s.push_back(at_s);
    made.values.push_back(value(*std::prev(next)));
  }
  return made;
}

double active_in(const model::runtime_look& look) {
  double sum = 0;
  for (const auto& [kind, count] : look.active) sum += static_cast<double>(count);
  return sum;
}

// Large ones whole: nobody reads 1.8e+05.
std::string figure(double value) { return value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value); }

void add_slope(model::named_cause& to, const watched& what, const growth& seen) {
  constexpr double hour_s = 3600;
  const auto& slope = seen.slope_per_s;
  const std::string name = fmt::format("slope_{}_per_hour", what.scale > 1 ? "mb" : "count");
  const auto per_hour = [&](double value) { return value * hour_s / what.scale; };
  to.text += fmt::format("{} {} an hour (95 %: {} to {})", figure(per_hour(slope.value)), what.unit,
                         figure(per_hour(slope.low)), figure(per_hour(slope.high)));
  to.numbers.push_back({name, per_hour(slope.value)});
  to.numbers.push_back({name + "_low", per_hour(slope.low)});
  to.numbers.push_back({name + "_high", per_hour(slope.high)});
}

model::named_cause finding_of(const watched& what, const growth& seen) {
  model::named_cause made{.kind = what.kind};
  made.text =
      fmt::format("{} grew by {:.4g} {} in {:.0f} s, ", what.what, seen.grown / what.scale, what.unit, seen.judged_s);
  add_slope(made, what, seen);
  made.text += ", without an end";
  const std::string unit = what.scale > 1 ? "mb" : "count";
  made.numbers.push_back({fmt::format("grown_{}", unit), seen.grown / what.scale});
  made.numbers.push_back({fmt::format("level_{}", unit), seen.level / what.scale});
  made.numbers.push_back({"p", seen.p});
  made.numbers.push_back({"blocks", static_cast<double>(seen.slope_per_s.n)});
  made.next = what.next;
  return made;
}

bool add(model::diagnosis& to, const watched& what, const growth& seen) {
  switch (seen.shape) {
    case growth_shape::unbounded:
      to.findings.push_back(finding_of(what, seen));
      return true;
    case growth_shape::step:
      to.remarks.push_back(fmt::format("{} rose once, by about {:.3g} {}: a step, no leak", what.what,
                                       seen.grown / what.scale, what.unit));
      return false;
    case growth_shape::plateau:
      to.remarks.push_back(fmt::format(
          "{} grew and has stopped: a cache, a pool or an allocator that fills; watch for longer to be sure",
          what.what));
      return false;
    case growth_shape::too_short:  // told for all together
    case growth_shape::flat:
      return false;
  }
  return false;
}

struct growths {
  growth of_memory = {};
  growth of_sockets = {};
  growth of_descriptors = {};
  growth of_threads = {};
  growth of_tasks = {};
  growth of_heap = {};  // of Node.js
  bool tells_tasks = false;
  bool is_node = false;

  const growth& of_open() const { return of_sockets.shape == growth_shape::unbounded ? of_sockets : of_descriptors; }
};

growths growths_of(const growth_view& of) {
  using model::process_second;
  growths made{.of_memory = series_of(of.processes, &process_second::anonymous_bytes).judged(memory_rule),
               .of_sockets = series_of(of.processes, &process_second::sockets).judged(count_rule),
               .of_descriptors = series_of(of.processes, &process_second::descriptors).judged(count_rule),
               .of_threads = series_of(of.processes, &process_second::threads).judged(count_rule)};
  made.of_tasks = series_of(of.runtime_looks, of.processes, active_in).judged(count_rule);
  made.tells_tasks = !of.runtime_looks.empty();
  made.is_node = made.tells_tasks && of.runtime_looks.back().heap_limit_bytes > 0;
  if (made.is_node) {
    made.of_heap = series_of(of.runtime_looks, of.processes, [](const model::runtime_look& each) {
                     return static_cast<double>(each.heap_used_bytes);
                   }).judged(heap_rule);
  }
  return made;
}

// At rates that cannot be told apart.
bool grow_alike(const growth& one, const growth& other) {
  return one.shape == growth_shape::unbounded && other.shape == growth_shape::unbounded &&
         one.slope_per_s.low <= other.slope_per_s.high && other.slope_per_s.low <= one.slope_per_s.high;
}

bool may_hold(const growth& of_count, const growth& of_memory) {
  return of_memory.shape == growth_shape::unbounded &&
         of_memory.slope_per_s.value <= most_bytes_of_a_task * of_count.slope_per_s.value;
}

std::vector<approached_limit> limits_of_memory(const growth_view& of, const growths& seen) {
  std::vector<approached_limit> limits{
      {.to = of.limits.memory, .per_s = seen.of_memory.slope_per_s, .scale = per_mb, .unit = " MB"}};
  if (seen.of_heap.shape == growth_shape::unbounded) {
    limits.push_back({.to = {.of = "V8's limit of its heap",
                             .limit = of.runtime_looks.back().heap_limit_bytes,
                             .used = static_cast<std::uint64_t>(seen.of_heap.level + seen.of_heap.grown)},
                      .per_s = seen.of_heap.slope_per_s,
                      .scale = per_mb,
                      .unit = " MB"});
  }
  return limits;
}

// Of the process with least room, whose part of the growth is its part of the level.
approached_limit limit_of_descriptors(const growth_view& of, const growth& seen) {
  const double all = of.processes.empty() ? 0 : of.processes.back().descriptors;
  const double share = all > 0 ? std::min(1.0, static_cast<double>(of.limits.descriptors.used) / all) : 1;
  return {.to = of.limits.descriptors,
          .per_s = {seen.slope_per_s.value * share, seen.slope_per_s.low * share, seen.slope_per_s.high * share,
                    seen.slope_per_s.n}};
}

// What most of those are that came.
void name_kind(model::named_cause& of, std::span<const model::process_second> looks) {
  using model::process_second;
  const auto risen = [&](auto field) {
    return static_cast<double>(looks.back().*field) - static_cast<double>(looks.front().*field);
  };
  for (const auto& [name, field] :
       {std::pair{"files", &process_second::files}, std::pair{"pipes", &process_second::pipes},
        std::pair{"eventfds", &process_second::eventfds}}) {
    if (risen(field) <= most_of * risen(&process_second::descriptors)) continue;
    of.text += fmt::format("; most of them are {}", name);
  }
}

// Tasks and threads, with the memory that they may hold. Whether it was told so.
bool add_counts(model::diagnosis& to, const growth_view& of, const growths& seen) {
  bool told = false;
  for (const auto& [what, count] :
       {std::pair{seen.is_node ? &resources : &tasks, &seen.of_tasks}, std::pair{&threads, &seen.of_threads}}) {
    if (grow_alike(*count, seen.of_open()) || !add(to, *what, *count)) continue;
    model::named_cause& made = to.findings.back();
    std::vector<approached_limit> limits;
    if (what->kind == cause::thread_leak) limits.push_back({.to = of.limits.threads, .per_s = count->slope_per_s});
    if (!told && may_hold(*count, seen.of_memory)) {
      told = true;
      made.text += fmt::format("; {} grew with them, {:.1f} kB each, ", memory.what,
                               seen.of_memory.slope_per_s.value / count->slope_per_s.value / 1e3);
      add_slope(made, memory, seen.of_memory);
      for (auto& each : limits_of_memory(of, seen)) limits.push_back(std::move(each));
    }
    tell_time_to_limit(made, limits);
  }
  return told;
}

void add_open(model::diagnosis& to, const growth_view& of, const growths& seen) {
  // Sockets are descriptors: one leak is one finding.
  const bool of_sockets = add(to, sockets, seen.of_sockets);
  if (!of_sockets && !add(to, descriptors, seen.of_descriptors)) return;
  model::named_cause& made = to.findings.back();
  if (!of_sockets) name_kind(made, of.processes);
  if (grow_alike(seen.of_threads, seen.of_open())) made.text += fmt::format("; {} grew with them", threads.what);
  const approached_limit limit = limit_of_descriptors(of, seen.of_open());
  tell_time_to_limit(made, std::span(&limit, 1));
}

void say_what_was_too_short(model::diagnosis& to, const growths& seen) {
  std::string unknown;
  const auto look_at = [&](const watched& what, const growth& one) {
    if (one.shape == growth_shape::too_short) unknown += fmt::format("{}{}", unknown.empty() ? "" : ", ", what.what);
  };
  look_at(memory, seen.of_memory);
  look_at(sockets, seen.of_sockets);
  look_at(descriptors, seen.of_descriptors);
  look_at(threads, seen.of_threads);
  if (seen.tells_tasks) look_at(seen.is_node ? resources : tasks, seen.of_tasks);
  if (!unknown.empty()) to.remarks.push_back(fmt::format("too few looks to tell growth of {}", unknown));
}

}  // namespace

std::span<const model::process_second> loaded_stretch(std::span<const model::process_second> processes) {
  if (processes.size() < 3) return processes;
  std::vector<double> rates;  // of switches, up to each look but the first
  for (std::size_t i = 1; i < processes.size(); ++i) {
    const auto& before = processes[i - 1];
    const auto& now = processes[i];
    const double length_s = std::max(1e-9, now.at_s - before.at_s);
    rates.push_back((static_cast<double>(now.voluntary_switches) - static_cast<double>(before.voluntary_switches)) /
                    length_s);
  }
  auto sorted = rates;
  std::ranges::sort(sorted);
  const double busy = sorted[static_cast<std::size_t>(busy_quantile * static_cast<double>(sorted.size() - 1))];
  const auto loaded = [least = idle_share_of_busy * busy](double rate) { return rate >= least; };
  const auto first = std::ranges::find_if(rates, loaded) - rates.begin();
  const auto last = std::ranges::find_if(rates.rbegin(), rates.rend(), loaded);
  const auto end = rates.rend() - last;  // one behind it
  if (end <= first) return processes;
  return processes.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first));
}

void add_growth(model::diagnosis& to, const growth_view& of) {
  const growths seen = growths_of(of);
  const bool memory_is_told = add_counts(to, of, seen);
  if (!memory_is_told && add(to, memory, seen.of_memory)) {
    tell_time_to_limit(to.findings.back(), limits_of_memory(of, seen));
  }
  add_open(to, of, seen);
  say_what_was_too_short(to, seen);
}

}  // namespace assay::judge
