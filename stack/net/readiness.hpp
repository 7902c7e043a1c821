// Waiting until a descriptor that a library owns is ready: how libpq and its like live on a loop.
//
//   result<net::readiness> now = co_await net::wait_ready(PQsocket(c), net::want_read | net::want_write);
//
// Ends at the context's deadline or at the earlier `limit`, as every wait. An error or a hang-up of the descriptor is
// readiness too: the library finds out which when it reads.
//
// Misuse: letting the library close the descriptor while the wait is pending (it ends first, then the library may),
// two waits at once on one descriptor, and a descriptor of the loop's own streams.
#pragma once

#include <poll.h>

#include "stack/runtime/wait.hpp"

namespace assay::net {

inline constexpr std::uint32_t want_read = POLLIN;
inline constexpr std::uint32_t want_write = POLLOUT;

struct readiness {
  bool readable = false;
  bool writable = false;
};

namespace detail {

class ready_awaiter : public assay::detail::io_awaiter<ready_awaiter, poll_op> {
 public:
  ready_awaiter(int fd, std::uint32_t events, instant limit) : io_awaiter(limit) {
    op_.fd = fd;
    op_.events = events;
  }
  bool start(io& backend) { return backend.wait_ready(op_); }
  bool start_again(io&) const { return false; }
  result<readiness> await_resume() const {
    if (op_.status >= 0) {
      const auto said = static_cast<std::uint32_t>(op_.status);
      const bool broken = (said & (POLLERR | POLLHUP)) != 0;
      return readiness{.readable = broken || (said & POLLIN) != 0, .writable = broken || (said & POLLOUT) != 0};
    }
    if (gave_up()) return std::unexpected(failure("wait for readiness"));
    return std::unexpected(from_errno(-op_.status, "wait for readiness"));
  }
};

}  // namespace detail

// `events`: want_read, want_write or both.
[[nodiscard]] inline detail::ready_awaiter wait_ready(int fd, std::uint32_t events, instant limit = never) {
  return {fd, events, limit};
}

}  // namespace assay::net
