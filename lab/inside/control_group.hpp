// The control group of a process, of version 1 or 2: its memory, the limits on it and on the number of its tasks,
// and for how long its tasks waited (PSI). Readable without privilege; what a kernel does not tell is left out.
//
// Misuse: taking the memory of a root group for the service's: it is the whole host's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lab/model/resource_limits.hpp"

namespace assay::inside {

inline constexpr std::string_view group_root = "/sys/fs/cgroup";

struct group_look {
  std::uint64_t memory_bytes = 0;      // in use, without pages of files that the kernel can drop; 0: not told
  model::resource_limit memory = {};   // of it and those above it, the one with least room
  model::resource_limit threads = {};  // the same of the number of tasks
  // In which some task of it waited, in all; 0 where it is not told: PSI of groups comes with version 2.
  std::uint64_t cpu_pressure_us = 0;
  std::uint64_t memory_pressure_us = 0;
  std::uint64_t io_pressure_us = 0;
};

// `cgroup`: the text of /proc/PID/cgroup. A container that sees the host's path there has its own group at the root.
group_look look_at_group(std::string_view cgroup, const std::string& root = std::string(group_root));

// Of the controller by /proc/PID/cgroup: the folder where it is mounted, and the group's path below that, "/a/b".
struct group_place {
  std::string mount;
  std::string path;
  bool version_1 = false;
};
std::optional<group_place> group_place_of(std::string_view cgroup, std::string_view controller,
                                          const std::string& root = std::string(group_root));

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234": the total, microseconds.
std::optional<std::uint64_t> parse_pressure(std::string_view text);

}  // namespace assay::inside
