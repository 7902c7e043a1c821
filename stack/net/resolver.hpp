// Names to addresses, without blocking the loop: getaddrinfo runs on an offload pool, under the context's deadline.
//
// Misuse: resolving per request. Resolve once and connect many times; there is no cache here on purpose, since the
// system's resolver gives no lifetime to cache by.
#pragma once

#include <string>
#include <vector>

#include "stack/runtime/offload.hpp"

namespace assay::net {

// At least one address, or errc::unresolved. A numeric host never leaves the loop's thread.
task<result<std::vector<socket_address>>> resolve(offload_pool& pool, std::string host, std::uint16_t port);

// The same before there is a loop, for a program's settings: it blocks as long as the name service takes.
result<std::vector<socket_address>> resolve_blocking(const std::string& host, std::uint16_t port);

}  // namespace assay::net
