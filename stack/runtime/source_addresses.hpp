// The local addresses that the calling thread's outgoing connections are bound to, one after the other: local ports are
// limited for each address, about 28,000 to one destination.
//
//   const source_addresses bound({*net::parse_address("127.0.0.2", 0), *net::parse_address("127.0.0.3", 0)});
//   loop on(...);                          // its connections come from either, in turn
//
// Without one, or with an empty one, the kernel chooses. Ports are the kernel's choice always.
//
// Misuse: two of them on one thread (aborts); keeping one on a thread whose loop runs on another.
#pragma once

#include <cstddef>
#include <vector>

#include "stack/runtime/io.hpp"

namespace assay {

class source_addresses {
 public:
  explicit source_addresses(std::vector<socket_address> in_turn);
  source_addresses(const source_addresses&) = delete;
  source_addresses& operator=(const source_addresses&) = delete;
  ~source_addresses();

  // For the backends: binds a new stream to the calling thread's next address of its family; 0, or an errno.
  static int bind_next(int fd, int family) noexcept;

 private:
  std::vector<socket_address> in_turn_;
  mutable std::size_t next_ = 0;  // users keep a const one
};

}  // namespace assay
