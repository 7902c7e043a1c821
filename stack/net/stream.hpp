// TCP streams, listeners and connecting, as awaitable operations. (TLS comes as another kind of stream.)
//
//   result<net::stream> peer = co_await net::connect(address);
//   result<void> sent = co_await peer->send_all(request);
//   result<net::chunk> some = co_await peer->recv();      // an empty chunk is the end of the stream
//
// Every wait ends at the context's deadline, or at the earlier `limit` given. One receive and one send may be pending
// at the same time; an operation owns its buffer until it completes.
//
// Misuse: destroying a stream while an operation on it is awaited elsewhere (the backend aborts); keeping a chunk for
// long: its memory is one of the loop's lent buffers, copy what must stay.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>

#include "stack/runtime/precondition.hpp"
#include "stack/runtime/wait.hpp"

namespace assay::net {

// Received bytes, lent by the loop until destroyed or released.
class chunk {
 public:
  chunk() = default;
  chunk(io& from, lent_buffer lent) : from_(&from), lent_(lent) {}
  chunk(chunk&& other) noexcept : from_(std::exchange(other.from_, nullptr)), lent_(std::exchange(other.lent_, {})) {}
  chunk& operator=(chunk&& other) noexcept {
    if (this != &other) {
      release();
      from_ = std::exchange(other.from_, nullptr);
      lent_ = std::exchange(other.lent_, {});
    }
    return *this;
  }
  ~chunk() { release(); }

  std::string_view bytes() const { return {lent_.bytes.data(), lent_.bytes.size()}; }
  bool empty() const { return lent_.bytes.empty(); }
  // By the kernel, of a stamped stream; else lent_buffer::unknown.
  instant received_at() const { return lent_.received_at; }
  // Drops bytes at the front that have been used; gives the buffer back with the last one.
  void consume(std::size_t count) {
    ASSAY_PRECONDITION(count <= lent_.bytes.size(), "no more is consumed than was received");
    lent_.bytes = lent_.bytes.subspan(count);
    if (lent_.bytes.empty()) release();
  }
  void release() {
    if (from_ != nullptr) std::exchange(from_, nullptr)->release(std::exchange(lent_, {}));
  }

 private:
  io* from_ = nullptr;
  lent_buffer lent_;
};

namespace detail {

class recv_awaiter : public assay::detail::io_awaiter<recv_awaiter, recv_op> {
 public:
  recv_awaiter(io_socket& from, instant limit) : io_awaiter(limit), from_(from) {}
  bool start(io& backend) { return backend.recv(from_, op_); }
  bool start_again(io&) const { return false; }
  result<chunk> await_resume() {
    if (op_.status >= 0) return chunk(*backend_, op_.received);
    if (gave_up()) return std::unexpected(failure("receive"));
    return std::unexpected(from_errno(-op_.status, "receive"));
  }

 private:
  io_socket& from_;
};

class send_awaiter : public assay::detail::io_awaiter<send_awaiter, send_op> {
 public:
  send_awaiter(io_socket& to, std::string_view bytes, instant limit) : io_awaiter(limit), to_(to) {
    op_.bytes = {bytes.data(), bytes.size()};
  }
  bool start(io& backend) {
    while (!op_.bytes.empty()) {
      if (!backend.send(to_, op_)) return false;
      if (!took_some()) return true;
    }
    return true;
  }
  bool start_again(io& backend) { return took_some() && !op_.bytes.empty() && !gave_up() && !start(backend); }
  result<void> await_resume() const {
    if (op_.bytes.empty()) return {};
    if (gave_up()) return std::unexpected(failure("send"));
    return std::unexpected(from_errno(-op_.status, "send"));
  }

 private:
  bool took_some() {
    if (op_.status <= 0) return false;
    op_.bytes = op_.bytes.subspan(static_cast<std::size_t>(op_.status));
    return true;
  }
  io_socket& to_;
};

}  // namespace detail

class stream {
 public:
  stream() = default;
  stream(io& backend, io_socket* socket) : backend_(&backend), socket_(socket) {}
  stream(stream&& other) noexcept : backend_(other.backend_), socket_(std::exchange(other.socket_, nullptr)) {}
  stream& operator=(stream&& other) noexcept {
    if (this != &other) {
      close();
      backend_ = other.backend_;
      socket_ = std::exchange(other.socket_, nullptr);
    }
    return *this;
  }
  ~stream() { close(); }

