// io_uring: SINGLE_ISSUER | DEFER_TASKRUN, one submit-and-wait a turn, multishot accept and receive into a ring of
// lent buffers. Without those flags io_uring is slower than epoll (docs/decisions/0001-runtime.md has the figures).
#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include "stack/runtime/io.hpp"
#include "stack/runtime/io_uring_socket.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay {
namespace {

using detail::uring_socket;

constexpr int buffer_group = 0;
constexpr std::uint32_t max_queued_buffers = 8;  // a socket: beyond it the multishot receive is stopped
constexpr std::uint32_t inline_budget = 256;     // operations a turn that may complete without going through the queue
constexpr int max_drain_polls = 1000;            // when the backend is destroyed with operations in the kernel

// What a completion's user_data points at, in its low bits.
enum class tag : std::uint64_t { op = 0, slot = 1, wake = 2, ignored = 3 };
constexpr std::uint64_t tag_mask = 3;

class io_uring_backend final : public io {
 public:
  io_uring_backend(io_uring ring, const io_options& options) : ring_(ring), options_(options) {}
  ~io_uring_backend() override;
  result<void> prepare();

  std::string_view name() const override { return "io_uring"; }
  instant now() override { return detail::monotonic_now(); }
  result<io_socket*> listen(const socket_address& at, const listen_options& options) override;
  socket_address local_address(const io_socket& of) const override {
    return detail::local_address_of(static_cast<const uring_socket&>(of).fd);
  }
  bool accept(io_socket& listener, accept_op& op) override;
  bool connect(connect_op& op) override;
  bool recv(io_socket& from, recv_op& op) override;
  bool send(io_socket& to, send_op& op) override;
  void cancel(io_op& op) noexcept override;
  void release(const lent_buffer& buffer) noexcept override;
  void shutdown_write(io_socket& of) noexcept override { ::shutdown(static_cast<uring_socket&>(of).fd, SHUT_WR); }
  void close(io_socket* closed) noexcept override;
  void poll(instant until, ready_queue& completed) override;
  void wake() noexcept override { detail::signal_eventfd(wake_fd_); }

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
  void on_op(io_op& op, std::int32_t status);
  void on_completion(const io_uring_cqe& cqe);
  void reap();
  void enter(instant until);
  void lend_again(std::uint32_t id);
  void rearm_starved();
  void free_socket(uring_socket& socket);
  uring_socket* adopt(int fd);
  bool any_armed() const;

  io_uring ring_;
  io_options options_;
  int wake_fd_ = -1;
  std::uint64_t wake_value_ = 0;
  bool wake_armed_ = false;
  io_uring_buf_ring* lend_ring_ = nullptr;
  std::vector<char> lend_memory_;
  std::vector<std::uint32_t> next_buffer_;    // by id: the next one queued on the same socket
  std::vector<std::uint32_t> buffer_length_;  // by id: bytes received
  std::uint32_t lent_free_ = 0;
  std::uint32_t inline_budget_ = inline_budget;
  std::vector<uring_socket*> starved_;
  intrusive_list<uring_socket> sockets_;
  ready_queue done_;  // completed, and handed over by the next poll()
};

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
  std::free(lend_ring_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

bool io_uring_backend::any_armed() const {
  bool armed = false;
  sockets_.for_each([&armed](uring_socket& socket) { armed = armed || socket.armed; });
  return armed;
}

result<void> io_uring_backend::prepare() {
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return std::unexpected(from_errno(errno, "eventfd"));
  // Saves a descriptor look-up a turn; a kernel that refuses it works without.
  std::ignore = io_uring_register_ring_fd(&ring_);

  const std::size_t ring_bytes = options_.buffer_count * sizeof(io_uring_buf);
  void* memory = nullptr;
  if (::posix_memalign(&memory, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), ring_bytes) != 0) {
    return std::unexpected(from_errno(ENOMEM, "buffer ring"));
  }
  std::memset(memory, 0, ring_bytes);
  lend_ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = options_.buffer_count;
  registration.bgid = buffer_group;
  const int refused = io_uring_register_buf_ring(&ring_, &registration, 0);
  if (refused < 0) return std::unexpected(from_errno(-refused, "io_uring_register_buf_ring"));
  io_uring_buf_ring_init(lend_ring_);

  lend_memory_.resize(std::size_t{options_.buffer_count} * options_.buffer_bytes);
  next_buffer_.assign(options_.buffer_count, lent_buffer::no_buffer);
  buffer_length_.assign(options_.buffer_count, 0);
  for (std::uint32_t id = 0; id < options_.buffer_count; ++id) lend_again(id);
  return {};
}

// The kernel interrupts a wait for a signal, and may be short of memory for a moment: the next turn tries again. What
// else it says will never pass, and ignoring it would spin.
void check_entered(int entered) {
  if (entered >= 0 || entered == -EINTR || entered == -EAGAIN || entered == -ETIME || entered == -EBUSY) return;
  const char* hint = entered == -EEXIST ? ": a loop runs on the thread that made its backend" : "";
  std::fprintf(stderr, "assay: io_uring_enter failed: %s%s\n", std::strerror(-entered), hint);
  std::abort();
}

// --- submission ----------------------------------------------------------------------------------------------------

io_uring_sqe& io_uring_backend::get_sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {  // the submission queue is full: hand it over early
    check_entered(io_uring_submit(&ring_));
    sqe = io_uring_get_sqe(&ring_);
  }
  return *sqe;
}

