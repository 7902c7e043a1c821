#include "stack/runtime/source_addresses.hpp"

#include <netinet/in.h>

#include <cassert>
#include <cerrno>
#include <tuple>
#include <utility>

namespace assay {
namespace {

// One loop a thread, so the thread's is the loop's.
thread_local const source_addresses* current = nullptr;

}  // namespace

source_addresses::source_addresses(std::vector<socket_address> in_turn) : in_turn_(std::move(in_turn)) {
  assert(current == nullptr && "one at a time");
  current = this;
}

source_addresses::~source_addresses() { current = nullptr; }

int source_addresses::bind_next(int fd, int family) noexcept {
  if (current == nullptr || current->in_turn_.empty()) return 0;
  const source_addresses& of = *current;
  for (std::size_t tried = 0; tried < of.in_turn_.size(); ++tried) {
    const socket_address& address = of.in_turn_[of.next_];
    of.next_ = (of.next_ + 1) % of.in_turn_.size();
    if (address.storage.ss_family != family) continue;
    // Else bind() would take the port, and no other connection, wherever it goes, could have it.
    const int late = 1;
    std::ignore = ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    return ::bind(fd, address.get(), address.size_bytes) < 0 ? errno : 0;
  }
  return EAFNOSUPPORT;
}

}  // namespace assay
