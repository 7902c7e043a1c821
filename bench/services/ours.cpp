// The benchmarks' service on this stack: a text, a JSON answer, a row of PostgreSQL, a millisecond of CPU. The Go and
// Node.js services beside it (go/, node/) answer the same.
//
//   service --port N [--policies off|on|every|turns] [--no-watchdog] [--io epoll] [--database URL]
//           [--max-connections N]
//
// /socket is a WebSocket that echoes, /room one that tells everybody; node/sockets.js has these. With --peer PORT there
// is /peer, which asks another one of these for its /nap: that answers after --nap MS, without work.
//
// It runs as guard::serve has it, but for the log, which is of failed requests alone. With --policies on it has what
// guard::chain has by default and nothing else, with --policies every each policy that a server can have but the cache,
// which would answer for the service; without policies it is the router alone. With --policies turns these three take
// turns: GET /turns tells what each has taken.
#include <time.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "bench/services/turns.hpp"
#include "stack/data/postgres.hpp"
#include "stack/guard/remote.hpp"
#include "stack/guard/serve.hpp"
#include "stack/http/json.hpp"
#include "stack/http/settings.hpp"
#include "stack/http/websocket/endpoint.hpp"
#include "stack/http/websocket/room.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/clock.hpp"
#include "stack/runtime/delay.hpp"

using namespace assay;

namespace {

constexpr duration work = std::chrono::milliseconds(1);  // of a request to /cpu

struct wants {
  std::string database;
  std::uint16_t peer = 0;     // its port; 0: none
  std::size_t peer_wall = 0;  // places of /peer; 0: no wall
  unsigned nap_ms = 10;
};

struct service {
  explicit service(const wants& given) : nap(given.nap_ms) {
    if (!given.database.empty()) rows = std::make_unique<data::pool>(data::pool_options{.url = given.database});
    if (given.peer == 0) return;
    const http::origin to{.host = "127.0.0.1", .address = *net::parse_address("127.0.0.1", given.peer)};
    peer = std::make_unique<guard::remote>(to, guard::chain::client_options{}, every_place);
  }
  // As many connections as the service has places: what is to bound them is the wall.
  static constexpr http::client_limits every_place{.max_connections = 256, .max_waiters = 256};

