// io_uring: SINGLE_ISSUER | DEFER_TASKRUN, one submit-and-wait a turn, multishot accept and receive into a ring of
// lent buffers. Without those flags io_uring is slower than epoll (docs/decisions/0001-runtime.md has the figures).
//
// Operations are in io_uring_backend.cpp, the traffic with the kernel in io_uring_kernel.cpp.
//
// Misuse: running it on another thread than the one that made it. The kernel refuses with EEXIST, and it aborts.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <vector>

#include "stack/runtime/clock.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/io_uring_buffers.hpp"
#include "stack/runtime/io_uring_socket.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay::detail {

constexpr int lent_buffer_group = 0;

// What a completion's user_data points at, in its low bits.
enum class uring_tag : std::uint64_t { op = 0, slot = 1, wake = 2, ignored = 3 };
constexpr std::uint64_t uring_tag_mask = 3;

inline std::uint64_t tagged(void* target, uring_tag kind) {
  return reinterpret_cast<std::uint64_t>(target) | static_cast<std::uint64_t>(kind);
}

class io_uring_backend final : public io {
 public:
  io_uring_backend(io_uring ring, const io_options& options)
      : ring_(ring), options_(options), buffers_(options.buffer_count, options.buffer_bytes) {}
  ~io_uring_backend() override;
  result<void> prepare();

  std::string_view name() const override { return "io_uring"; }
  instant now() override { return monotonic_now(); }
  result<io_socket*> listen(const socket_address& at, const listen_options& options) override;
  socket_address local_address(const io_socket& of) const override {
    return local_address_of(static_cast<const uring_socket&>(of).fd);
  }
  socket_address peer_address(const io_socket& of) const override {
    return peer_address_of(static_cast<const uring_socket&>(of).fd);
  }
  bool accept(io_socket& listener, accept_op& op) override;
  bool connect(connect_op& op) override;
  bool recv(io_socket& from, recv_op& op) override;
  bool send(io_socket& to, send_op& op) override;
  void want(send_op& op) noexcept override { hurried_ = hurried_ || (op.at_once && op.in_backend); }
  bool wait_ready(poll_op& op) override;
  void cancel(io_op& op) noexcept override;
  bool withdraw(recv_op& op) noexcept override;
  void release(const lent_buffer& buffer) noexcept override;
  bool has_received(const io_socket& on) const noexcept override {
    const auto& socket = static_cast<const uring_socket&>(on);
    return socket.received.count > 0 || socket.at_end || socket.failure != 0;
  }
  bool stamp_received(io_socket& of) noexcept override;
  void hold_back(instant until) noexcept override { held_back_until_ = until; }
  void shutdown_write(io_socket& of) noexcept override { ::shutdown(static_cast<uring_socket&>(of).fd, SHUT_WR); }
  void close(io_socket* closed) noexcept override;
  void poll(instant until, ready_queue& completed) override;
  void wake() noexcept override { signal_eventfd(wake_fd_); }

 private:
  io_uring_sqe& get_sqe();
  void arm_slot(uring_socket& socket);
  void cancel_slot(uring_socket& socket);
  void arm_wake();
  void finish(io_op& op, std::int32_t status);
  bool ready_inline(io_op& op);
  bool take_received(uring_socket& from, recv_op& op);
  bool take_accepted(uring_socket& listener, accept_op& op);
  bool serve_waiter(uring_socket& socket);
  void on_slot(uring_socket& socket, std::int32_t status, std::uint32_t flags);
  void take_stamped(uring_socket& socket, std::uint32_t id, std::int32_t status);
  void on_op(io_op& op, std::int32_t status);
  void prepare_at_once(io_uring_sqe& sqe, send_op& op);
  void tell_sent(ready_queue& completed);
  void on_completion(const io_uring_cqe& cqe);
  void reap();
  bool kernel_says(unsigned flags) const;  // IORING_SQ_…
  void take_deferred(instant due);
  bool enter(instant until);
  instant readable_since(const uring_socket& socket) const;
  std::size_t allowed_in_queue(const uring_socket& socket) const;
  void spill_unread();
  void serve_starved(instant due);
  void rearm_starved();
  void free_socket(uring_socket& socket);
  uring_socket* adopt(int fd);
  bool any_armed() const;

  io_uring ring_;
  io_options options_;
  int wake_fd_ = -1;
  std::uint64_t wake_value_ = 0;
  bool wake_armed_ = false;
  uring_buffers buffers_;
  // Operations a turn that may complete without going through the queue.
  static constexpr std::uint32_t inline_budget = 256;
  std::uint32_t inline_budget_ = inline_budget;
  std::vector<send_op*> at_once_;  // no completion comes of those that succeed
  bool hurried_ = false;           // somebody waits for one of them
  instant held_back_until_ = instant::min();
  msghdr stamped_{};  // how a stamped receive lays out its buffer
  duration wall_to_monotonic_{};
  bool clocks_compared_ = false;  // in this turn
  bool stamps_ = false;           // some socket is stamped
  std::uint64_t polls_ = 0;
  instant told_until_ = instant::min();  // nothing that is being read came later
  instant reaped_at_ = instant::min();   // what could be read by then, of a receive that was started, has been
  std::vector<uring_socket*> starved_;
  intrusive_list<uring_socket> sockets_;
  ready_queue done_;  // completed, and handed over by the next poll()
};

}  // namespace assay::detail
