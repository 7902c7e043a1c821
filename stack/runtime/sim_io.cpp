#include "stack/runtime/sim_io.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

namespace assay {

struct sim_io::socket final : io_socket {
  struct segment {
    instant arrives;
    std::string bytes;
    std::int32_t end = 1;  // 1: bytes; 0: end of stream; negative: the stream failed
  };

  std::uint64_t id = 0;
  std::uint16_t port = 0;  // the port it listens on, or was accepted on
  bool serving = false;    // listener, or accepted from one: hold() applies
  std::uint64_t peer = 0;  // 0 once the peer has closed
  std::deque<segment> inbox;
  std::size_t inbox_bytes = 0;  // in flight or unread
  bool write_closed = false;
  bool failed = false;  // the peer is gone: sends fail
  bool stamped = false;
  std::deque<std::uint64_t> backlog;
  recv_op* receiving = nullptr;
  send_op* sending = nullptr;
  accept_op* accepting = nullptr;
  connect_op* connecting = nullptr;
};

namespace {

std::uint16_t port_of(const socket_address& address) {
  if (address.storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

}  // namespace

sim_io::sim_io(sim_options options) : options_(options), random_(options.seed) {}

sim_io::~sim_io() = default;

bool sim_io::chance(double probability) {
  return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
}

std::size_t sim_io::some_of(std::size_t count, double probability) {
  if (count < 2 || !chance(probability)) return count;
  return std::uniform_int_distribution<std::size_t>(1, count - 1)(random_);
}

sim_io::socket& sim_io::create(std::uint16_t port) {
  auto fresh = std::make_unique<socket>();
  fresh->id = next_id_++;
  fresh->port = port;
  socket& created = *fresh;
  sockets_.emplace(created.id, std::move(fresh));
  return created;
}

sim_io::socket* sim_io::find(std::uint64_t id) {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? nullptr : found->second.get();
}

void sim_io::arrange(instant at, std::function<void()> run) {
  events_.push({std::max(at, now_), next_order_++, std::move(run)});
}

// What it makes ready is in the loop's queue, of which nothing is known here: the wait ends.
void sim_io::at(instant at, std::function<void()> run) {
  arrange(at, [this, event = std::move(run)] {
    scripted_ = true;
    event();
  });
}

void sim_io::finish(io_op& op, std::int32_t status) {
  op.status = status;
  op.in_backend = false;
  // The server of a test is on the same loop, and stands for another machine.
  const bool minds = held_back_until_ <= now_ || op.on == nullptr || static_cast<socket&>(*op.on).serving;
  (minds ? done_ : held_back_).push(op);
}

bool sim_io::stamp_received(io_socket& of) noexcept { return static_cast<socket&>(of).stamped = options_.stamps; }

// Inline or through the queue, as the seed says: callers must be right in both.
bool sim_io::complete(io_op& op, std::int32_t status) {
  op.status = status;
  if (!chance(options_.faults.deferred)) return true;
  finish(op, status);
  return false;
}

result<io_socket*> sim_io::listen(const socket_address& at, const listen_options&) {
  std::uint16_t port = port_of(at);
  if (port == 0) port = next_port_++;
  if (listeners_.contains(port)) return std::unexpected(from_errno(EADDRINUSE, "bind"));
  socket& listener = create(port);
  listener.serving = true;
  listeners_[port] = listener.id;
  return &listener;
}

socket_address sim_io::local_address(const io_socket& of) const {
  socket_address address;
  auto& inet = reinterpret_cast<sockaddr_in&>(address.storage);
  inet.sin_family = AF_INET;
  inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  inet.sin_port = htons(static_cast<const socket&>(of).port);
  address.size_bytes = sizeof inet;
  return address;
}

bool sim_io::try_accept(socket& listener, accept_op& op) {
  const auto held = held_until_.find(listener.port);
  if (listener.backlog.empty() || (held != held_until_.end() && held->second > now_)) return false;
  if (sockets_.size() > options_.faults.max_sockets) {
    op.status = -EMFILE;
    return true;
  }
  op.accepted = find(listener.backlog.front());
  op.status = 0;
  listener.backlog.pop_front();
  return true;
}

bool sim_io::accept(io_socket& listener, accept_op& op) {
  auto& from = static_cast<socket&>(listener);
  assert(from.accepting == nullptr);
  op.on = &from;
  if (try_accept(from, op)) return complete(op, op.status);
  op.in_backend = true;
  from.accepting = &op;
  return false;
}

bool sim_io::connect(connect_op& op) {
  if (sockets_.size() >= options_.faults.max_sockets) return complete(op, -EMFILE);
  socket& client = create(next_port_++);
  op.on = op.connected = &client;
  op.in_backend = true;
  client.connecting = &op;
  const std::uint64_t id = client.id;
  arrange(now_ + 2 * options_.latency, [this, id] { finish_connect(id); });
  return false;
}

// The three-way handshake is the kernel's: it completes whether or not anybody accepts.
void sim_io::finish_connect(std::uint64_t id) {
  socket* client = find(id);
  if (client == nullptr || client->connecting == nullptr) return;
  connect_op& op = *std::exchange(client->connecting, nullptr);
  const auto found = listeners_.find(port_of(op.to));
  if (found == listeners_.end()) return finish(op, -ECONNREFUSED);
  socket& listener = *find(found->second);
  socket& server = create(listener.port);
  server.serving = true;
  server.peer = client->id;
  client->peer = server.id;
  listener.backlog.push_back(server.id);
  finish(op, 0);
  on_arrival(listener.id);
}

// Puts a segment on its way: bytes, or with `end` <= 0 the end of the stream.
void sim_io::deliver(socket& to, std::string bytes, std::int32_t end) {
  to.inbox_bytes += bytes.size();
  const instant arrives = now_ + options_.latency;
  to.inbox.push_back({arrives, std::move(bytes), end});
  const std::uint64_t id = to.id;
  arrange(arrives, [this, id] { on_arrival(id); });
}

void sim_io::on_arrival(std::uint64_t to_id) {
  socket* to = find(to_id);
  if (to == nullptr) return;
  const auto held = held_until_.find(to->port);
  if (to->serving && held != held_until_.end() && held->second > now_) {
    return arrange(held->second, [this, to_id] { on_arrival(to_id); });
  }
  if (to->accepting != nullptr && try_accept(*to, *to->accepting)) {
    accept_op& op = *std::exchange(to->accepting, nullptr);
    finish(op, op.status);
  }
  if (to->receiving != nullptr && try_recv(*to, *to->receiving)) {
    recv_op& op = *std::exchange(to->receiving, nullptr);
    finish(op, op.status);
  }
}

bool sim_io::try_recv(socket& from, recv_op& op) {
  const auto held = held_until_.find(from.port);
  if (from.serving && held != held_until_.end() && held->second > now_) return false;
  if (from.inbox.empty() || from.inbox.front().arrives > now_) return false;
  if (chance(options_.faults.no_buffers)) {
    const std::uint64_t id = from.id;
    arrange(now_ + std::chrono::microseconds(100), [this, id] { on_arrival(id); });
    return false;
  }
  socket::segment& first = from.inbox.front();
  if (first.end <= 0) {  // stays: every later receive says the same
    op.received = {};
    op.status = first.end;
    return true;
  }
  const std::size_t count = some_of(std::min(first.bytes.size(), options_.buffer_bytes), options_.faults.short_read);
  auto memory = std::make_unique<char[]>(count);  // exactly as large: the sanitizer sees one byte too many
  std::memcpy(memory.get(), first.bytes.data(), count);
  op.received = {{memory.get(), count}, next_buffer_, from.stamped ? first.arrives : lent_buffer::unknown};
  op.status = static_cast<std::int32_t>(count);
  lent_.emplace(next_buffer_++, std::move(memory));
  first.bytes.erase(0, count);
  if (first.bytes.empty()) from.inbox.pop_front();
  from.inbox_bytes -= count;
  socket* sender = find(from.peer);
  if (sender != nullptr && sender->sending != nullptr && try_send(*sender, *sender->sending)) {
    send_op& waiting = *std::exchange(sender->sending, nullptr);
    finish(waiting, waiting.status);
  }
  return true;
}

bool sim_io::recv(io_socket& from, recv_op& op) {
  auto& end = static_cast<socket&>(from);
  assert(end.receiving == nullptr);
  op.on = &end;
  if (try_recv(end, op)) return complete(op, op.status);
  op.in_backend = true;
  end.receiving = &op;
  return false;
}

bool sim_io::try_send(socket& to, send_op& op) {
  socket* peer = find(to.peer);
  if (peer == nullptr || to.failed || to.write_closed) {
    op.status = to.write_closed ? -EPIPE : -ECONNRESET;
    return true;
  }
  if (chance(options_.faults.reset)) {
    to.failed = peer->failed = true;
    if (peer->sending != nullptr) finish(*std::exchange(peer->sending, nullptr), -ECONNRESET);
    deliver(*peer, {}, -ECONNRESET);
    deliver(to, {}, -ECONNRESET);
    op.status = -ECONNRESET;
    return true;
  }
  if (peer->inbox_bytes >= options_.window_bytes) return false;
  const std::size_t room = options_.window_bytes - peer->inbox_bytes;
  const std::size_t count = some_of(std::min(room, op.bytes.size()), options_.faults.short_write);
  deliver(*peer, std::string(op.bytes.data(), count), 1);
  op.status = static_cast<std::int32_t>(count);
  return true;
}

bool sim_io::send_at_once(socket& to, send_op& op) {
  if (!try_send(to, op)) return complete(op, -EAGAIN);
  const bool all = op.status == static_cast<std::int32_t>(op.bytes.size());
  if (!all) return complete(op, op.status);
  op.in_backend = true;
  sent_.push_back(&op);
  return false;
}

void sim_io::want(send_op& op) noexcept {
  if (std::erase(sent_, &op) > 0) finish(op, op.status);
}

bool sim_io::send(io_socket& to, send_op& op) {
  auto& end = static_cast<socket&>(to);
  assert(end.sending == nullptr);
  op.on = &end;
  if (op.at_once) return send_at_once(end, op);
  if (try_send(end, op)) return complete(op, op.status);
  op.in_backend = true;
  end.sending = &op;
  return false;
}

void sim_io::cancel(io_op& op) noexcept {
  if (!op.in_backend) return;
  if (op.on == nullptr) {
    poll_op*& waiting = foreign_[static_cast<poll_op&>(op).fd].waiting;
    if (waiting == &op) waiting = nullptr;
    if (!op.queued) finish(op, -ECANCELED);
    return;
  }
  if (const auto sent = std::ranges::find(sent_, &op); sent != sent_.end()) return want(**sent);
  auto& on = static_cast<socket&>(*op.on);
  if (on.receiving == &op) on.receiving = nullptr;
  if (on.sending == &op) on.sending = nullptr;
  if (on.accepting == &op) on.accepting = nullptr;
  if (on.connecting == &op) on.connecting = nullptr;
  if (!op.queued) finish(op, -ECANCELED);
}

bool sim_io::withdraw(recv_op& op) noexcept {
  auto& on = static_cast<socket&>(*op.on);
  if (on.receiving != &op) return false;
  on.receiving = nullptr;
  op.in_backend = false;
  return true;
}

void sim_io::release(const lent_buffer& buffer) noexcept {
  if (buffer.id == lent_buffer::no_buffer) return;
  const auto erased = lent_.erase(buffer.id);
  assert(erased == 1 && "a lent buffer is released once");
  std::ignore = erased;
}

bool sim_io::has_received(const io_socket& on) const noexcept {
  const auto& socket_end = static_cast<const socket&>(on);
  return !socket_end.inbox.empty() && socket_end.inbox.front().arrives <= now_;
}

void sim_io::shutdown_write(io_socket& of) noexcept {
  auto& from = static_cast<socket&>(of);
  if (std::exchange(from.write_closed, true)) return;
  if (socket* peer = find(from.peer); peer != nullptr) deliver(*peer, {}, 0);
}

void sim_io::close(io_socket* closed) noexcept {
  auto& gone = static_cast<socket&>(*closed);
  assert(!gone.receiving && !gone.sending && !gone.accepting && !gone.connecting &&
         "close after every operation has completed");
  if (const auto found = listeners_.find(gone.port); found != listeners_.end() && found->second == gone.id) {
    listeners_.erase(found);
  }
  if (socket* peer = find(gone.peer); peer != nullptr) {
    // As TCP does: closing with bytes unread is a reset, else an orderly end.
    const bool unread = gone.inbox_bytes > 0;
    if (unread || !gone.write_closed) deliver(*peer, {}, unread ? -ECONNRESET : 0);
    peer->failed = peer->failed || unread;
    peer->peer = 0;
    if (peer->sending != nullptr) finish(*std::exchange(peer->sending, nullptr), -ECONNRESET);
  }
  for (const std::uint64_t never_accepted : gone.backlog) {
    if (socket* client = find(find(never_accepted)->peer); client != nullptr) {
      client->failed = true;
      if (client->sending != nullptr) finish(*std::exchange(client->sending, nullptr), -ECONNRESET);
      deliver(*client, {}, -ECONNRESET);
    }
    sockets_.erase(never_accepted);
  }
  sockets_.erase(gone.id);
}

// Runs the events of the next moment no later than `until`; false when there is none.
bool sim_io::step(instant until) {
  if (events_.empty() || events_.top().at > std::max(until, now_)) {
    if (until != never && until > now_) now_ = until;
    return false;
  }
  now_ = std::max(now_, events_.top().at);
  while (!events_.empty() && events_.top().at <= now_) {
    const event next = events_.top();
    events_.pop();
    next.run();
  }
  return true;
}

void sim_io::poll(instant until, ready_queue& completed) {
  if (held_back_until_ > now_ && until != instant::min()) until = std::min(until, held_back_until_);
  if (done_.empty() && options_.descriptor_patience > duration::zero()) wait_for_descriptors(until);
  scripted_ = false;
  if (done_.empty()) {
    const bool waits = until == never && events_.empty();
    if (waits) wait_for_wake();
    while (done_.empty() && !scripted_ && !waits && step(until)) {
      if (until == instant::min() || now_ >= until) break;
    }
  }
  for (send_op* op : sent_) {
    op->in_backend = false;
    completed.push(*op);
  }
  sent_.clear();
  tell_held_back(until != instant::min() && now_ >= until, completed);
  while (ready_node* node = done_.pop()) completed.push(*node);
}

}  // namespace assay
