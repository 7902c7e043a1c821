// Why the kernel does not let us look into a process, and what its user can do about it. Much of /proc/PID is for
// whoever may trace that process: its own user, root, and under Yama (ptrace_scope) its ancestors alone.
//
// Misuse: asking about a file that is not there. ENOENT and ESRCH say that a process has ended, not that it is closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace assay::inside {

struct refusal {
  int error = 0;          // EACCES or EPERM
  std::string owner;      // whose process it is: "www-data", or a number where the user has no name
  std::string self;       // whose the watch is
  bool of_root = false;   // it is the watch's own user's, and its files are root's: it has changed its rights
  int ptrace_scope = 0;   // kernel.yama.ptrace_scope; 0 also where there is none
  bool attached = false;  // it ran before; else the watch has started it
};

// "Permission denied: it runs as root, the watch as nobody; start it under `assay watch -- CMD`, or watch as root"
std::string describe(const refusal& of);

// As the system has it at this moment.
refusal refusal_of(std::uint32_t pid, int error, bool attached);

// One kind of look that some processes refuse: each of them is told of once.
class refusals {
 public:
  static constexpr std::size_t most_told = 256;  // processes

  explicit refusals(bool attached) : attached_(attached) {}
  // As describe(); nothing when it was told before, or when the error is no refusal.
  std::optional<std::string> tell(std::uint32_t pid, int error);

 private:
  bool attached_;
  std::set<std::uint32_t> told_;
};

}  // namespace assay::inside
