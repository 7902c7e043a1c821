// epoll, edge triggered: for systems that refuse io_uring, and for ThreadSanitizer, which cannot see into a ring.
//
// A socket remembers whether the kernel may have bytes (readable) or room (writable) for it, so that a receive after a
// short read does not pay for a system call that is sure to say EAGAIN. The end of the stream is the exception: its
// event may have come together with the last bytes, and will not come again.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <optional>
#include <vector>

#include "stack/runtime/clock.hpp"
#include "stack/runtime/epoll_wait.hpp"
#include "stack/runtime/epoll_watch.hpp"
#include "stack/runtime/intrusive_list.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay {
namespace {

constexpr std::uint32_t inline_budget = 256;  // operations a turn that may complete without going through the queue
constexpr int events_a_poll = 512;

struct epoll_socket final : io_socket, list_node {
  int fd = -1;
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // the end or a failure waits behind the bytes: stays readable
  bool starved = false;  // in the list of those that wait for a lent buffer
  bool closed = false;   // freed at the end of the poll: an event of the same batch may still name it
  recv_op* receiving = nullptr;
  accept_op* accepting = nullptr;
  send_op* sending = nullptr;
  connect_op* connecting = nullptr;
};

class epoll_backend final : public io {
 public:
  explicit epoll_backend(const io_options& options) : options_(options) {}
  ~epoll_backend() override;
  result<void> prepare();

  std::string_view name() const override { return "epoll"; }
  instant now() override { return detail::monotonic_now(); }
  result<io_socket*> listen(const socket_address& at, const listen_options& options) override;
  socket_address local_address(const io_socket& of) const override {
    return detail::local_address_of(static_cast<const epoll_socket&>(of).fd);
  }
  socket_address peer_address(const io_socket& of) const override {
    return detail::peer_address_of(static_cast<const epoll_socket&>(of).fd);
  }
  bool accept(io_socket& listener, accept_op& op) override;
  bool connect(connect_op& op) override;
  bool recv(io_socket& from, recv_op& op) override;
  bool send(io_socket& to, send_op& op) override;
  void want(send_op&) noexcept override {}  // what goes at once has gone when send() returns
  bool wait_ready(poll_op& op) override { return watched_.start(epoll_fd_, op); }
  void cancel(io_op& op) noexcept override;
  bool withdraw(recv_op& op) noexcept override;
  void release(const lent_buffer& buffer) noexcept override;
  bool has_received(const io_socket& on) const noexcept override;
  void shutdown_write(io_socket& of) noexcept override { ::shutdown(static_cast<epoll_socket&>(of).fd, SHUT_WR); }
  void close(io_socket* closed) noexcept override;
  void poll(instant until, ready_queue& completed) override;
  void wake() noexcept override { detail::signal_eventfd(wake_fd_); }

 private:
  result<epoll_socket*> adopt(int fd);
  void finish(io_op& op);
  bool ready_inline(io_op& op);
  bool try_accept(epoll_socket& listener, accept_op& op);
  bool try_recv(epoll_socket& from, recv_op& op);
  bool try_send(epoll_socket& to, send_op& op);
  void finish_connect(epoll_socket& socket);
  void on_event(epoll_socket& socket, std::uint32_t events);
  void feed_starved();
  std::optional<duration> longest_wait(instant until);

  io_options options_;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  std::vector<char> lend_memory_;
  std::vector<std::uint32_t> free_buffers_;
  std::vector<epoll_socket*> starved_;  // readable, but every lent buffer was out
  std::uint32_t inline_budget_ = inline_budget;
  detail::exact_epoll_wait wait_;
  intrusive_list<epoll_socket> sockets_;
  std::vector<epoll_socket*> to_free_;
  detail::epoll_watch watched_;  // descriptors of others
  ready_queue done_;
};

epoll_backend::~epoll_backend() {
  for (epoll_socket* socket : to_free_) delete socket;
  while (epoll_socket* socket = sockets_.pop_front()) {
    ::close(socket->fd);
    delete socket;
  }
  if (wake_fd_ >= 0) ::close(wake_fd_);
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

result<void> epoll_backend::prepare() {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return std::unexpected(from_errno(errno, "epoll_create1"));
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return std::unexpected(from_errno(errno, "eventfd"));
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) < 0) {
    return std::unexpected(from_errno(errno, "epoll_ctl"));
  }
  lend_memory_.resize(std::size_t{options_.buffer_count} * options_.buffer_bytes);
  for (std::uint32_t id = options_.buffer_count; id > 0; --id) free_buffers_.push_back(id - 1);
  return {};
}

