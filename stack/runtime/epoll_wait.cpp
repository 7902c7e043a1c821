#include "stack/runtime/epoll_wait.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

#include "stack/runtime/clock.hpp"

namespace assay::detail {

int exact_epoll_wait::operator()(int epoll_fd, std::span<epoll_event> events, std::optional<duration> at_most) {
  const int room = static_cast<int>(events.size());
  const timespec timeout = to_timespec(at_most.value_or(duration::zero()));
  if (!coarse_) {
    const int count = ::epoll_pwait2(epoll_fd, events.data(), room, at_most ? &timeout : nullptr, nullptr);
    // Before Linux 5.11, and behind a filter that does not know the call: whole milliseconds, rounded up.
    coarse_ = count < 0 && (errno == ENOSYS || errno == EPERM);
    if (!coarse_) return count;
  }
  if (!at_most) return ::epoll_wait(epoll_fd, events.data(), room, -1);
  const std::int64_t span_ms = std::min<std::int64_t>(timeout.tv_sec, INT_MAX / 1000 - 1) * 1000;
  return ::epoll_wait(epoll_fd, events.data(), room,
                      static_cast<int>(span_ms + (timeout.tv_nsec + 999'999) / 1'000'000));
}

}  // namespace assay::detail
