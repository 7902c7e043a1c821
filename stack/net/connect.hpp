// Connecting to a host that has several addresses: one after the other, until one can be reached.
//
//   const auto found = co_await net::resolve(net::default_resolver(), "db.internal", 5432);
//   auto opened = co_await net::connect_any(found->front(), std::span(*found).subspan(1), limit);
//
// What is left of the time is shared out among those that are left: an address that never answers leaves its successors
// theirs. The last failure is told.
//
// Misuse: a limit so short that a share of it is no time to connect in.
#pragma once

#include <span>

#include "stack/net/stream.hpp"

namespace assay::net {

// Until when the next of `left` may be tried, when all have to be done at `limit`.
instant share_of_time(instant now, instant limit, std::size_t left);

// `others` are kept by the caller until this completes. No later than `limit` and the context's deadline.
task<result<stream>> connect_any(socket_address first, std::span<const socket_address> others, instant limit = never);

}  // namespace assay::net
