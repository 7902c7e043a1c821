#include "lab/subject/host.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

namespace assay::subject {
namespace {

constexpr unsigned max_cpus = CPU_SETSIZE;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The value of the first line that begins with `key` and a colon, as in /proc/cpuinfo and /proc/meminfo.
std::string value_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    const std::size_t begin = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return cpus;
  for (unsigned cpu = 0; cpu < max_cpus; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::optional<unsigned> parse_cpu(std::string_view text) {
  unsigned value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size() || value >= max_cpus) return std::nullopt;
  return value;
}

std::string or_unknown(std::string text) { return text.empty() ? "not visible" : std::move(text); }

std::string memory() {
  // "MemTotal:  8127340 kB"
  const std::string text = value_of("/proc/meminfo", "MemTotal");
  std::uint64_t kibibytes = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), kibibytes);
  if (wrong != std::errc()) return {};
  return fmt::format("{:.1f} GiB", static_cast<double>(kibibytes) / (1024.0 * 1024.0));
}

}  // namespace

std::vector<unsigned> parse_cpu_list(const std::string& text) {
  std::vector<unsigned> cpus;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const std::size_t dash = part.find('-');
    const auto low = parse_cpu(part.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : parse_cpu(part.substr(dash + 1));
    if (!low || !high || *high < *low) return {};
    for (unsigned cpu = *low; cpu <= *high; cpu++) cpus.push_back(cpu);
  }
  return cpus;
}

std::string format_cpu_list(const std::vector<unsigned>& cpus) { return fmt::format("{}", fmt::join(cpus, ",")); }

cpu_split split_cpus(const std::vector<unsigned>& cpus, const std::map<unsigned, std::vector<unsigned>>& siblings) {
  cpu_split split;
  if (cpus.size() < 2) {
    split.candidate = split.lab = cpus;
    split.remark = "one CPU for the candidate and the lab: each of them disturbs the other";
    return split;
  }
  const auto middle = cpus.end() - static_cast<std::ptrdiff_t>(cpus.size() / 2);
  split.lab.assign(cpus.begin(), middle);
  split.candidate.assign(middle, cpus.end());
  for (const unsigned cpu : split.candidate) {
    const auto found = siblings.find(cpu);
    if (found == siblings.end()) continue;
    for (const unsigned sibling : found->second) {
      if (std::ranges::find(split.lab, sibling) == split.lab.end()) continue;
      split.remark = fmt::format("CPU {} of the candidate and CPU {} of the lab are threads of one core", cpu, sibling);
      return split;
    }
  }
  return split;
}

cpu_split split_cpus() {
  const std::vector<unsigned> cpus = allowed_cpus();
  std::map<unsigned, std::vector<unsigned>> siblings;
  for (const unsigned cpu : cpus) {
    siblings[cpu] =
        parse_cpu_list(first_line(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu)));
  }
  return split_cpus(cpus, siblings);
}

std::map<std::string, std::string> host_facts() {
  std::map<std::string, std::string> facts;
  facts["cpu"] = or_unknown(value_of("/proc/cpuinfo", "model name"));
  facts["cpus"] = fmt::format("{} usable ({})", allowed_cpus().size(), format_cpu_list(allowed_cpus()));
  facts["memory"] = or_unknown(memory());
  facts["governor"] = or_unknown(first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  const std::string flags = " " + value_of("/proc/cpuinfo", "flags") + " ";
  facts["virtual"] = flags.find(" hypervisor ") != std::string::npos ? "yes: others may use the same hardware" : "no";
  utsname system{};
  facts["kernel"] = ::uname(&system) == 0 ? fmt::format("{} {} {}", system.sysname, system.release, system.machine)
                                          : std::string("not visible");
  return facts;
}

}  // namespace assay::subject
