#include "stack/runtime/loop_alarm.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include "stack/runtime/clock.hpp"

namespace assay {
namespace {

using namespace std::chrono_literals;

constexpr duration look_for_watchers = 1ms;  // of a loop that nobody watches

void set(int fd, instant at) noexcept {
  const itimerspec when{.it_interval = {}, .it_value = detail::to_timespec(at.time_since_epoch())};
  ::timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace

loop_alarm::~loop_alarm() {
  if (const int fd = fd_.load(std::memory_order_relaxed); fd >= 0) ::close(fd);
}

result<int> loop_alarm::watch(duration span) {
  int fd = fd_.load(std::memory_order_relaxed);
  if (fd < 0) {
    fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) return std::unexpected(from_errno(errno, "timerfd_create"));
    fd_.store(fd, std::memory_order_release);
  }
  const std::int64_t before = span_ns_.load(std::memory_order_relaxed);
  if (before != 0 && before <= span.count()) return fd;
  // Until the loop comes to it: it may be about to work for long.
  set(fd, detail::monotonic_now() + span);
  span_ns_.store(span.count());
  due_ns_.store(0);
  return fd;
}

void loop_alarm::put_off(instant now) noexcept {
  const duration span(span_ns_.load());
  const instant next = now + (span == duration::zero() ? look_for_watchers : span / 2);
  due_ns_.store(next.time_since_epoch().count());
  if (span_ns_.load() != span.count()) due_ns_.store(0);  // a watcher came meanwhile, and its 0 may have been lost
  if (span == duration::zero()) return;
  set(fd_.load(std::memory_order_relaxed), now + span);
}

}  // namespace assay
