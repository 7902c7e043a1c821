#include "stack/observe/loop_watch.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <tuple>

#include "stack/runtime/clock.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay::observe {
namespace {

// By edges: nothing is ever read, and several watchdogs hear the same alarms.
bool add_to(int epoll_fd, int fd) {
  epoll_event edges{.events = EPOLLIN | EPOLLET, .data = {.fd = fd}};
  return ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &edges) == 0 || errno == EEXIST;
}

void close_all(int first, int second) {
  if (first >= 0) ::close(first);
  if (second >= 0) ::close(second);
}

}  // namespace

loop_watch::loop_watch()
    : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (wake_fd_ < 0 || epoll_fd_ < 0 || !add_to(epoll_fd_, wake_fd_)) {
    const int why = errno;
    close_all(wake_fd_, epoll_fd_);
    throw std::system_error(why, std::system_category(), "a descriptor for the watchdog");
  }
  tell_of_new_loops(wake_fd_);
}

loop_watch::~loop_watch() {
  tell_no_more_of_loops(wake_fd_);
  close_all(wake_fd_, epoll_fd_);
}

bool loop_watch::add(loop_pulse& of, duration span) const {
  const result<int> alarm = of.alarm.watch(span);
  return alarm && add_to(epoll_fd_, *alarm);
}

void loop_watch::sleep_until(instant at) {
  std::array<epoll_event, 16> woken{};
  const duration left = std::max(at - assay::detail::monotonic_now(), duration::zero());
  std::ignore = wait_(epoll_fd_, woken, left);
}

void loop_watch::wake() const noexcept { assay::detail::signal_eventfd(wake_fd_); }

}  // namespace assay::observe
