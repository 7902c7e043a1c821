// The one interface between a loop and the world: io_uring, epoll, or a simulation with virtual time behind it.
//
// Completion based. The caller owns an operation and its buffers until the operation has completed; a backend
// completes each operation exactly once. A start function returns true when the operation is complete already (the
// result is in it, and nothing will be queued); otherwise the operation is pushed to the loop's ready queue later.
// cancel() is a request: the operation still completes, with -ECANCELED or with what had happened before.
//
// Received bytes are lent from the backend's own buffers, so that an idle connection holds none; give them back with
// release() soon, since their number is a limit.
//
// Misuse: closing a socket with an operation pending on it (aborts: cancel, wait for the completion, close), and
// keeping `bytes` after release(). The same holds for a foreign descriptor in wait_ready(): whoever owns it closes it
// after the completion, and one wait at a time is pending on it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "stack/runtime/error.hpp"
#include "stack/runtime/ready.hpp"
#include "stack/runtime/time.hpp"

namespace assay {

// A kernel socket address; net/address.hpp parses and prints it.
struct socket_address {
  sockaddr_storage storage{};
  socklen_t size_bytes = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// A backend's record of one socket. Created by listen, accept and connect; destroyed by close.
class io_socket {
 public:
  io_socket(const io_socket&) = delete;
  io_socket& operator=(const io_socket&) = delete;

 protected:
  io_socket() = default;
  ~io_socket() = default;
};

// Bytes lent by the backend. Empty after a recv means end of stream.
struct lent_buffer {
  std::span<const char> bytes;
  std::uint32_t id = no_buffer;
  instant received_at = unknown;  // by the kernel, where it was asked for: see io::stamp_received()

  static constexpr std::uint32_t no_buffer = UINT32_MAX;
  static constexpr instant unknown = instant::min();
};

struct io_op : ready_node {
  using ready_node::ready_node;

  std::int32_t status = 0;  // 0 or a positive count when it succeeded, else -errno
  bool in_backend = false;  // started and not completed
  io_socket* on = nullptr;  // the socket it waits for; none for a poll_op
};

struct accept_op : io_op {
  using io_op::io_op;
  io_socket* accepted = nullptr;
};

struct connect_op : io_op {
  using io_op::io_op;
  socket_address to;
  io_socket* connected = nullptr;
};

struct recv_op : io_op {
  using io_op::io_op;
  lent_buffer received;
};

// Sends at least one byte, perhaps not all: status says how many.
//
// `at_once`: fails with -EAGAIN rather than wait for room, and when all bytes were taken, this may be told as late as
// the next completion, or wake, or end of a wait: an answer after which there is nothing to do need not end a wait of
// its own. Whoever comes to need the completion says so by io::want().
struct send_op : io_op {
  using io_op::io_op;
  std::span<const char> bytes;
  bool at_once = false;
};

// Waits until a descriptor of somebody else (a library's) is ready: the backend neither owns, reads nor closes it.
// status is then what poll(2) would say: of `events` at least one, POLLHUP or POLLERR.
struct poll_op : io_op {
  using io_op::io_op;
  int fd = -1;
  std::uint32_t events = 0;  // POLLIN, POLLOUT or both
};

struct listen_options {
  int backlog = 4096;
  bool reuse_port = true;  // several loops accept on one port
};

class io {
 public:
  io() = default;
  io(const io&) = delete;
  io& operator=(const io&) = delete;
  virtual ~io() = default;

  virtual std::string_view name() const = 0;
  virtual instant now() = 0;
  // Whether now() is the system's monotonic clock.
  virtual bool real_time() const { return true; }

  virtual result<io_socket*> listen(const socket_address& at, const listen_options& options) = 0;
  virtual socket_address local_address(const io_socket& of) const = 0;
  // The other end of a stream; empty, of size 0, where it is not known: the peer has gone, or there is no network.
  virtual socket_address peer_address(const io_socket& of) const {
    static_cast<void>(of);
    return {};
  }
  virtual bool accept(io_socket& listener, accept_op& op) = 0;
  virtual bool connect(connect_op& op) = 0;
  virtual bool recv(io_socket& from, recv_op& op) = 0;
  virtual bool send(io_socket& to, send_op& op) = 0;
  // Somebody waits for this send that was to go at once: the next poll() tells of it and does not wait.
  virtual void want(send_op& op) noexcept = 0;
  virtual bool wait_ready(poll_op& op) = 0;
  virtual void cancel(io_op& op) noexcept = 0;
  // Takes back a receive that has received nothing: no completion comes of it. False when it has completed, and is
  // about to be told.
  virtual bool withdraw(recv_op& op) noexcept = 0;
  virtual void release(const lent_buffer& buffer) noexcept = 0;
  // Whether something has come that nobody has asked for yet: bytes, the end of the stream, or its failure. Does not
  // wait; what has not reached the backend is not known, so false promises nothing.
  virtual bool has_received(const io_socket& on) const noexcept = 0;
  // From its next receive on, which has not been started: when the bytes reached this machine is told with them, by the
  // kernel and so whenever this thread comes to look (the last of them, where several arrivals are read as one). The
  // kernel's clock is the wall's: a step of that within the moment until they are read is in it. It begins some moments
  // after the first in the system who asks: bytes before that are not told of. False: not here.
  virtual bool stamp_received(io_socket& of) noexcept {
    static_cast<void>(of);
    return false;
  }
  // Until then nobody minds when a completion is told: polls end with time, or with many of them, rather than with
  // each. For who reads stamped sockets and sends on a schedule; a wake may be heard as late as then, too.
  virtual void hold_back(instant until) noexcept { static_cast<void>(until); }
  virtual void shutdown_write(io_socket& of) noexcept = 0;
  virtual void close(io_socket* closed) noexcept = 0;

  // Hands everything started to the kernel, waits until `until` for a completion or a wake, and pushes what completed
  // to `completed`. `until` in the past means: do not wait.
  virtual void poll(instant until, ready_queue& completed) = 0;

  // Ends a poll() that waits, or the next one. The only function for other threads.
  virtual void wake() noexcept = 0;
};

enum class io_kind : std::uint8_t { automatic, io_uring, epoll };

struct io_options {
  io_kind kind = io_kind::automatic;
  unsigned ring_entries = 1024;  // submission queue; halved until the system accepts it
  unsigned buffer_count = 1024;  // lent buffers, a power of two
  unsigned buffer_bytes = 4096;
  unsigned max_queued_accepts = 256;  // accepted and not yet taken; beyond it the kernel's backlog holds them
};

// Creates a backend for the calling thread. `automatic` is io_uring, and where the system refuses it, epoll with one
// line on stderr that says why; the environment variable ASSAY_IO=epoll|io_uring decides for the user.
result<std::unique_ptr<io>> make_io(io_options options = {});

result<std::unique_ptr<io>> make_io_uring(const io_options& options);
result<std::unique_ptr<io>> make_epoll(const io_options& options);

}  // namespace assay
