#include "lab/inside/allocation_counts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <vector>

#include "probe/allocations_format.h"

namespace assay::inside {
namespace {

// "4711.alloc"
std::optional<std::uint32_t> pid_of_allocations(const std::filesystem::path& file) {
  if (file.extension() != ".alloc") return std::nullopt;
  const std::string name = file.stem().string();
  std::uint32_t pid = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return pid;
}

}  // namespace

// By a copy: what a process that ends may cut short is not mapped here.
std::optional<allocation_counts::counted> allocation_counts::read(const std::string& path, std::uint32_t pid) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);  // nobody waits for a FIFO
  if (fd < 0) return std::nullopt;
  assay_allocations_file copy{};
  const ssize_t got = ::pread(fd, &copy, sizeof copy, 0);
  ::close(fd);
  const bool whole = got == static_cast<ssize_t>(sizeof copy) && copy.magic == ASSAY_ALLOCATIONS_MAGIC &&
                     copy.version == ASSAY_ALLOCATIONS_VERSION && copy.pid == pid;
  if (!whole) return std::nullopt;
  counted made{.started_ns = copy.started_ns};
  std::uint64_t freed_bytes = 0;
  for (const auto& place : copy.places) {
    made.allocations += place.allocations;
    made.allocated_bytes += place.allocated_bytes;
    freed_bytes += place.freed_bytes;
  }
  // What was made before the counting began is freed as well.
  made.live_bytes = made.allocated_bytes - std::min(made.allocated_bytes, freed_bytes);
  return made;
}

void allocation_counts::end(const counted& one) {
  ended_allocations_ += one.allocations;
  ended_bytes_ += one.allocated_bytes;
}

std::optional<allocation_sums> allocation_counts::look(const std::set<std::uint32_t>& living) {
  std::error_code failed;
  std::vector<std::uint32_t> pids;
  for (auto file = std::filesystem::directory_iterator(directory_, failed);
       !failed && file != std::filesystem::directory_iterator() && pids.size() < most_files; file.increment(failed)) {
    if (const auto pid = pid_of_allocations(file->path())) pids.push_back(*pid);
  }
  for (const std::uint32_t pid : pids) {
    const std::string path = fmt::format("{}/{}.alloc", directory_, pid);
    const auto now = read(path, pid);
    bool begun = false;
    if (now) {
      ever_ = true;
      const auto [known, is_new] = alive_.try_emplace(pid, *now);
      if (!is_new && known->second.started_ns != now->started_ns) end(known->second);  // another program by exec
      known->second = *now;
      begun = is_new;
    }
    // One that is new may have begun after `living` was made: the next look tells.
    if (begun || living.contains(pid)) continue;
    if (const auto known = alive_.find(pid); known != alive_.end()) {
      end(known->second);
      alive_.erase(known);
    }
    ::unlink(path.c_str());
  }
  if (!ever_) return std::nullopt;
  allocation_sums made{.allocations = ended_allocations_, .allocated_bytes = ended_bytes_};
  for (const auto& [pid, each] : alive_) {
    made.allocations += each.allocations;
    made.allocated_bytes += each.allocated_bytes;
    made.live_bytes += each.live_bytes;
  }
  return made;
}

}  // namespace assay::inside
