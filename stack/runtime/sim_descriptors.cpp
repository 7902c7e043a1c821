// Descriptors of others in a simulation. They are scripted; or they are real ones, and what is said over them comes in
// real time, while virtual time stands still.
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "stack/runtime/sim_io.hpp"

namespace assay {

void sim_io::set_ready(int fd, std::uint32_t events) {
  foreign& of = foreign_[fd];
  of.ready = events;
  if (of.waiting == nullptr || (of.ready & (of.waiting->events | POLLHUP | POLLERR)) == 0) return;
  poll_op& op = *std::exchange(of.waiting, nullptr);
  finish(op, static_cast<std::int32_t>(of.ready & (op.events | POLLHUP | POLLERR)));
}

bool sim_io::wait_ready(poll_op& op) {
  op.on = nullptr;
  foreign& of = foreign_[op.fd];
  if (of.waiting != nullptr) return complete(op, -EBUSY);
  const std::uint32_t ready = of.ready & (op.events | POLLHUP | POLLERR);
  if (ready != 0) return complete(op, static_cast<std::int32_t>(ready));
  op.in_backend = true;
  of.waiting = &op;
  return false;
}

void sim_io::wait_for_descriptors(instant until) {
  std::vector<pollfd> waiting;
  for (const auto& [fd, of] : foreign_) {
    if (of.waiting != nullptr) {
      waiting.push_back({.fd = fd, .events = static_cast<short>(of.waiting->events), .revents = 0});
    }
  }
  if (waiting.empty()) return;
  const bool may_wait = until > now_ && (events_.empty() || events_.top().at > now_);
  const auto patience = std::chrono::ceil<std::chrono::milliseconds>(options_.descriptor_patience);
  if (::poll(waiting.data(), waiting.size(), may_wait ? static_cast<int>(patience.count()) : 0) <= 0) return;
  for (const pollfd& each : waiting) {
    if (each.revents != 0) finish(*std::exchange(foreign_[each.fd].waiting, nullptr), each.revents);
  }
}

}  // namespace assay
