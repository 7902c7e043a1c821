// An io_uring with provided receive buffers, as the bare server and client use it: one thread submits and
// reaps, task work runs only when that thread waits (SINGLE_ISSUER, DEFER_TASKRUN).
//
// Misuse: touching a buffer after recycle(). The kernel may fill it again before the next line runs.
//
//   ring.recycle(cqe);
//   parse(ring.received(cqe));  // wrong: read first, recycle last
#pragma once

#include <liburing.h>
#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bench/floor/common.hpp"

namespace assay::bench {

class receive_ring {
 public:
  receive_ring() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    params.cq_entries = 4 * queue_entries;
    fail_on(io_uring_queue_init_params(queue_entries, &ring_, &params), "io_uring_queue_init_params");
    // Saves the lookup of the ring's descriptor at every entry to the kernel; the ring works without it.
    [[maybe_unused]] const int registered = io_uring_register_ring_fd(&ring_);
    register_buffers();
  }
  receive_ring(const receive_ring&) = delete;
  receive_ring& operator=(const receive_ring&) = delete;
  ~receive_ring() {
    io_uring_queue_exit(&ring_);
    std::free(buffers_);
    std::free(memory_);
  }

  // A free submission entry with its user data set, submitting first when the queue is full. Flags are set
  // after the io_uring_prep_*() call, which clears them.
  [[nodiscard]] io_uring_sqe* next(std::uint64_t user_data) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
      fail_on(io_uring_submit(&ring_), "io_uring_submit");
      entry = io_uring_get_sqe(&ring_);
    }
    assert(entry != nullptr);
    entry->user_data = user_data;
    return entry;
  }

  // Receives on fd into provided buffers until the connection ends or IORING_CQE_F_MORE is missing.
  void arm_receive(int fd, std::uint64_t user_data) {
    io_uring_sqe* const entry = next(user_data);
    io_uring_prep_recv_multishot(entry, fd, nullptr, 0, 0);
    io_uring_sqe_set_flags(entry, IOSQE_BUFFER_SELECT);
    entry->buf_group = buffer_group;
  }

  // Accepts until IORING_CQE_F_MORE is missing.
  void arm_accept(int listener, std::uint64_t user_data) {
    io_uring_sqe* const entry = next(user_data);
    io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  }

  // Behind the sends queued before: a direct close() could hand the number to a new connection while such a send is
  // still to be submitted.
  void close(int fd, std::uint64_t user_data) {
    io_uring_sqe* const entry = next(user_data);
    io_uring_prep_close(entry, fd);
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
  }

  // Sends without a completion unless it fails. MSG_DONTWAIT with MSG_WAITALL makes a short send a failure:
  // a peer which lets its window fill is not waited for.
  void send(int fd, std::string_view bytes, std::uint64_t user_data) {
    io_uring_sqe* const entry = next(user_data);
    io_uring_prep_send(entry, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
  }

  // Submits, waits for one completion and calls handle(cqe) for all that are there.
  template <typename Handler>
  void turn(Handler&& handle) {
    const int result = io_uring_submit_and_wait(&ring_, 1);
    if (result != -EINTR) fail_on(result, "io_uring_submit_and_wait");
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      ++seen;
      handle(*cqe);
    }
    io_uring_cq_advance(&ring_, seen);
    if (recycled_ != 0) io_uring_buf_ring_advance(buffers_, recycled_);
    recycled_ = 0;
  }

  [[nodiscard]] std::string_view received(const io_uring_cqe& cqe) const {
    return {buffer(buffer_id(cqe)), static_cast<std::size_t>(cqe.res)};
  }

  void recycle(const io_uring_cqe& cqe) { offer(buffer_id(cqe), recycled_++); }

 private:
  static constexpr unsigned queue_entries = 1024;
  static constexpr std::uint16_t buffer_count = 1024;  // a power of two
  static constexpr unsigned buffer_bytes = 4096;
  static constexpr std::uint16_t buffer_group = 1;

  static void fail_on(int result, std::string_view what) {
    if (result >= 0) return;
    errno = -result;
    die(what);
  }

  static std::uint16_t buffer_id(const io_uring_cqe& cqe) {
    assert((cqe.flags & IORING_CQE_F_BUFFER) != 0);
    return static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
  }

  [[nodiscard]] char* buffer(std::uint16_t id) const { return memory_ + std::size_t{id} * buffer_bytes; }

  void offer(std::uint16_t id, int offset) {
    io_uring_buf_ring_add(buffers_, buffer(id), buffer_bytes, id, buffer_count - 1, offset);
  }

  void register_buffers() {
    constexpr std::size_t page_bytes = 4096;
    constexpr std::size_t ring_bytes = std::size_t{buffer_count} * sizeof(io_uring_buf);
    buffers_ = static_cast<io_uring_buf_ring*>(std::aligned_alloc(page_bytes, ring_bytes));
    memory_ = static_cast<char*>(std::aligned_alloc(page_bytes, std::size_t{buffer_count} * buffer_bytes));
    if (buffers_ == nullptr || memory_ == nullptr) die("aligned_alloc");
    io_uring_buf_ring_init(buffers_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
    registration.ring_entries = buffer_count;
    registration.bgid = buffer_group;
    fail_on(io_uring_register_buf_ring(&ring_, &registration, 0), "io_uring_register_buf_ring");
    for (std::uint16_t id = 0; id < buffer_count; ++id) offer(id, id);
    io_uring_buf_ring_advance(buffers_, buffer_count);
  }

  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  char* memory_ = nullptr;
  int recycled_ = 0;
};

}  // namespace assay::bench