  std::chrono::milliseconds nap;
  std::unique_ptr<guard::remote> peer;
  std::unique_ptr<data::pool> rows;
  websocket::endpoint sockets{{}};
  websocket::room everybody{{.max_members = 20'000},
                            [this](const websocket::message& said) { everybody.tell(said.kind, said.payload); }};
  http::router routes;
};

enum class guarded : std::uint8_t { off, on, every, turns, all };

// None of them refuses what a benchmark sends.
guard::chain::server_options every_policy() {
  constexpr std::uint64_t more_than_any_rate = 1'000'000;
  return {.rate_limit = guard::rate_limit::options{.requests = more_than_any_rate, .burst = more_than_any_rate},
          .rate_key = guard::rate_limit::by_field("host"),
          .bulkheads = {{.path = "/", .wall = {.name = "all", .max_in_flight = 255}}},
          .idempotency = guard::idempotency::options{},
          .adaptive = guard::adaptive::options{}};
}

task<http::response> text() { co_return http::response::text("hello, world\n"); }

task<http::response> json() {
  co_return http::response::json(
      http::json_object({{"id", 42},
                         {"name", "garden chair"},
                         {"price_cents", 12'900},
                         {"in_stock", true},
                         {"tags", http::json_text{http::json_list({"outdoor", "wood", "new"})}}}));
}

task<http::response> row(service* of, std::int32_t id) {
  const auto found = co_await of->rows->query("SELECT id, name, price_cents FROM items WHERE id = $1", id);
  if (!found) co_return http::response::from(found.error());
  if (found->empty()) co_return http::response::text("not found\n", 404);
  const auto name = (*found)[0].get<std::string>(1);
  const auto price = (*found)[0].get<std::int32_t>(2);
  if (!name || !price) co_return http::response::text("internal server error\n", 500);
  co_return http::response::json(http::json_object({{"id", id}, {"name", *name}, {"price_cents", *price}}));
}

task<http::response> nap(std::chrono::milliseconds span) {
  const result<void> slept = co_await delay_for(span);
  co_return slept ? http::response::text("rested\n") : http::response::from(slept.error());
}

task<http::response> ask_peer(service* of) {
  const auto answer = co_await of->peer->ask({.target = "/nap"});
  co_return answer ? http::response::text(answer->body, answer->status) : http::response::from(answer.error());
}

task<http::response> cpu() {
  const duration end = detail::read_clock(CLOCK_THREAD_CPUTIME_ID) + work;
  while (detail::read_clock(CLOCK_THREAD_CPUTIME_ID) < end) {
  }
  co_return http::response::text("worked\n");
}

task<void> echo(websocket::connection& peer) {
  while (true) {
    const result<websocket::message> got = co_await peer.receive();
    if (!got) co_return;
    const result<void> sent = co_await peer.send(got->kind, got->payload);
    if (!sent) co_return;
  }
}

task<http::response> room(service* of, http::request& asked) { co_return of->everybody.enter(asked); }

task<http::response> socket(service* of, http::request& asked) { co_return of->sockets.accept(asked, echo); }

void add_routes(service* of) {
  const auto simple = [of](const char* path, task<http::response> (*serve)()) {
    of->routes.add(http::method::get, path, [serve] ASSAY_CORO_WRAPPER(http::request&) { return serve(); });
  };
  simple("/", &text);
  simple("/json", &json);
  simple("/cpu", &cpu);
  of->routes.add(http::method::get, "/socket",
                 [of] ASSAY_CORO_WRAPPER(http::request & asked) { return socket(of, asked); });
  of->routes.add(http::method::get, "/room",
                 [of] ASSAY_CORO_WRAPPER(http::request & asked) { return room(of, asked); });
  of->routes.add(http::method::get, "/nap", [of] ASSAY_CORO_WRAPPER(http::request&) { return nap(of->nap); });
  if (of->peer)
    of->routes.add(http::method::get, "/peer", [of] ASSAY_CORO_WRAPPER(http::request&) { return ask_peer(of); });
  if (!of->rows) return;
  of->routes.add(http::method::get, "/rows/{id}",
                 [of] ASSAY_CORO_WRAPPER(http::request&, std::int32_t id) { return row(of, id); });
}

// What a loop owns goes with its handler.
http::handler keeping(std::shared_ptr<service> of) {
  return [of, routes = of->routes.as_handler()] ASSAY_CORO_WRAPPER(http::request & asked) { return routes(asked); };
}

http::handler with_policies(guarded level, const http::handler& bare) {
  const auto within = [&bare](const guard::chain::server_options& chosen) {
    return http::or_refuse(guard::chain::server::make(chosen)).around(bare);
  };
  if (level == guarded::off) return bare;
  if (level == guarded::on) return within({});
  if (level == guarded::every) return within(every_policy());
  return bench::in_turn({{"off", bare}, {"on", within({})}, {"every", within(every_policy())}});
}

}  // namespace

int main(int argc, char** argv) {
  http::serve_options options;
  options.host = "127.0.0.1";
  wants given;
  guarded policies = guarded::all;
  bool no_watchdog = false;
  CLI::App app{"The benchmarks' service."};
  app.add_option("--port", options.port, "TCP port");
  app.add_option("--max-connections", options.limits.max_connections, "of clients");
  app.add_option("--database", given.database, "PostgreSQL URL, for /rows/{id}");
  app.add_option("--peer", given.peer, "port of another, for /peer");
  app.add_option("--peer-wall", given.peer_wall, "with all policies: places of /peer");
  app.add_option("--nap", given.nap_ms, "of /nap, in ms");
  const std::map<std::string, guarded> levels{{"off", guarded::off},
                                              {"on", guarded::on},
                                              {"every", guarded::every},
                                              {"turns", guarded::turns},
                                              {"all", guarded::all}};
  app.add_option("--policies", policies, "off, on, every, these in turns, or all as guard::serve has them")
      ->transform(CLI::CheckedTransformer(levels));
  const std::map<std::string, io_kind> kinds{
      {"auto", io_kind::automatic}, {"io_uring", io_kind::io_uring}, {"epoll", io_kind::epoll}};
  app.add_option("--io", options.io.kind, "backend")->transform(CLI::CheckedTransformer(kinds));
  app.add_flag("--no-watchdog", no_watchdog, "with all policies, and without that thread");
  CLI11_PARSE(app, argc, argv);

  const auto make = [&given] {
    auto of = std::make_shared<service>(given);
    add_routes(of.get());
    return of;
  };
  if (policies != guarded::all)
    return http::serve([&](unsigned) { return with_policies(policies, keeping(make())); }, options);
  guard::serve_options wanted{.http = options, .log = observe::log_options{.least = observe::level::warn}};
  wanted.guards.drain.delay = duration::zero();  // no balancer is in front
  if (given.peer_wall > 0) {
    wanted.guards.bulkheads = {{.path = "/peer", .wall = {.name = "peer", .max_in_flight = given.peer_wall}}};
  }
  if (no_watchdog) wanted.watchdog = std::nullopt;
  return guard::serve(
      [&](guard::chain::service_loop&) -> guard::served {
        const auto of = make();
        return {.handler = of->routes.as_handler(), .route_of = guard::access_log::by_router(of->routes), .keeps = of};
      },
      wanted);
}
