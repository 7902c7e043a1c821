// Names to addresses, without blocking the loop: getaddrinfo runs on an offload pool, under the context's deadline.
//
//   const auto found = co_await net::resolve(net::default_resolver(), "db.internal", 5432);
//
// Misuse: resolving per request. Resolve once and connect many times; there is no cache here on purpose, since the
// system's resolver gives no lifetime to cache by.
#pragma once

#include <string>
#include <vector>

#include "stack/runtime/offload.hpp"

namespace assay::net {

inline constexpr std::size_t max_addresses = 8;  // of one name; more are left out

// At least one address, or errc::unresolved. A numeric host never leaves the loop's thread.
task<result<std::vector<socket_address>>> resolve(offload_pool& pool, std::string host, std::uint16_t port);

// The same before there is a loop, for a program's settings: it blocks as long as the name service takes.
result<std::vector<socket_address>> resolve_blocking(const std::string& host, std::uint16_t port);

// For whoever brings no pool of his own: two threads and a line of 64, of the process, made when they are first asked.
offload_pool& default_resolver();

}  // namespace assay::net
