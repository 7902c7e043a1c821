#include "lab/inside/host_pressure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

constexpr std::string_view group_root = "/sys/fs/cgroup";

std::optional<std::uint64_t> whole_number(std::string_view word) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size()) return std::nullopt;
  return value;
}

// Up to the character, which is taken away as well; all of it when it is not there.
std::string_view cut(std::string_view& text, char at) {
  const auto piece = text.substr(0, text.find(at));
  text.remove_prefix(std::min(piece.size() + 1, text.size()));
  return piece;
}

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

std::optional<std::uint64_t> parse_pressure(std::string_view text) {
  constexpr std::string_view total = " total=";
  const auto line = cut(text, '\n');
  const auto at = line.find(total);
  if (!line.starts_with("some ") || at == std::string_view::npos) return std::nullopt;
  return whole_number(line.substr(at + total.size()));
}

std::string cpu_group_folder(std::string_view cgroup) {
  std::string found;
  while (!cgroup.empty()) {
    auto line = cut(cgroup, '\n');
    cut(line, ':');  // a number
    auto controllers = cut(line, ':');
    if (controllers.empty() && found.empty()) found = fmt::format("{}{}", group_root, line);
    const auto all = controllers;
    while (!controllers.empty()) {
      if (cut(controllers, ',') == "cpu") return fmt::format("{}/{}{}", group_root, all, line);
    }
  }
  return found;
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
    if (const auto stat = read_text(cpu_group_folder(*text) + "/cpu.stat")) parse_cpu_group(*stat, seen);
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
