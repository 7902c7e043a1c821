// Socket addresses as text and back.
//
// Misuse: passing a host name to parse_address; it takes numeric addresses only and never blocks. Names go through
// net::resolver.
#pragma once

#include <string>
#include <string_view>

#include "stack/runtime/io.hpp"

namespace assay::net {

// "127.0.0.1", "::1" (no brackets) and a port. errc::invalid_argument when `host` is not numeric.
result<socket_address> parse_address(std::string_view host, std::uint16_t port);

// "127.0.0.1:8080" or "[::1]:8080".
std::string format_address(const socket_address& address);

std::uint16_t port_of(const socket_address& address);

// Of this host and no other: 127.0.0.0/8, also as an IPv6 address (::ffff:127.0.0.1), or ::1. An empty one is not.
bool is_loopback(const socket_address& address);

}  // namespace assay::net
