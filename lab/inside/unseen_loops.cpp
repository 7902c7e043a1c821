#include "lab/inside/unseen_loops.hpp"

#include <fmt/format.h>

#include "lab/inside/proc.hpp"

namespace assay::inside {

std::string unseen_loops::watch(std::uint32_t pid, std::uint32_t tid, bool has_file, const std::string& why_not) {
  const auto watched = sampler_.watch(pid, tid);
  if (!watched) return fmt::format("system calls of process {} cannot be sampled: {}", pid, watched.error());
  if (!*watched) return fmt::format("loops are sampled on {} threads, there are more", syscall_sampler::most_threads);
  if (attached_) return fmt::format("process {}: lag by sampling its system calls, to about 1 ms", pid);
  return fmt::format("process {}: its loop does not wait through libc ({}): lag by sampling its system calls", pid,
                     has_file ? "io_uring" : "no probe file appeared: " + why_not);
}

std::vector<std::string> unseen_loops::look(std::uint32_t pid, bool has_file, const std::string& why_not) {
  std::vector<std::string> said;
  for (const auto tid : numbers_in(fmt::format("/proc/{}/task", pid), most_peeked_threads)) {
    if (sampler_.watches(pid, tid)) continue;
    const auto call = current_syscall(pid, tid);
    if (!call) {
      if (const auto why = refused_.tell(pid, call.error())) {
        said.push_back(fmt::format("its system calls may not be sampled, so its loops are not seen: {}", *why));
      }
      continue;
    }
    if (!*call || !(is_io_uring_wait(**call) || (!has_file && is_epoll_wait(**call)))) continue;
    said.push_back(watch(pid, tid, has_file, why_not));
  }
  return said;
}

}  // namespace assay::inside
