#include "stack/runtime/epoll_watch.hpp"

#include <poll.h>

#include <cerrno>
#include <utility>

namespace assay::detail {
namespace {

static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP);

constexpr unsigned fd_shift = 32;
constexpr std::uint32_t generation_step = 2;  // leaves the lowest bit for the mark

std::uint64_t mark_of(int fd, std::uint32_t generation) {
  return (std::uint64_t{static_cast<std::uint32_t>(fd)} << fd_shift) | generation | 1;
}

}  // namespace

bool epoll_watch::start(int epoll_fd, poll_op& op) {
  op.on = nullptr;
  if (op.fd < 0) {
    op.status = -EBADF;
    return true;
  }
  const auto index = static_cast<std::size_t>(op.fd);
  if (index >= entries_.size()) entries_.resize(index + 1);
  entry& watched = entries_[index];
  if (watched.waiting != nullptr) {
    op.status = -EBUSY;
    return true;
  }
  watched.generation += generation_step;
  epoll_event event{.events = op.events | EPOLLONESHOT, .data = {.u64 = mark_of(op.fd, watched.generation)}};
  int refused = ENOENT;
  if (watched.entered) refused = ::epoll_ctl(epoll_fd, EPOLL_CTL_MOD, op.fd, &event) < 0 ? errno : 0;
  if (refused == ENOENT) refused = ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, op.fd, &event) < 0 ? errno : 0;
  watched.entered = refused == 0;
  if (refused != 0) {
    op.status = -refused;
    return true;
  }
  op.in_backend = true;
  watched.waiting = &op;
  return false;
}

void epoll_watch::forget(int epoll_fd, poll_op& op) noexcept {
  entry& watched = entries_[static_cast<std::size_t>(op.fd)];
  watched.waiting = nullptr;
  // Out of the set, or an event of the abandoned wait would wake the loop for nobody.
  ::epoll_ctl(epoll_fd, EPOLL_CTL_DEL, op.fd, nullptr);
  watched.entered = false;
}

poll_op* epoll_watch::take(const epoll_event& event) noexcept {
  const auto index = static_cast<std::size_t>(event.data.u64 >> fd_shift);
  entry& watched = entries_[index];
  if (mark_of(static_cast<int>(index), watched.generation) != event.data.u64) return nullptr;
  poll_op* const op = std::exchange(watched.waiting, nullptr);
  if (op != nullptr) op->status = static_cast<std::int32_t>(event.events);
  return op;
}

}  // namespace assay::detail