  bool open() const { return socket_ != nullptr; }
  io& backend() const { return *backend_; }
  io_socket& socket() const { return *socket_; }

  // The next bytes; an empty chunk is the end of the stream.
  [[nodiscard]] detail::recv_awaiter recv(instant limit = never) { return {*socket_, limit}; }
  // All of `bytes`, which the caller keeps until this completes. After a failure some of them may have gone out:
  // the stream cannot be used for another message.
  [[nodiscard]] detail::send_awaiter send_all(std::string_view bytes, instant limit = never) {
    return {*socket_, bytes, limit};
  }

  // A system call; empty where it is not known: see io::peer_address().
  socket_address peer_address() const { return backend_->peer_address(*socket_); }

  // Bytes, an end or a failure are here although nobody receives: the peer has spoken out of turn, or has left.
  bool has_received() const { return backend_->has_received(*socket_); }

  // Before anything is received: from now on chunks know when they came, see io::stamp_received(). False: they do not.
  bool stamp_received() { return backend_->stamp_received(*socket_); }

  // Tells the peer that no more will come; receiving goes on.
  void shutdown_write() { backend_->shutdown_write(*socket_); }
  void close() {
    if (socket_ != nullptr) backend_->close(std::exchange(socket_, nullptr));
  }

 private:
  io* backend_ = nullptr;
  io_socket* socket_ = nullptr;
};

namespace detail {

class accept_awaiter : public assay::detail::io_awaiter<accept_awaiter, accept_op> {
 public:
  accept_awaiter(io_socket& listener, instant limit) : io_awaiter(limit), listener_(listener) {}
  bool start(io& backend) { return backend.accept(listener_, op_); }
  bool start_again(io&) const { return false; }
  result<stream> await_resume() {
    if (op_.status >= 0) return stream(*backend_, op_.accepted);
    if (gave_up()) return std::unexpected(failure("accept"));
    return std::unexpected(from_errno(-op_.status, "accept"));
  }

 private:
  io_socket& listener_;
};

class connect_awaiter : public assay::detail::io_awaiter<connect_awaiter, connect_op> {
 public:
  connect_awaiter(const socket_address& to, instant limit) : io_awaiter(limit) { op_.to = to; }
  bool start(io& backend) { return backend.connect(op_); }
  bool start_again(io&) const { return false; }
  result<stream> await_resume() {
    stream connected(*backend_, op_.connected);
    if (op_.status >= 0) return connected;
    if (gave_up()) return std::unexpected(failure("connect"));
    return std::unexpected(from_errno(-op_.status, "connect"));
  }
};

}  // namespace detail

[[nodiscard]] inline detail::connect_awaiter connect(const socket_address& to, instant limit = never) {
  return {to, limit};
}

// After a failed accept(): is the listener itself unusable? All else passes: accept() also reports what befell the one
// connection it was about to give out (unreachable hosts, a firewall's refusal), and shortages.
inline bool accepting_is_over(const error& failure) {
  return failure.code == errc::cancelled || failure.system_errno == EBADF || failure.system_errno == ENOTSOCK ||
         failure.system_errno == EINVAL;
}

class listener {
 public:
  static result<listener> open(io& backend, const socket_address& at, const listen_options& options = {}) {
    const result<io_socket*> socket = backend.listen(at, options);
    if (!socket) return std::unexpected(socket.error());
    return listener(backend, *socket);
  }
  listener(listener&& other) noexcept : backend_(other.backend_), socket_(std::exchange(other.socket_, nullptr)) {}
  listener& operator=(listener&&) = delete;
  ~listener() { close(); }

  // errc::no_descriptors is the process's limit: wait until a connection has closed, then accept again. What else to do
  // about a failure: accepting_is_over().
  [[nodiscard]] detail::accept_awaiter accept(instant limit = never) { return {*socket_, limit}; }
  socket_address local_address() const { return backend_->local_address(*socket_); }
  void close() {
    if (socket_ != nullptr) backend_->close(std::exchange(socket_, nullptr));
  }

 private:
  listener(io& backend, io_socket* socket) : backend_(&backend), socket_(socket) {}
  io* backend_;
  io_socket* socket_;
};

}  // namespace assay::net
