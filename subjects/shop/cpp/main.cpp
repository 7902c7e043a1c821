// The shop on this project's stack: one loop, one process, every guard on. Exit codes as http::serve: 0 nothing was
// cut, 1 something was, 4 it could not start.
#include <cstdio>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/guard/chain/client.hpp"
#include "stack/guard/chain/service.hpp"
#include "stack/guard/json_errors/layer.hpp"
#include "stack/http/origin.hpp"
#include "stack/http/settings.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace {

using namespace assay;
using namespace std::chrono_literals;

constexpr duration limit = 2s;           // of a statement, and of a quote
constexpr std::size_t max_quotes = 128;  // half of what the server admits: a third party that hangs leaves the rest
constexpr duration drain_delay = 250ms;  // the contract leaves five seconds from SIGTERM to the end
constexpr duration drain_timeout = 4s;

data::pool_options pool_options(const std::string& url, offload_pool& resolver) {
  data::pool_options options{.url = url, .max_connections = 10, .wait_timeout = limit};
  options.connect_timeout = options.query_timeout = options.statement_timeout = limit;
  options.resolver = &resolver;
  return options;
}

// One attempt: a third party that is slow is not to be asked twice.
guard::chain::client_options third_party_guards() {
  return {.call = {.limit = limit},
          .bulkhead = guard::bulkhead::options{.name = "third_party", .max_in_flight = max_quotes},
          .retry = {.max_attempts = 1},
          .attempt = {.limit = limit}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    return std::puts("shop_cpp, clang " __clang_version__) < 0 ? 1 : 0;
  }
  const std::string database = http::or_refuse(http::setting("DATABASE_URL"));
  const http::origin third_party = http::or_refuse(http::origin_of(http::or_refuse(http::setting("THIRD_PARTY_URL"))));
  const std::string images = http::or_refuse(http::setting("IMAGE_DIR", "subjects/shop/images"));
  observe::json_log log(STDERR_FILENO);
  observe::report_failures_to(&log);
  observe::registry metrics;
  const observe::watchdog dog({}, {.log = &log, .metrics = &metrics});
  offload_pool workers({.threads = 1, .max_queued = 256});  // a disk, a name service, a long checksum
  guard::chain::service service(metrics, {.dog = &dog, .ids = std::nullopt, .requests = {.prefix = ""}});
  const auto make = [&](unsigned) -> http::handler {
    auto guards = http::or_refuse(guard::chain::client::make(third_party_guards(), {third_party.host}));
    const std::shared_ptr<shop::shop> of(
        new shop::shop{.workers = workers,
                       .db = data::pool(pool_options(database, workers)),
                       .quotes = http::client(third_party, {.max_connections = max_quotes, .max_body_bytes = 65'536}),
                       .ask = {},
                       .images = http::static_files({.folder = images}, workers),
                       .routes = {}});
    of->ask = guards.around({guard::exchange_of(of->quotes)});
    shop::add_routes(*of);
    of->routes.add(http::method::get, "/metrics", guard::access_log::metrics_endpoint(metrics));
    guard::chain::service_loop& here = service.add_loop();
    show(here.numbers(), of->db, "shop");
    show(here.numbers(), of->quotes, "third_party");
    show(here.numbers(), guards, "third_party");
    guard::chain::server_options wanted{.drain = {.delay = drain_delay}, .observe = guard::json_errors::layer()};
    wanted.readiness = [of] ASSAY_CORO_WRAPPER() { return data::ping(of->db); };
    return http::or_refuse(
        here.around(of->routes.as_handler(), guard::access_log::by_served_route(of->routes, "unmatched"), wanted));
  };
  http::serve_options options;
  options.host = "127.0.0.1";
  options.limits.max_body_bytes = UINT64_MAX;  // the shop refuses in its own words
  options.limits.drain_timeout = drain_timeout;
  service.join(options);
  return http::serve(make, options);
}
