// The traffic of the io_uring backend with the kernel: submission, completion, and the one entry a turn.
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "stack/runtime/io_uring_backend.hpp"

namespace assay::detail {
namespace {

// Completions that end a wait although they are held back: what is lent to them comes to its end.
constexpr unsigned ring_share_held_back = 2;
// To have all that the kernel has deferred: some hundred completions.
constexpr int most_entries_a_turn = 16;

// Filled buffers a socket may have that nobody reads; beyond it the multishot receive is stopped.
constexpr std::uint32_t max_queued_buffers = 8;
constexpr std::uint32_t max_queued_when_scarce = 1;

// What is to be added to the wall's time. The thread may lose its CPU between two clocks: then once more.
duration compare_clocks() {
  constexpr duration close_enough = std::chrono::microseconds(10);
  constexpr int most_tries = 4;
  duration best = duration::max();
  duration offset{};
  for (int tries = 0; tries < most_tries && best > close_enough; ++tries) {
    const duration before = read_clock(CLOCK_MONOTONIC);
    const duration wall = read_clock(CLOCK_REALTIME);
    const duration apart = read_clock(CLOCK_MONOTONIC) - before;
    if (apart >= best) continue;
    best = apart;
    offset = before + apart / 2 - wall;
  }
  return offset;
}

// The kernel interrupts a wait for a signal, and may be short of memory for a moment: the next turn tries again. What
// else it says will never pass, and ignoring it would spin.
void check_entered(int entered) {
  if (entered >= 0 || entered == -EINTR || entered == -EAGAIN || entered == -ETIME || entered == -EBUSY) return;
  const char* hint = entered == -EEXIST ? ": a loop runs on the thread that made its backend" : "";
  std::fprintf(stderr, "assay: io_uring_enter failed: %s%s\n", std::strerror(-entered), hint);
  std::abort();
}

}  // namespace

// --- submission ------------------------------------------------------------------------------------------------------

io_uring_sqe& io_uring_backend::get_sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {  // the submission queue is full: hand it over early
    check_entered(io_uring_submit(&ring_));
    sqe = io_uring_get_sqe(&ring_);
  }
  return *sqe;
}

