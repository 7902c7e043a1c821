// The io_uring backend's record of a socket: one multishot operation (recv, or accept for a listener) and what it has
// delivered that nobody has taken yet. Internal to io_uring_backend.cpp.
//
// Misuse: freeing one while `armed`. The kernel still names it in a completion to come; close() defers.
#pragma once

#include <cstdint>
#include <vector>

#include "stack/runtime/intrusive_list.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/io_uring_buffers.hpp"

namespace assay::detail {

struct uring_socket final : io_socket, list_node {
  int fd = -1;
  bool listener = false;
  bool armed = false;          // a multishot operation is in the kernel: completions will name this socket
  bool cancelling = false;     // and it has been asked to end
  bool closing = false;        // freed when armed becomes false
  bool starved = false;        // the lent buffers ran out; armed again when some come back
  bool at_end = false;         // the peer has closed its side
  bool stamped = false;        // its receives tell when the bytes came
  std::uint64_t armed_in = 0;  // the poll after which its receive was started last
  int failure = 0;             // -errno that ended the stream, reported once the queue is empty
  unsigned pending_ops = 0;    // sends in the kernel
  io_op* waiter = nullptr;     // the recv or accept that waits

  // Delivered and not taken.
  buffer_chain received;
  std::vector<int> accepted;
};

}  // namespace assay::detail