void set_target(io_uring_sqe& sqe, void* target, tag kind) {
  io_uring_sqe_set_data64(&sqe, reinterpret_cast<std::uint64_t>(target) | static_cast<std::uint64_t>(kind));
}

void io_uring_backend::arm_slot(uring_socket& socket) {
  assert(!socket.armed && !socket.closing);
  io_uring_sqe& sqe = get_sqe();
  if (socket.listener) {
    io_uring_prep_multishot_accept(&sqe, socket.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } else {
    io_uring_prep_recv_multishot(&sqe, socket.fd, nullptr, 0, 0);
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = buffer_group;
    // Nearly every receive is armed before its bytes are there: do not try first, wait for readiness.
    sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
  }
  set_target(sqe, &socket, tag::slot);
  socket.armed = true;
  socket.cancelling = false;
}

void io_uring_backend::cancel_slot(uring_socket& socket) {
  if (socket.cancelling) return;
  socket.cancelling = true;
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_cancel64(&sqe, reinterpret_cast<std::uint64_t>(&socket) | static_cast<std::uint64_t>(tag::slot), 0);
  set_target(sqe, nullptr, tag::ignored);
}

void io_uring_backend::arm_wake() {
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_read(&sqe, wake_fd_, &wake_value_, sizeof wake_value_, 0);
  set_target(sqe, nullptr, tag::wake);
  wake_armed_ = true;
}

// --- operations ----------------------------------------------------------------------------------------------------

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
  const result<int> fd = detail::open_listener(at, options);
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
    detail::prepare_stream(fd);
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
  const result<int> fd = detail::open_stream(op.to.storage.ss_family);
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
  set_target(sqe, static_cast<io_op*>(&op), tag::op);
  return false;
}

