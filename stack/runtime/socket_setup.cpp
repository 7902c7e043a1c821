#include "stack/runtime/socket_setup.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <tuple>

#include "stack/runtime/source_addresses.hpp"

namespace assay::detail {

result<int> open_stream(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(from_errno(errno, "socket"));
  prepare_stream(fd);
  if (const int refused = source_addresses::bind_next(fd, family); refused != 0) {
    ::close(fd);
    return std::unexpected(from_errno(refused, "bind"));
  }
  return fd;
}

void prepare_stream(int fd) {
  const int on = 1;
  // Fails on sockets without TCP (a UNIX socket), where there is no Nagle to turn off.
  std::ignore = ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

result<int> open_listener(const socket_address& at, const listen_options& options) {
  const int fd = ::socket(at.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(from_errno(errno, "socket"));
  const auto fail = [fd](const char* what) {
    const error failure = from_errno(errno, what);
    ::close(fd);
    return std::unexpected(failure);
  };
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return fail("SO_REUSEADDR");
  if (options.reuse_port && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) {
    return fail("SO_REUSEPORT");
  }
  if (::bind(fd, at.get(), at.size_bytes) < 0) return fail("bind");
  if (::listen(fd, options.backlog) < 0) return fail("listen");
  return fd;
}

socket_address local_address_of(int fd) {
  socket_address address;
  address.size_bytes = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size_bytes) < 0) address.size_bytes = 0;
  return address;
}

socket_address peer_address_of(int fd) {
  socket_address address;
  address.size_bytes = sizeof address.storage;
  if (::getpeername(fd, address.get(), &address.size_bytes) < 0) return {};
  return address;
}

void signal_eventfd(int fd) noexcept {
  const std::uint64_t one = 1;
  // EAGAIN means the counter is full: the wake-up is pending already.
  std::ignore = ::write(fd, &one, sizeof one);
}

}  // namespace assay::detail
