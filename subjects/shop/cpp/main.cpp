// The shop on this project's stack: one loop, one process. SIGTERM drains it; again, it cuts what still runs.
// Exit codes as http::serve: 0 nothing was cut, 1 something was, 4 it could not start.
#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <optional>
#include <string_view>
#include <thread>

#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "stack/net/resolver.hpp"
#include "stack/runtime/signals.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace {

using namespace assay;

constexpr int could_not_start = 4;

int refuse_to_start(std::string_view why) {
  fmt::print(stderr, "shop: {}\n", why);
  return could_not_start;
}

result<socket_address> third_party_address(loop& on, const shop::settings& given) {
  offload_pool resolver({.threads = 1, .max_queued = 1});
  const auto found = on.run(net::resolve(resolver, given.third_party_host, given.third_party_port));
  if (!found) return std::unexpected(found.error());
  return found->front();
}

// The shop refuses a body that is too large itself, before it has read it; see read_body().
http::server_limits limits() {
  http::server_limits limits;
  limits.max_body_bytes = std::numeric_limits<std::uint64_t>::max();
  return limits;
}

// Serves until a signal has come and the last request is answered. The handler names a shop that is made later, on the
// loop, and gone before it: the server is older than the loop, which may still hold a call of its drain().
int serve(const shop::settings& given, stop_signals& stopped) {
  result<std::unique_ptr<io>> backend = make_io();
  if (!backend) return refuse_to_start(describe(backend.error()));
  const auto database = data::connection_target::parse(given.database_url, duration::zero());
  if (!database) return refuse_to_start("DATABASE_URL: " + describe(database.error()));
  std::optional<shop::shop> sold;
  http::server served([&sold] ASSAY_CORO_WRAPPER(http::request & asked) { return sold->serve(asked); }, limits());
  loop on(std::move(*backend));
  const result<socket_address> third_party = third_party_address(on, given);
  if (!third_party) return refuse_to_start(describe(third_party.error()));
  result<net::listener> from = net::listener::open(on.backend(), *net::parse_address("127.0.0.1", given.port),
                                                   {.backlog = 4096, .reuse_port = false});
  if (!from) return refuse_to_start(describe(from.error()));
  sold.emplace(given, *third_party);
  fmt::print("listening on http://{}\n", net::format_address(from->local_address()));
  std::fflush(stdout);

  std::thread watcher([&] {
    for (bool again = false; stopped.wait().value_or(0) != 0; again = true) {
      on.post([&on, &served, again] {
        if (again) on.root().cancel->cancel(cancel_reason::shutdown);
        served.drain();
      });
    }
  });
  const result<void> ended = on.run(served.run(std::move(*from)));
  stopped.notify();
  watcher.join();
  sold.reset();
  if (!ended) fmt::print(stderr, "shop: the server stopped: {}\n", describe(ended.error()));
  return ended && served.counters().cut == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    fmt::print("shop_cpp, clang {}\n", __clang_version__);
    return 0;
  }
  stop_signals stopped;
  const auto given = shop::settings_from_environment();
  return given ? serve(*given, stopped) : refuse_to_start(given.error());
}