bool io_uring_backend::take_received(uring_socket& from, recv_op& op) {
  if (from.queued > 0) {
    const std::uint32_t id = from.first_buffer;
    from.first_buffer = next_buffer_[id];
    from.queued--;
    const char* start = lend_memory_.data() + std::size_t{id} * options_.buffer_bytes;
    op.received = {{start, buffer_length_[id]}, id};
    op.status = static_cast<std::int32_t>(buffer_length_[id]);
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
  // MSG_WAITALL: the kernel goes on after a short write, so that one completion means everything.
  io_uring_prep_send(&sqe, socket.fd, op.bytes.data(), op.bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
  set_target(sqe, static_cast<io_op*>(&op), tag::op);
  return false;
}

void io_uring_backend::cancel(io_op& op) noexcept {
  if (!op.in_backend) return;
  auto& socket = static_cast<uring_socket&>(*op.on);
  if (socket.waiter == &op) {  // nothing of it is in the kernel: what arrives later stays queued on the socket
    socket.waiter = nullptr;
    finish(op, -ECANCELED);
    return;
  }
  io_uring_sqe& sqe = get_sqe();
  io_uring_prep_cancel64(&sqe, reinterpret_cast<std::uint64_t>(&op), 0);
  set_target(sqe, nullptr, tag::ignored);
}

void io_uring_backend::lend_again(std::uint32_t id) {
  char* start = lend_memory_.data() + std::size_t{id} * options_.buffer_bytes;
  io_uring_buf_ring_add(lend_ring_, start, options_.buffer_bytes, static_cast<unsigned short>(id),
                        io_uring_buf_ring_mask(options_.buffer_count), 0);
  io_uring_buf_ring_advance(lend_ring_, 1);
  lent_free_++;
}

void io_uring_backend::release(const lent_buffer& buffer) noexcept {
  if (buffer.id == lent_buffer::no_buffer) return;
  lend_again(buffer.id);
}

// After the buffers ran out: first come, first served, as many sockets as there are buffers again.
void io_uring_backend::rearm_starved() {
  const std::size_t count = std::min<std::size_t>(starved_.size(), lent_free_);
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
  while (socket.queued > 0) {
    const std::uint32_t id = socket.first_buffer;
    socket.first_buffer = next_buffer_[id];
    socket.queued--;
    lend_again(id);
  }
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

// --- completion ----------------------------------------------------------------------------------------------------

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

void io_uring_backend::on_slot(uring_socket& socket, std::int32_t status, std::uint32_t flags) {
  socket.armed = (flags & IORING_CQE_F_MORE) != 0;
  if ((flags & IORING_CQE_F_BUFFER) != 0) {
    const std::uint32_t id = flags >> IORING_CQE_BUFFER_SHIFT;
    lent_free_--;
    if (socket.closing || status <= 0) {
      lend_again(id);
    } else {
      buffer_length_[id] = static_cast<std::uint32_t>(status);
      (socket.queued == 0 ? socket.first_buffer : next_buffer_[socket.last_buffer]) = id;
      socket.last_buffer = id;
      socket.queued++;
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
  const std::size_t queued = socket.listener ? socket.accepted.size() : socket.queued;
  const std::size_t allowed = socket.listener ? options_.max_queued_accepts : max_queued_buffers;
  if (socket.armed && queued >= allowed) cancel_slot(socket);  // nobody reads: let the kernel's buffers fill
}

void io_uring_backend::on_op(io_op& op, std::int32_t status) {
  auto& socket = static_cast<uring_socket&>(*op.on);
  socket.pending_ops--;
  finish(op, status);
}

void io_uring_backend::on_completion(const io_uring_cqe& cqe) {
  const std::uint64_t data = cqe.user_data;
  const std::uint64_t target = data & ~tag_mask;
  switch (static_cast<tag>(data & tag_mask)) {
    case tag::op:
      return on_op(*reinterpret_cast<io_op*>(target), cqe.res);
    case tag::slot:
      return on_slot(*reinterpret_cast<uring_socket*>(target), cqe.res, cqe.flags);
    case tag::wake:
      wake_armed_ = false;
      return;
    case tag::ignored:
      return;
  }
}

void io_uring_backend::reap() {
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

void io_uring_backend::enter(instant until) {
  if (until == never) {
    return check_entered(io_uring_submit_and_wait(&ring_, 1));
  }
  const duration span = until == instant::min() ? duration::zero() : until - now();
  if (span > duration::zero()) {
    __kernel_timespec timeout{.tv_sec = span.count() / 1'000'000'000, .tv_nsec = span.count() % 1'000'000'000};
    io_uring_cqe* unused = nullptr;
    return check_entered(io_uring_submit_and_wait_timeout(&ring_, &unused, 1, &timeout, nullptr));
  }
  // Do not wait: and do not enter the kernel at all when it has nothing for us nor we for it.
  const unsigned flags = __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
  const bool kernel_has_work = (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  if (io_uring_sq_ready(&ring_) > 0 || kernel_has_work) check_entered(io_uring_submit_and_get_events(&ring_));
}

void io_uring_backend::poll(instant until, ready_queue& completed) {
  inline_budget_ = inline_budget;
  rearm_starved();
  if (!wake_armed_) arm_wake();
  enter(done_.empty() ? until : instant::min());
  reap();
  while (ready_node* node = done_.pop()) completed.push(*node);
}

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

}  // namespace

result<std::unique_ptr<io>> make_io_uring(const io_options& options) {
  constexpr unsigned smallest_ring = 64;
  io_options fitted = options;
  io_uring ring{};
  // -ENOMEM is the locked-memory limit of an ordinary user on older kernels: a smaller ring may fit under it.
  int refused = set_up_ring(fitted.ring_entries, ring);
  while (refused == -ENOMEM && fitted.ring_entries > smallest_ring) {
    fitted.ring_entries /= 2;
    fitted.buffer_count = fitted.buffer_count > smallest_ring ? fitted.buffer_count / 2 : fitted.buffer_count;
    refused = set_up_ring(fitted.ring_entries, ring);
  }
  if (refused < 0) return std::unexpected(from_errno(-refused, "io_uring_setup"));
  auto backend = std::make_unique<io_uring_backend>(ring, fitted);
  if (const result<void> prepared = backend->prepare(); !prepared) return std::unexpected(prepared.error());
  return backend;
}

}  // namespace assay