result<epoll_socket*> epoll_backend::adopt(int fd) {
  auto* socket = new epoll_socket;
  socket->fd = fd;
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = socket}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0) {
    const error failure = from_errno(errno, "epoll_ctl");
    ::close(fd);
    delete socket;
    return std::unexpected(failure);
  }
  sockets_.push_back(*socket);
  return socket;
}

// --- operations ----------------------------------------------------------------------------------------------------

void epoll_backend::finish(io_op& op) {
  op.in_backend = false;
  done_.push(op);
}

bool epoll_backend::ready_inline(io_op& op) {
  if (inline_budget_ > 0) {
    inline_budget_--;
    return true;
  }
  finish(op);
  return false;
}

result<io_socket*> epoll_backend::listen(const socket_address& at, const listen_options& options) {
  const result<int> fd = detail::open_listener(at, options);
  if (!fd) return std::unexpected(fd.error());
  const result<epoll_socket*> socket = adopt(*fd);
  if (!socket) return std::unexpected(socket.error());
  return *socket;
}

// Each try_ function: true when the operation is complete (op.status is set), false when it has to wait.

bool epoll_backend::try_accept(epoll_socket& listener, accept_op& op) {
  if (!listener.readable) return false;
  const int fd = ::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno == EAGAIN) {
      listener.readable = false;
      return false;
    }
    op.status = -errno;  // EMFILE and the like; a connection that was gone again is ECONNABORTED
    return true;
  }
  detail::prepare_stream(fd);
  const result<epoll_socket*> socket = adopt(fd);
  op.accepted = socket ? *socket : nullptr;
  op.status = socket ? 0 : -socket.error().system_errno;
  return true;
}

bool epoll_backend::try_recv(epoll_socket& from, recv_op& op) {
  if (!from.readable) return false;
  if (free_buffers_.empty()) {
    if (!std::exchange(from.starved, true)) starved_.push_back(&from);
    return false;
  }
  const std::uint32_t id = free_buffers_.back();
  char* start = lend_memory_.data() + std::size_t{id} * options_.buffer_bytes;
  const ssize_t received = ::recv(from.fd, start, options_.buffer_bytes, 0);
  if (received < 0 && errno == EAGAIN) {
    from.readable = false;
    return false;
  }
  op.received = {};
  op.status = received < 0 ? -errno : static_cast<std::int32_t>(received);
  if (received > 0) {
    from.readable = from.hung_up || static_cast<std::size_t>(received) == options_.buffer_bytes;
    free_buffers_.pop_back();
    op.received = {{start, static_cast<std::size_t>(received)}, id};
  }
  return true;
}

