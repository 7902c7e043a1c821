#include "stack/runtime/io_uring_backend.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <ctime>

namespace assay {
namespace detail {
namespace {

constexpr int max_drain_polls = 1000;  // when the backend is destroyed with operations in the kernel
// A buffer of a stamped receive begins with a header and this: one message of the kernel, the time.
constexpr std::size_t stamp_bytes = CMSG_SPACE(sizeof(timespec));

}  // namespace

io_uring_backend::~io_uring_backend() {
  sockets_.for_each([this](uring_socket& socket) {
    socket.closing = true;
    socket.waiter = nullptr;
    if (socket.armed) cancel_slot(socket);
  });
  // The kernel may still write into the lent buffers: wait until it has let go of every socket.
  for (int polls = 0; polls < max_drain_polls && any_armed(); ++polls) {
    enter(now() + std::chrono::milliseconds(1));
    reap();
  }
  while (uring_socket* socket = sockets_.pop_front()) {
    if (socket->fd >= 0) ::close(socket->fd);
    for (int fd : socket->accepted) ::close(fd);
    delete socket;
  }
  io_uring_queue_exit(&ring_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

bool io_uring_backend::any_armed() const {
  bool armed = false;
  sockets_.for_each([&armed](uring_socket& socket) { armed = armed || socket.armed; });
  return armed;
}

result<void> io_uring_backend::prepare() {
  stamped_.msg_controllen = stamp_bytes;
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return std::unexpected(from_errno(errno, "eventfd"));
  // Saves a descriptor look-up a turn; a kernel that refuses it works without.
  std::ignore = io_uring_register_ring_fd(&ring_);
  return buffers_.register_with(ring_, lent_buffer_group);
}

// --- operations ------------------------------------------------------------------------------------------------------

void io_uring_backend::finish(io_op& op, std::int32_t status) {
  op.status = status;
  op.in_backend = false;
  done_.push(op);
}

// An operation that could complete at once: inline while the turn's budget lasts, else through the queue.
bool io_uring_backend::ready_inline(io_op& op) {
  if (inline_budget_ > 0) {
    inline_budget_--;
    return true;
  }
  finish(op, op.status);
  return false;
}

result<io_socket*> io_uring_backend::listen(const socket_address& at, const listen_options& options) {
  const result<int> fd = open_listener(at, options);
  if (!fd) return std::unexpected(fd.error());
  uring_socket* socket = adopt(*fd);
  socket->listener = true;
  return socket;
}

uring_socket* io_uring_backend::adopt(int fd) {
  auto* socket = new uring_socket;
  socket->fd = fd;
  sockets_.push_back(*socket);
  return socket;
}

bool io_uring_backend::take_accepted(uring_socket& listener, accept_op& op) {
  if (!listener.accepted.empty()) {
    const int fd = listener.accepted.front();
    listener.accepted.erase(listener.accepted.begin());  // a few hundred at most
    prepare_stream(fd);
    op.accepted = adopt(fd);
    op.status = 0;
    return true;
  }
  if (listener.failure != 0) {
    op.status = std::exchange(listener.failure, 0);
    return true;
  }
  return false;
}

bool io_uring_backend::accept(io_socket& listener, accept_op& op) {
  auto& socket = static_cast<uring_socket&>(listener);
  assert(socket.listener && socket.waiter == nullptr);
  op.on = &socket;
  if (take_accepted(socket, op)) return ready_inline(op);
  op.in_backend = true;
  socket.waiter = &op;
  if (!socket.armed) arm_slot(socket);
  return false;
}

bool io_uring_backend::connect(connect_op& op) {
  const result<int> fd = open_stream(op.to.storage.ss_family);
  if (!fd) {
    op.status = -fd.error().system_errno;
    return true;
  }
  uring_socket* socket = adopt(*fd);
  socket->pending_ops++;
  op.on = op.connected = socket;
  op.in_backend = true;
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_connect(&sqe, socket->fd, op.to.get(), op.to.size_bytes);
  io_uring_sqe_set_data64(&sqe, tagged(static_cast<io_op*>(&op), uring_tag::op));
  return false;
}

bool io_uring_backend::take_received(uring_socket& from, recv_op& op) {
  if (from.received.count > 0) {
    op.received = buffers_.pop(from.received);
    op.status = static_cast<std::int32_t>(op.received.bytes.size());
    return true;
  }
  if (from.at_end || from.failure != 0) {
    op.received = {};
    op.status = from.failure;  // stays: every later recv says the same
    return true;
  }
  return false;
}

bool io_uring_backend::recv(io_socket& from, recv_op& op) {
  auto& socket = static_cast<uring_socket&>(from);
  assert(!socket.listener && socket.waiter == nullptr);
  op.on = &socket;
  if (take_received(socket, op)) return ready_inline(op);
  op.in_backend = true;
  socket.waiter = &op;
  if (!socket.armed && !socket.starved) arm_slot(socket);
  return false;
}

bool io_uring_backend::send(io_socket& to, send_op& op) {
  auto& socket = static_cast<uring_socket&>(to);
  socket.pending_ops++;
  op.on = &socket;
  op.in_backend = true;
  io_uring_sqe& sqe = get_sqe();
  if (op.at_once) {
    prepare_at_once(sqe, op);
    return false;
  }
  // MSG_WAITALL: the kernel goes on after a short write, so that one completion means everything.
  io_uring_prep_send(&sqe, socket.fd, op.bytes.data(), op.bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_data64(&sqe, tagged(static_cast<io_op*>(&op), uring_tag::op));
  return false;
}

bool io_uring_backend::wait_ready(poll_op& op) {
  op.on = nullptr;
  op.in_backend = true;
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_poll_add(&sqe, op.fd, op.events);
  io_uring_sqe_set_data64(&sqe, tagged(static_cast<io_op*>(&op), uring_tag::op));
  return false;
}

void io_uring_backend::cancel(io_op& op) noexcept {
  if (!op.in_backend) return;
  auto* socket = static_cast<uring_socket*>(op.on);
  if (socket != nullptr && socket->waiter == &op) {
    socket->waiter = nullptr;  // nothing of it is in the kernel: what arrives later stays queued on the socket
    finish(op, -ECANCELED);
    return;
  }
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_cancel64(&sqe, reinterpret_cast<std::uint64_t>(&op), 0);
  io_uring_sqe_set_data64(&sqe, tagged(nullptr, uring_tag::ignored));
}

bool io_uring_backend::withdraw(recv_op& op) noexcept {
  auto& socket = static_cast<uring_socket&>(*op.on);
  if (socket.waiter != &op) return false;
  socket.waiter = nullptr;  // what arrives later stays queued on the socket
  op.in_backend = false;
  return true;
}

bool io_uring_backend::stamp_received(io_socket& of) noexcept {
  auto& socket = static_cast<uring_socket&>(of);
  assert(!socket.armed && "ask before the first receive");
  const int on = 1;
  socket.stamped = ::setsockopt(socket.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0;
  stamps_ = stamps_ || socket.stamped;
  return socket.stamped;
}

void io_uring_backend::release(const lent_buffer& buffer) noexcept {
  if (buffer.id != lent_buffer::no_buffer) buffers_.give_back(buffer.id);
}

// Those who wait must not starve behind bytes that nobody reads.
void io_uring_backend::spill_unread() {
  sockets_.for_each([this](uring_socket& socket) { buffers_.spill(socket.received); });
}

// After the buffers ran out: first come, first served, as many sockets as there are buffers again.
void io_uring_backend::rearm_starved() {
  if (starved_.empty()) return;
  if (buffers_.free() == 0 && buffers_.chained() > 0) spill_unread();
  const std::size_t count = std::min<std::size_t>(starved_.size(), buffers_.free());
  do {
    buffers_.widen();
    buffers_.top_up();
  } while (buffers_.in_ring() < count);
  const auto served = starved_.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto each = starved_.begin(); each != served; ++each) {
    (*each)->starved = false;
    // Nobody waits: the next recv arms it.
    if ((*each)->waiter != nullptr && !(*each)->armed) arm_slot(**each);
  }
  starved_.erase(starved_.begin(), served);
}

void io_uring_backend::close(io_socket* closed) noexcept {
  auto& socket = static_cast<uring_socket&>(*closed);
  assert(socket.waiter == nullptr && socket.pending_ops == 0 && "close after every operation has completed");
  socket.closing = true;
  buffers_.give_back_all(socket.received);
  if (socket.starved) std::erase(starved_, &socket);
  if (socket.armed) {
    cancel_slot(socket);
  } else {
    free_socket(socket);
  }
}

void io_uring_backend::free_socket(uring_socket& socket) {
  for (int fd : socket.accepted) ::close(fd);
  ::close(socket.fd);
  socket.unlink();
  delete &socket;
}

namespace {

int set_up_ring(unsigned entries, io_uring& ring) {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  params.cq_entries = entries * 4;
  const int refused = io_uring_queue_init_params(entries, &ring, &params);
  if (refused < 0) return refused;
  const unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;
  if ((params.features & needed) != needed) {
    io_uring_queue_exit(&ring);
    return -ENOSYS;
  }
  return 0;
}

result<std::unique_ptr<io>> make_ring_of(const io_options& options) {
  io_uring ring{};
  const int refused = set_up_ring(options.ring_entries, ring);
  if (refused < 0) return std::unexpected(from_errno(-refused, "io_uring_setup"));
  auto backend = std::make_unique<io_uring_backend>(ring, options);
  if (const result<void> prepared = backend->prepare(); !prepared) return std::unexpected(prepared.error());
  return backend;
}

}  // namespace
}  // namespace detail

// Rings count against the locked-memory limit of an ordinary user on old kernels, and again on new ones (seen on 6.18):
// a smaller one may fit under it.
result<std::unique_ptr<io>> make_io_uring(const io_options& options) {
  constexpr unsigned smallest_ring = 64;
  io_options fitted = options;
  result<std::unique_ptr<io>> made = detail::make_ring_of(fitted);
  while (!made && made.error().code == errc::no_memory && fitted.ring_entries > smallest_ring) {
    fitted.ring_entries /= 2;
    fitted.buffer_count = fitted.buffer_count > smallest_ring ? fitted.buffer_count / 2 : fitted.buffer_count;
    made = detail::make_ring_of(fitted);
  }
  return made;
}

}  // namespace assay
