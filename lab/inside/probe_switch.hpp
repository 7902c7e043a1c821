// Switches the preload library off and on in all processes of a candidate while they run, and reads their CPU time to
// the moment: what the library costs is the difference.
//
//   probe_switch all(directory);
//   all.set(false); … all.cpu_ns(); … all.set(true);
//
// The destructor leaves it on. Processes that come later are not among them.
//
// Misuse: in a phase that is judged. What happens while it is off is not seen.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace assay::inside {

class probe_switch {
 public:
  static constexpr std::size_t most_processes = 512;

  // Of the processes that have a file in this directory and live. The error says why there is none.
  static std::expected<probe_switch, std::string> open(const std::string& directory);
  probe_switch(probe_switch&&) noexcept = default;
  probe_switch& operator=(probe_switch&&) noexcept = default;
  ~probe_switch();

  void set(bool on);
  // Of all threads of all of them since they began; by the kernel's clocks, which are not as old as the last tick.
  // Nothing: one of them has ended.
  std::expected<std::uint64_t, std::string> cpu_ns() const;
  std::size_t processes() const { return files_.size(); }

 private:
  struct file {
    file(int descriptor, pid_t pid);
    file(file&& from) noexcept;
    file& operator=(file&& from) noexcept;
    ~file();

    int fd = -1;
    clockid_t clock = 0;
    pid_t pid = 0;
  };

  probe_switch() = default;

  std::vector<file> files_;
};

}  // namespace assay::inside
