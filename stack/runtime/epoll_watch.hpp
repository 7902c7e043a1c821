// The descriptors that the epoll backend watches for others: one-shot, one wait at a time on each. Internal to it.
//
// An entry stays after its wait, disarmed, so that the next wait on the same descriptor is one system call. Its owner
// may close the descriptor between two waits; the kernel then drops the entry by itself, and a new descriptor of the
// same number is entered anew. An event names the number and the generation of its wait, never memory, so that one
// that is late names nothing.
//
// Misuse: a descriptor of the backend's own sockets. It is in the set already: the wait fails with EEXIST.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <vector>

#include "stack/runtime/io.hpp"

namespace assay::detail {

class epoll_watch {
 public:
  // True when it failed at once: op.status says why.
  bool start(int epoll_fd, poll_op& op);
  // Ends the wait without a completion.
  void forget(int epoll_fd, poll_op& op) noexcept;

  // Whether the event is of a watched descriptor: an odd mark, which no pointer is.
  static bool concerns(const epoll_event& event) { return (event.data.u64 & 1) != 0; }
  // The wait that the event ends, its status set; none when that wait is gone.
  poll_op* take(const epoll_event& event) noexcept;

 private:
  struct entry {
    poll_op* waiting = nullptr;
    std::uint32_t generation = 0;
    bool entered = false;  // in the kernel's set, unless its owner has closed it
  };
  std::vector<entry> entries_;  // by descriptor
};

}  // namespace assay::detail
