// What the host did to whatever ran on it, between two looks: CPU time given to other guests, the CPU quota of a
// control group, pressure. All of it is readable without privilege; what a kernel does not tell is left out.
//
// Misuse: blaming a candidate for it. It explains why its threads waited, and none of it is in its code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::inside {

inline constexpr double told_steal_share = 0.01;  // of all CPU time, and it is told
// Of the time in which at least one task waited for it. Two processes on one core already press for the CPU.
inline constexpr double told_cpu_pressure = 0.5;
inline constexpr double told_memory_pressure = 0.02;
inline constexpr double told_io_pressure = 0.2;

struct host_look {
  std::uint64_t at_ns = 0;
  std::uint64_t cpu_ticks = 0;  // of all CPUs, idle included
  std::uint64_t steal_ticks = 0;
  std::optional<std::uint64_t> cpu_pressure_us = {};
  std::optional<std::uint64_t> memory_pressure_us = {};
  std::optional<std::uint64_t> io_pressure_us = {};
  std::optional<std::uint64_t> throttled_us = {};  // of the process's control group
  std::optional<std::uint64_t> throttled_times = {};
};

// `pid`: whose control group it is about.
host_look look_at_host(std::uint32_t pid, std::uint64_t at_ns);

// Sentences, each beginning with "the host"; empty when it left the service alone.
std::vector<std::string> what_the_host_did(const host_look& before, const host_look& after);

// The first line of /proc/stat.
bool parse_cpu_ticks(std::string_view text, host_look& into);
// throttled_usec of version 2, throttled_time of version 1 (nanoseconds), and nr_throttled.
void parse_cpu_group(std::string_view cpu_stat, host_look& into);

}  // namespace assay::inside
