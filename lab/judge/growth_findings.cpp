#include "lab/judge/growth_findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lab/judge/growth.hpp"

namespace assay::judge {
namespace {

using model::cause;

constexpr double mib = 1 << 20;
constexpr double busy_quantile = 0.9;
constexpr double idle_share_of_busy = 0.1;
constexpr growth_rule memory_rule{.least_growth = 1 * mib, .least_share = 0.02};
constexpr growth_rule count_rule{.least_growth = 8, .least_share = 0.02, .blocks = block_value::least};

struct watched {
  cause kind;
  std::string_view what;
  std::string_view unit;
  double scale;  // of one unit
  std::string_view next;
};
constexpr watched memory{
    cause::memory_leak, "anonymous memory", "MB", 1e6,
    "Find the holder: two heap snapshots (tracemalloc, v8.writeHeapSnapshot, heaptrack), compared."};
constexpr watched descriptors{cause::descriptor_leak, "open descriptors", "descriptors", 1,
                              "Close what is opened: look at the targets in /proc/PID/fd, and for a missing `with`."};
constexpr watched sockets{
    cause::socket_leak, "open sockets", "sockets", 1,
    "Close responses and sessions, or share one client: `ss -tnp` names the peer that they go to."};

model::named_cause finding_of(const watched& what, const growth& seen) {
  constexpr double hour_s = 3600;
  const auto& slope = seen.slope_per_s;
  const auto per_hour = [&](double value) { return value * hour_s / what.scale; };
  model::named_cause made{.kind = what.kind};
  made.text =
      fmt::format("{} grew by {:.4g} {} in {:.0f} s, {:.3g} {} an hour (95 %: {:.3g} to {:.3g}), without an end",
                  what.what, seen.grown / what.scale, what.unit, seen.judged_s, per_hour(slope.value), what.unit,
                  per_hour(slope.low), per_hour(slope.high));
  const std::string unit = what.scale > 1 ? "mb" : "count";
  made.numbers = {{fmt::format("slope_{}_per_hour", unit), per_hour(slope.value)},
                  {fmt::format("slope_{}_per_hour_low", unit), per_hour(slope.low)},
                  {fmt::format("slope_{}_per_hour_high", unit), per_hour(slope.high)},
                  {fmt::format("grown_{}", unit), seen.grown / what.scale},
                  {fmt::format("level_{}", unit), seen.level / what.scale},
                  {"p", seen.p},
                  {"blocks", static_cast<double>(slope.n)}};
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
      to.remarks.push_back(
          fmt::format("{} grew and has stopped: a cache or an allocator that fills; watch for longer "
                      "to be sure",
                      what.what));
      return false;
    case growth_shape::too_short:  // told for all together
    case growth_shape::flat:
      return false;
  }
  return false;
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

void add_growth(model::diagnosis& to, std::span<const model::process_second> processes) {
  std::vector<double> at_s;
  std::vector<double> bytes;
  std::vector<double> open;
  std::vector<double> linked;
  for (const auto& each : processes) {
    at_s.push_back(each.at_s);
    bytes.push_back(static_cast<double>(each.anonymous_bytes));
    open.push_back(each.descriptors);
    linked.push_back(each.sockets);
  }
  const growth of_memory = judge_growth(at_s, bytes, memory_rule);
  const growth of_sockets = judge_growth(at_s, linked, count_rule);
  const growth of_descriptors = judge_growth(at_s, open, count_rule);
  add(to, memory, of_memory);
  // Sockets are descriptors: one leak is one finding.
  if (!add(to, sockets, of_sockets)) add(to, descriptors, of_descriptors);
  std::string unknown;
  for (const auto& [what, seen] :
       {std::pair{memory, of_memory}, std::pair{sockets, of_sockets}, std::pair{descriptors, of_descriptors}}) {
    if (seen.shape == growth_shape::too_short) unknown += fmt::format("{}{}", unknown.empty() ? "" : ", ", what.what);
  }
  if (!unknown.empty()) to.remarks.push_back(fmt::format("too few looks to tell growth of {}", unknown));
}

}  // namespace assay::judge
