#include "lab/inside/host_pressure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "lab/inside/control_group.hpp"
#include "lab/inside/proc.hpp"
#include "lab/inside/words.hpp"

namespace assay::inside {
namespace {

std::optional<std::uint64_t> pressure_of(std::string_view what) {
  const auto text = read_text(fmt::format("/proc/pressure/{}", what));
  return text ? parse_pressure(*text) : std::nullopt;
}

void say_pressure(std::vector<std::string>& to, std::string_view what, std::optional<std::uint64_t> before,
                  std::optional<std::uint64_t> after, double length_us, double told) {
  if (!before || !after || *after < *before) return;
  const double share = static_cast<double>(*after - *before) / length_us;
  if (share < told) return;
  to.push_back(fmt::format("the host was short of {}: some of its tasks waited for it {:.0f} % of the time", what,
                           100 * std::min(1.0, share)));
}

}  // namespace

bool parse_cpu_ticks(std::string_view text, host_look& into) {
  constexpr std::size_t steal = 7;  // user nice system idle iowait irq softirq steal, and guests, who are in user
  auto line = cut(text, '\n');
  if (!line.starts_with("cpu ")) return false;
  line.remove_prefix(4);
  std::uint64_t sum = 0;
  for (std::size_t field = 0; field <= steal;) {
    if (line.empty()) return false;
    const auto word = cut(line, ' ');
    if (word.empty()) continue;
    const auto ticks = whole_number(word);
    if (!ticks) return false;
    sum += *ticks;
    if (field++ == steal) into.steal_ticks = *ticks;
  }
  into.cpu_ticks = sum;
  return true;
}

void parse_cpu_group(std::string_view cpu_stat, host_look& into) {
  while (!cpu_stat.empty()) {
    auto line = cut(cpu_stat, '\n');
    const auto key = cut(line, ' ');
    const auto value = whole_number(line);
    if (!value) continue;
    if (key == "nr_throttled") into.throttled_times = value;
    if (key == "throttled_usec") into.throttled_us = value;
    if (key == "throttled_time") into.throttled_us = *value / 1000;
  }
}

host_look look_at_host(std::uint32_t pid, std::uint64_t at_ns) {
  host_look seen{.at_ns = at_ns};
  if (const auto text = read_text("/proc/stat")) parse_cpu_ticks(*text, seen);
  seen.cpu_pressure_us = pressure_of("cpu");
  seen.memory_pressure_us = pressure_of("memory");
  seen.io_pressure_us = pressure_of("io");
  if (const auto text = read_text(fmt::format("/proc/{}/cgroup", pid))) {
    const auto place = group_place_of(*text, "cpu");
    if (place) {
      if (const auto stat = read_text(place->mount + place->path + "/cpu.stat")) parse_cpu_group(*stat, seen);
    }
  }
  return seen;
}

std::vector<std::string> what_the_host_did(const host_look& before, const host_look& after) {
  std::vector<std::string> said;
  if (after.at_ns <= before.at_ns) return said;
  const double length_us = static_cast<double>(after.at_ns - before.at_ns) / 1e3;
  if (after.cpu_ticks > before.cpu_ticks && after.steal_ticks > before.steal_ticks) {
    const double share = static_cast<double>(after.steal_ticks - before.steal_ticks) /
                         static_cast<double>(after.cpu_ticks - before.cpu_ticks);
    if (share >= told_steal_share) {
      said.push_back(fmt::format("the host gave {:.0f} % of its CPU time to other guests (steal)", 100 * share));
    }
  }
  if (before.throttled_us && after.throttled_us && *after.throttled_us > *before.throttled_us) {
    said.push_back(fmt::format("the host stopped its control group for {:.2f} s in all, {} times: its CPU quota",
                               static_cast<double>(*after.throttled_us - *before.throttled_us) / 1e6,
                               after.throttled_times.value_or(0) - before.throttled_times.value_or(0)));
  }
  say_pressure(said, "CPU", before.cpu_pressure_us, after.cpu_pressure_us, length_us, told_cpu_pressure);
  say_pressure(said, "memory", before.memory_pressure_us, after.memory_pressure_us, length_us, told_memory_pressure);
  say_pressure(said, "I/O", before.io_pressure_us, after.io_pressure_us, length_us, told_io_pressure);
  return said;
}

}  // namespace assay::inside
