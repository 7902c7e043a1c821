#include "lab/load/resolve.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "stack/net/address.hpp"
#include "stack/net/resolver.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {
namespace {

constexpr duration resolve_timeout = std::chrono::seconds(10);

}  // namespace

std::expected<socket_address, std::string> resolve_host(const std::string& host, std::uint16_t port) {
  if (const result<socket_address> numeric = net::parse_address(host, port)) return *numeric;
  result<std::unique_ptr<io>> backend = make_io({.kind = io_kind::epoll, .ring_entries = 64, .buffer_count = 8});
  if (!backend) return std::unexpected(describe(backend.error()));
  loop on(std::move(*backend));
  offload_pool pool({.threads = 1, .max_queued = 1});
  using addresses = result<std::vector<socket_address>>;
  addresses found = on.run([](loop* l, offload_pool* p, const std::string* name, std::uint16_t at) -> task<addresses> {
    co_return co_await with_deadline(l->now() + resolve_timeout, net::resolve(*p, *name, at));
  }(&on, &pool, &host, port));
  if (!found) return std::unexpected("cannot resolve \"" + host + "\": " + describe(found.error()));
  return found->front();
}

}  // namespace assay::load