bool epoll_backend::has_received(const io_socket& on) const noexcept {
  const auto& socket = static_cast<const epoll_socket&>(on);
  if (!socket.readable) return false;
  char first = 0;
  return ::recv(socket.fd, &first, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
}

bool epoll_backend::try_send(epoll_socket& to, send_op& op) {
  const ssize_t sent = ::send(to.fd, op.bytes.data(), op.bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) {
    to.writable = false;
    return false;
  }
  op.status = sent < 0 ? -errno : static_cast<std::int32_t>(sent);
  return true;
}

bool epoll_backend::accept(io_socket& listener, accept_op& op) {
  auto& socket = static_cast<epoll_socket&>(listener);
  assert(socket.accepting == nullptr);
  op.on = &socket;
  if (try_accept(socket, op)) return ready_inline(op);
  op.in_backend = true;
  socket.accepting = &op;
  return false;
}

bool epoll_backend::connect(connect_op& op) {
  const result<int> fd = detail::open_stream(op.to.storage.ss_family);
  if (!fd) {
    op.status = -fd.error().system_errno;
    return true;
  }
  const int refused = ::connect(*fd, op.to.get(), op.to.size_bytes) < 0 ? errno : 0;
  if (refused != 0 && refused != EINPROGRESS) {
    ::close(*fd);
    op.status = -refused;
    return true;
  }
  const result<epoll_socket*> socket = adopt(*fd);
  if (!socket) {
    op.status = -socket.error().system_errno;
    return true;
  }
  op.on = op.connected = *socket;
  if (refused == 0) {
    op.status = 0;
    return ready_inline(op);
  }
  op.in_backend = true;
  (*socket)->connecting = &op;
  return false;
}

bool epoll_backend::recv(io_socket& from, recv_op& op) {
  auto& socket = static_cast<epoll_socket&>(from);
  assert(socket.receiving == nullptr);
  op.on = &socket;
  if (try_recv(socket, op)) return ready_inline(op);
  op.in_backend = true;
  socket.receiving = &op;
  return false;
}

bool epoll_backend::send(io_socket& to, send_op& op) {
  auto& socket = static_cast<epoll_socket&>(to);
  assert(socket.sending == nullptr);
  op.on = &socket;
  if (try_send(socket, op)) return ready_inline(op);
  if (op.at_once) {
    op.status = -EAGAIN;
    return ready_inline(op);
  }
  op.in_backend = true;
  socket.sending = &op;
  return false;
}

void epoll_backend::cancel(io_op& op) noexcept {
  if (!op.in_backend) return;
  op.status = -ECANCELED;
  if (op.on == nullptr) {
    watched_.forget(epoll_fd_, static_cast<poll_op&>(op));
    return finish(op);
  }
  auto& socket = static_cast<epoll_socket&>(*op.on);
  if (socket.receiving == &op) socket.receiving = nullptr;
  if (socket.accepting == &op) socket.accepting = nullptr;
  if (socket.sending == &op) socket.sending = nullptr;
  if (socket.connecting == &op) socket.connecting = nullptr;
  finish(op);
}

bool epoll_backend::withdraw(recv_op& op) noexcept {
  auto& socket = static_cast<epoll_socket&>(*op.on);
  if (socket.receiving != &op) return false;
  socket.receiving = nullptr;
  op.in_backend = false;
  return true;
}

void epoll_backend::release(const lent_buffer& buffer) noexcept {
  if (buffer.id != lent_buffer::no_buffer) free_buffers_.push_back(buffer.id);
}

void epoll_backend::close(io_socket* closed) noexcept {
  auto& socket = static_cast<epoll_socket&>(*closed);
  assert(!socket.receiving && !socket.accepting && !socket.sending && !socket.connecting &&
         "close after every operation has completed");
  ::close(socket.fd);  // leaves the epoll set by itself
  socket.closed = true;
  std::erase(starved_, &socket);
  socket.unlink();
  to_free_.push_back(&socket);
}

// --- completion ----------------------------------------------------------------------------------------------------

void epoll_backend::finish_connect(epoll_socket& socket) {
  int failure = 0;
  socklen_t size = sizeof failure;
  if (::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0) failure = errno;
  connect_op& op = *std::exchange(socket.connecting, nullptr);
  op.status = -failure;
  finish(op);
}

void epoll_backend::on_event(epoll_socket& socket, std::uint32_t events) {
  if (socket.closed) return;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) socket.hung_up = true;
  if ((events & EPOLLIN) != 0 || socket.hung_up) socket.readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) socket.writable = true;
  if (socket.connecting != nullptr) {
    if (socket.writable) finish_connect(socket);
    return;
  }
  if (socket.accepting != nullptr && try_accept(socket, *socket.accepting)) {
    finish(*std::exchange(socket.accepting, nullptr));
  }
  if (socket.receiving != nullptr && try_recv(socket, *socket.receiving)) {
    finish(*std::exchange(socket.receiving, nullptr));
  }
  if (socket.sending != nullptr && socket.writable && try_send(socket, *socket.sending)) {
    finish(*std::exchange(socket.sending, nullptr));
  }
}

// First come, first served, and no more than there are buffers.
void epoll_backend::feed_starved() {
  if (starved_.empty() || free_buffers_.empty()) return;
  std::vector<epoll_socket*> again;
  again.swap(starved_);
  for (epoll_socket* socket : again) {
    socket->starved = false;
    if (socket->receiving != nullptr && try_recv(*socket, *socket->receiving)) {
      finish(*std::exchange(socket->receiving, nullptr));
    }
  }
}

std::optional<duration> epoll_backend::longest_wait(instant until) {
  if (until == never) return std::nullopt;
  return until == instant::min() ? duration::zero() : std::max(until - now(), duration::zero());
}

void epoll_backend::poll(instant until, ready_queue& completed) {
  inline_budget_ = inline_budget;
  for (epoll_socket* socket : to_free_) delete socket;
  to_free_.clear();
  feed_starved();
  std::array<epoll_event, events_a_poll> events;
  const int count = wait_(epoll_fd_, events, longest_wait(done_.empty() ? until : instant::min()));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (detail::epoll_watch::concerns(event)) {
      if (poll_op* op = watched_.take(event)) finish(*op);
      continue;
    }
    if (event.data.ptr != nullptr) {
      on_event(*static_cast<epoll_socket*>(event.data.ptr), event.events);
      continue;
    }
    std::uint64_t drained = 0;
    std::ignore = ::read(wake_fd_, &drained, sizeof drained);
  }
  while (ready_node* node = done_.pop()) completed.push(*node);
}

}  // namespace

result<std::unique_ptr<io>> make_epoll(const io_options& options) {
  auto backend = std::make_unique<epoll_backend>(options);
  if (const result<void> prepared = backend->prepare(); !prepared) return std::unexpected(prepared.error());
  return backend;
}

}  // namespace assay
