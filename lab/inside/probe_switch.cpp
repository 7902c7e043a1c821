#include "lab/inside/probe_switch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstddef>
#include <ctime>
#include <filesystem>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "lab/inside/probe_reader.hpp"
#include "probe/probe_format.h"

namespace assay::inside {
namespace {

std::optional<std::uint64_t> read_clock(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

probe_switch::file::file(int descriptor, pid_t of) : fd(descriptor), pid(of) {
  if (::clock_getcpuclockid(of, &clock) != 0) pid = 0;
}

probe_switch::file::file(file&& from) noexcept : fd(std::exchange(from.fd, -1)), clock(from.clock), pid(from.pid) {}

probe_switch::file& probe_switch::file::operator=(file&& from) noexcept {
  std::swap(fd, from.fd);
  clock = from.clock;
  pid = from.pid;
  return *this;
}

probe_switch::file::~file() {
  if (fd >= 0) ::close(fd);
}

std::expected<probe_switch, std::string> probe_switch::open(const std::string& directory) {
  probe_switch made;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
    if (entry.path().extension() != ".probe" || made.files_.size() >= most_processes) continue;
    const auto reader = probe_reader::open(entry.path().string());  // which looks whether it is one
    if (!reader) continue;
    const int fd = ::open(entry.path().c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) continue;
    file opened(fd, static_cast<pid_t>(reader->pid()));
    if (opened.pid != 0 && read_clock(opened.clock)) made.files_.push_back(std::move(opened));
  }
  if (made.files_.empty()) return std::unexpected("no process of it that lives carries the preload library");
  return made;
}

probe_switch::~probe_switch() { set(true); }

void probe_switch::set(bool on) {
  const std::uint64_t paused = on ? 0 : 1;
  // One that cannot be written to has no more room on its disk, and goes on as it is.
  for (const file& each : files_) {
    std::ignore = ::pwrite(each.fd, &paused, sizeof paused, offsetof(assay_probe_file, paused));
  }
}

std::expected<std::uint64_t, std::string> probe_switch::cpu_ns() const {
  std::uint64_t sum = 0;
  for (const file& each : files_) {
    const auto used = read_clock(each.clock);
    if (!used) return std::unexpected(fmt::format("process {} has ended meanwhile", each.pid));
    sum += *used;
  }
  return sum;
}

}  // namespace assay::inside
