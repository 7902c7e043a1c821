#include "stack/runtime/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <tuple>

#include "stack/runtime/clock.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay {

stop_signals::stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  notify_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

stop_signals::~stop_signals() {
  ::close(signal_fd_);
  ::close(notify_fd_);
}

std::optional<int> stop_signals::wait(duration limit) {
  std::array<pollfd, 2> watched{
      {{.fd = signal_fd_, .events = POLLIN, .revents = 0}, {.fd = notify_fd_, .events = POLLIN, .revents = 0}}};
  const timespec span = detail::to_timespec(limit);
  const bool endless = limit == duration::max();
  int ready = 0;
  do {  // the handler of another signal does not end an endless wait
    ready = ::ppoll(watched.data(), watched.size(), endless ? nullptr : &span, nullptr);
  } while (endless && ready < 0 && errno == EINTR);
  if (ready <= 0) return std::nullopt;
  signalfd_siginfo info{};
  if (::read(signal_fd_, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
  std::uint64_t notified = 0;
  std::ignore = ::read(notify_fd_, &notified, sizeof notified);
  return 0;
}

void stop_signals::notify() noexcept { detail::signal_eventfd(notify_fd_); }

}  // namespace assay
