// Real descriptors in a simulation: what is said over them comes in real time, and virtual time stands still meanwhile.
#include <poll.h>

#include <chrono>
#include <utility>
#include <vector>

#include "stack/runtime/sim_io.hpp"

namespace assay {

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
