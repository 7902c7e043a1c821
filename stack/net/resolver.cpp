#include "stack/net/resolver.hpp"

#include <netdb.h>

#include <cstring>
#include <memory>

#include "stack/net/address.hpp"

namespace assay::net {
namespace {

using addresses = std::vector<socket_address>;

}  // namespace

result<addresses> resolve_blocking(const std::string& host, std::uint16_t port) {
  if (const result<socket_address> numeric = parse_address(host, port)) return addresses{*numeric};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* raw = nullptr;
  const int refused = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw);
  if (refused != 0) return std::unexpected(error{.code = errc::unresolved, .what = ::gai_strerror(refused)});
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
  addresses usable;
  for (const addrinfo* each = found.get(); each != nullptr && usable.size() < max_addresses; each = each->ai_next) {
    socket_address address;
    if (each->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size_bytes = each->ai_addrlen;
    usable.push_back(address);
  }
  if (usable.empty()) return std::unexpected(error{.code = errc::unresolved, .what = "no stream address"});
  return usable;
}

task<result<addresses>> resolve(offload_pool& pool, std::string host, std::uint16_t port) {
  if (const result<socket_address> numeric = parse_address(host, port)) co_return addresses{*numeric};
  // The closure owns the name: after a timeout the look-up runs on without us.
  result<result<addresses>> found =
      co_await pool.run([name = std::move(host), port] { return resolve_blocking(name, port); });
  if (!found) co_return std::unexpected(found.error());
  co_return std::move(*found);
}

offload_pool& default_resolver() {
  // It never ends: a look-up that hangs would hold up the end of the program.
  static offload_pool& pool = *new offload_pool({.threads = 2, .max_queued = 64});
  return pool;
}

}  // namespace assay::net