void io_uring_backend::arm_slot(uring_socket& socket) {
  assert(!socket.armed && !socket.closing);
  io_uring_sqe& sqe = get_sqe();
  if (socket.listener) {
    io_uring_prep_multishot_accept(&sqe, socket.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } else {
    if (socket.stamped) {
      io_uring_prep_recvmsg_multishot(&sqe, socket.fd, &stamped_, 0);
    } else {
      io_uring_prep_recv_multishot(&sqe, socket.fd, nullptr, 0, 0);
    }
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = lent_buffer_group;
    // Nearly every receive is armed before its bytes are there: do not try first, wait for readiness.
    sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
  }
  io_uring_sqe_set_data64(&sqe, tagged(&socket, uring_tag::slot));
  socket.armed = true;
  socket.armed_in = polls_;
  socket.cancelling = false;
}

void io_uring_backend::cancel_slot(uring_socket& socket) {
  if (socket.cancelling) return;
  socket.cancelling = true;
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_cancel64(&sqe, tagged(&socket, uring_tag::slot), 0);
  io_uring_sqe_set_data64(&sqe, tagged(nullptr, uring_tag::ignored));
}

// The kernel sends while it takes the entry over. With MSG_DONTWAIT and MSG_WAITALL a short send is a failure, and only
// failures have a completion: so an answer costs no turn of the loop, and no entry to the kernel but the one that
// waits.
void io_uring_backend::prepare_at_once(io_uring_sqe& sqe, send_op& op) {
  io_uring_prep_send(&sqe, static_cast<uring_socket*>(op.on)->fd, op.bytes.data(), op.bytes.size(),
                     MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(&sqe, tagged(static_cast<io_op*>(&op), uring_tag::op));
  at_once_.push_back(&op);
}

void io_uring_backend::arm_wake() {
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_read(&sqe, wake_fd_, &wake_value_, sizeof wake_value_, 0);
  io_uring_sqe_set_data64(&sqe, tagged(nullptr, uring_tag::wake));
  wake_armed_ = true;
}

// --- completion ------------------------------------------------------------------------------------------------------

bool io_uring_backend::serve_waiter(uring_socket& socket) {
  io_op* op = socket.waiter;
  if (op == nullptr) return true;
  const bool served = socket.listener ? take_accepted(socket, static_cast<accept_op&>(*op))
                                      : take_received(socket, static_cast<recv_op&>(*op));
  if (!served) return false;
  socket.waiter = nullptr;
  finish(*op, op->status);
  return true;
}

// Bytes behind a gap are not readable when they come, but when the gap is filled, and the stamp is of the last bytes in
// their order. What the poll before did not find was not readable then: no stamp is from before that, unless the
// receive had only just been started.
instant io_uring_backend::readable_since(const uring_socket& socket) const {
  return polls_ >= socket.armed_in + 2 ? reaped_at_ : instant::min();
}

// The kernel stamps by the wall's clock. How far that is from ours is asked once a turn.
void io_uring_backend::take_stamped(uring_socket& socket, std::uint32_t id, std::int32_t status) {
  io_uring_recvmsg_out* const out = io_uring_recvmsg_validate(buffers_.content(id), status, &stamped_);
  if (out == nullptr || out->payloadlen == 0) {  // the end of the stream has a header, too
    socket.at_end = socket.at_end || out != nullptr;
    buffers_.take_back(id);
    return;
  }
  const auto* const bytes = static_cast<const char*>(io_uring_recvmsg_payload(out, &stamped_));
  uring_buffers::payload got{.offset = static_cast<std::uint32_t>(bytes - buffers_.content(id)),
                             .length_bytes = io_uring_recvmsg_payload_length(out, status, &stamped_)};
  const cmsghdr* const told = io_uring_recvmsg_cmsg_firsthdr(out, &stamped_);
  if (told != nullptr && told->cmsg_level == SOL_SOCKET && told->cmsg_type == SO_TIMESTAMPNS) {
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(told), sizeof stamp);
    if (!std::exchange(clocks_compared_, true)) wall_to_monotonic_ = compare_clocks();
    const instant told_at(to_duration(stamp) + wall_to_monotonic_);
    got.received_at = std::clamp(told_at, std::min(readable_since(socket), told_until_), told_until_);
  }
  buffers_.append(socket.received, id, got);
}

void io_uring_backend::on_slot(uring_socket& socket, std::int32_t status, std::uint32_t flags) {
  socket.armed = (flags & IORING_CQE_F_MORE) != 0;
  if ((flags & IORING_CQE_F_BUFFER) != 0) {
    const std::uint32_t id = flags >> IORING_CQE_BUFFER_SHIFT;
    if (socket.closing || status <= 0) {
      buffers_.take_back(id);
    } else if (socket.stamped) {
      take_stamped(socket, id, status);
    } else {
      buffers_.append(socket.received, id, {.length_bytes = static_cast<std::uint32_t>(status)});
    }
  } else if (socket.listener && status >= 0) {
    socket.accepted.push_back(status);
  }
  if (!socket.listener && status == 0) socket.at_end = true;
  const bool starved = status == -ENOBUFS && !socket.listener;
  if (status < 0 && !starved && status != -ECANCELED) socket.failure = status;

  if (socket.closing) {
    if (!socket.armed) free_socket(socket);
    return;
  }
  if (starved && !socket.starved) {
    socket.starved = true;
    starved_.push_back(&socket);
  }
  const bool waits = !serve_waiter(socket);
  if (waits && !socket.armed && !socket.starved) arm_slot(socket);  // no F_MORE: the kernel ended it, begin again
  const std::size_t queued = socket.listener ? socket.accepted.size() : socket.received.count;
  if (socket.armed && queued >= allowed_in_queue(socket)) cancel_slot(socket);  // let the kernel's own buffers fill
}

std::size_t io_uring_backend::allowed_in_queue(const uring_socket& socket) const {
  if (socket.listener) return options_.max_queued_accepts;
  return buffers_.free() < buffers_.count() / 4 ? max_queued_when_scarce : max_queued_buffers;
}

// Those that went at once and of which no failure has come, once each of them is with the kernel and everything that it
// told has been read. Ahead of what was received: an answer never comes before what it answers has been sent.
void io_uring_backend::tell_sent(ready_queue& completed) {
  if (kernel_says(IORING_SQ_CQ_OVERFLOW)) return;
  for (send_op* op : at_once_) {
    static_cast<uring_socket*>(op->on)->pending_ops--;
    op->status = static_cast<std::int32_t>(op->bytes.size());
    op->in_backend = false;
    completed.push(*op);
  }
  at_once_.clear();
}

void io_uring_backend::on_op(io_op& op, std::int32_t status) {
  if (!at_once_.empty()) std::erase(at_once_, &op);  // failed: seldom
  if (op.on != nullptr) static_cast<uring_socket*>(op.on)->pending_ops--;
  finish(op, status);
}

void io_uring_backend::on_completion(const io_uring_cqe& cqe) {
  const std::uint64_t data = cqe.user_data;
  const std::uint64_t target = data & ~uring_tag_mask;
  switch (static_cast<uring_tag>(data & uring_tag_mask)) {
    case uring_tag::op:
      return on_op(*reinterpret_cast<io_op*>(target), cqe.res);
    case uring_tag::slot:
      return on_slot(*reinterpret_cast<uring_socket*>(target), cqe.res, cqe.flags);
    case uring_tag::wake:
      wake_armed_ = false;
      return;
    case uring_tag::ignored:
      return;
  }
}

void io_uring_backend::reap() {
  clocks_compared_ = false;
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* cqe = nullptr;
  // Nothing in here enters the kernel to reap again: each completion is seen once.
  io_uring_for_each_cqe(&ring_, head, cqe) {
    on_completion(*cqe);
    count++;
  }
  io_uring_cq_advance(&ring_, count);
}

bool io_uring_backend::kernel_says(unsigned flags) const {
  return (__atomic_load_n(ring_.sq.kflags, __ATOMIC_ACQUIRE) & flags) != 0;
}

// An entry of a kernel from 6.13 on does so much of the deferred work as was waited for, or 20 of it, and leaves the
// rest; before 6.7 a wait that ends by time leaves all of it. What is left there has come all the same: whoever waited
// for it must not be told that his time is over. While nobody's is, the rest is for the next turn: with more
// connections ready than there are buffers, taking all of it starves some of them (10,000 in a closed loop: for
// seconds).
void io_uring_backend::take_deferred(instant due) {
  if (!kernel_says(IORING_SQ_TASKRUN) || due == instant::min() || due == never || now() < due) return;
  for (int entries = 0; entries < most_entries_a_turn && kernel_says(IORING_SQ_TASKRUN); ++entries) {
    check_entered(io_uring_get_events(&ring_));
  }
}

// False when the kernel was not entered: what it has not told yet is not known.
bool io_uring_backend::enter(instant until) {
  const instant due = until;
  const bool holds_back = held_back_until_ != instant::min() && until != instant::min();
  if (holds_back && now() >= held_back_until_) held_back_until_ = instant::min();
  const unsigned least =
      held_back_until_ == instant::min() ? 1 : std::max(1U, buffers_.most_in_ring() / ring_share_held_back);
  if (least > 1) until = std::min(until, held_back_until_);
  const duration span = until == instant::min() ? duration::zero() : until - now();
  if (until == never) {
    check_entered(io_uring_submit_and_wait(&ring_, 1));
  } else if (span > duration::zero()) {
    __kernel_timespec timeout{.tv_sec = span.count() / 1'000'000'000, .tv_nsec = span.count() % 1'000'000'000};
    io_uring_cqe* unused = nullptr;
    check_entered(io_uring_submit_and_wait_timeout(&ring_, &unused, least, &timeout, nullptr));
  } else if (io_uring_sq_ready(&ring_) > 0 || kernel_says(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) {
    check_entered(io_uring_submit_and_get_events(&ring_));
  } else {
    return false;  // there is no time to wait, and it has nothing for us nor we for it
  }
  take_deferred(due);
  return true;
}

// What came for those is in the kernel, and there are buffers again: in the same turn, since their time may be over.
void io_uring_backend::serve_starved(instant due) {
  rearm_starved();
  check_entered(io_uring_submit_and_get_events(&ring_));
  take_deferred(due);
  if (stamps_) told_until_ = now();
  reap();
}

void io_uring_backend::poll(instant until, ready_queue& completed) {
  inline_budget_ = inline_budget;
  buffers_.top_up();
  rearm_starved();
  if (!wake_armed_) arm_wake();
  polls_++;
  const bool entered = enter(done_.empty() && !hurried_ ? until : instant::min());
  if (stamps_) told_until_ = now();
  const bool all_told = entered && !kernel_says(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
  const bool all_taken_over = io_uring_sq_ready(&ring_) == 0;  // asked here: reap() makes entries of its own
  reap();
  if (all_told) reaped_at_ = told_until_;
  if (!starved_.empty() && buffers_.free() > 0) serve_starved(until);
  if (!at_once_.empty() && all_taken_over) tell_sent(completed);
  hurried_ = hurried_ && !at_once_.empty();
  while (ready_node* node = done_.pop()) completed.push(*node);
}

}  // namespace assay::detail
