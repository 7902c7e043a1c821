#include "stack/net/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

namespace assay::net {
namespace {

sockaddr_in& as_v4(socket_address& address) { return reinterpret_cast<sockaddr_in&>(address.storage); }
sockaddr_in6& as_v6(socket_address& address) { return reinterpret_cast<sockaddr_in6&>(address.storage); }

}  // namespace

result<socket_address> parse_address(std::string_view host, std::uint16_t port) {
  const std::string text(host);
  socket_address address;
  if (::inet_pton(AF_INET, text.c_str(), &as_v4(address).sin_addr) == 1) {
    as_v4(address).sin_family = AF_INET;
    as_v4(address).sin_port = htons(port);
    address.size_bytes = sizeof(sockaddr_in);
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), &as_v6(address).sin6_addr) == 1) {
    as_v6(address).sin6_family = AF_INET6;
    as_v6(address).sin6_port = htons(port);
    address.size_bytes = sizeof(sockaddr_in6);
    return address;
  }
  return std::unexpected(error{.code = errc::invalid_argument, .what = "not a numeric address"});
}

std::uint16_t port_of(const socket_address& address) {
  socket_address copy = address;
  return ntohs(address.storage.ss_family == AF_INET6 ? as_v6(copy).sin6_port : as_v4(copy).sin_port);
}

bool is_loopback(const socket_address& address) {
  socket_address copy = address;
  if (address.size_bytes == 0) return false;
  if (address.storage.ss_family == AF_INET) return ntohl(as_v4(copy).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  if (address.storage.ss_family != AF_INET6) return false;
  const in6_addr& of = as_v6(copy).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&of) || (IN6_IS_ADDR_V4MAPPED(&of) && of.s6_addr[12] == IN_LOOPBACKNET);
}

std::string format_address(const socket_address& address) {
  socket_address copy = address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v6 = address.storage.ss_family == AF_INET6;
  const void* raw = v6 ? static_cast<const void*>(&as_v6(copy).sin6_addr) : &as_v4(copy).sin_addr;
  if (::inet_ntop(address.storage.ss_family, raw, text.data(), text.size()) == nullptr) return "unknown";
  const std::string port = std::to_string(port_of(address));
  return v6 ? "[" + std::string(text.data()) + "]:" + port : std::string(text.data()) + ":" + port;
}

}  // namespace assay::net
