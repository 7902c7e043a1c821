// The shop on this project's stack: one loop, one process, every guard on. Exit codes as http::serve: 0 nothing was
// cut, 1 something was, 4 it could not start. What goes beyond the contract is off: see subjects/README.md.
#include <cstdio>

#include "stack/guard/json_errors/layer.hpp"
#include "stack/guard/serve.hpp"
#include "stack/http/origin.hpp"
#include "stack/http/settings.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace {
using namespace assay;
using namespace std::chrono_literals;

constexpr duration limit = 2s;     // of a statement, and of a quote
constexpr std::size_t share = 96;  // of the 256 that are let in: neither orders nor prices take the rest along

// What failed at once is asked once more; who is slow has had all the time there is.
guard::chain::client_options third_party_guards() {
  guard::chain::client_options guards{
      .call = {.limit = limit}, .retry = {.max_attempts = 2}, .attempt = {.limit = limit}};
  guards.bulkhead = {.name = "third_party", .max_in_flight = share};
  if (const auto kept = http::number_or_refuse("KEPT_QUOTES_S", 3600)) guards.cache = {.ttl = *kept * 1s};
  return guards;
}

guard::serve_options front_door() {
  guard::serve_options wanted;
  wanted.guards.drain.delay = 250ms;  // the contract leaves five seconds from SIGTERM to the end
  wanted.guards.observe = guard::json_errors::layer();
  wanted.guards.bulkheads = {{.path = "/orders", .wall = {.name = "orders", .max_in_flight = share}}};
  wanted.guards.rate_key = guard::rate_limit::by_field("authorization");
  const auto rate = http::number_or_refuse("RATE_LIMIT", 1'000'000);
  if (rate) wanted.guards.rate_limit = {.requests = *rate, .burst = *rate};
  if (const auto most = http::number_or_refuse("ADAPTIVE_LIMIT", 256)) wanted.guards.adaptive = {.max_limit = *most};
  if (const auto most = http::number_or_refuse("KEPT_KEYS", 1'000'000)) wanted.guards.idempotency = {.max_keys = *most};
  wanted.http.host = "127.0.0.1";
  wanted.http.limits.drain_timeout = 4s;
  wanted.http.limits.max_body_bytes = UINT64_MAX;    // the shop refuses in its own words
  wanted.ids = std::nullopt;                         // nor have the other candidates ids,
  wanted.requests = {.prefix = "", .lines = false};  // or a line for each request
  return wanted;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") return std::puts("shop_cpp, clang " __clang_version__) < 0;
  const std::string database = http::or_refuse(http::setting("DATABASE_URL"));
  const auto third_party = http::or_refuse(http::origins_of(http::or_refuse(http::setting("THIRD_PARTY_URL"))));
  const std::string redis = http::or_refuse(data::redis::checked_url("REDIS_URL", *http::setting("REDIS_URL", "")));
  if (redis.empty()) std::fputs("shop_cpp: REDIS_URL is not set: there is no feed of orders\n", stderr);
  offload_pool workers({.threads = 1, .max_queued = 256});  // a disk, a long checksum
  const auto make = [&](guard::chain::service_loop& here) -> guard::served {
    const std::shared_ptr<shop::shop> of(new shop::shop{
        .workers = workers,
        .db = data::pool(data::pool_options{.url = database}.within(limit)),
        .quotes =
            guard::remote(third_party, third_party_guards(), {.max_connections = share, .max_body_bytes = 65'536}),
        .images = http::static_files({.folder = *http::setting("IMAGE_DIR", "subjects/shop/images")}, workers),
        .news = redis.empty() ? nullptr : std::make_unique<shop::order_news>(redis),
        .routes = {}});
    show(here.numbers(), of->db, "shop");
    show(here.numbers(), of->quotes, "third_party");
    shop::add_routes(of.get());
    guard::served served{.handler = of->routes.as_handler(),
                         .route_of = guard::access_log::by_served_route(of->routes, "unmatched"),
                         .readiness = [of = of.get()] ASSAY_CORO_WRAPPER() { return data::ping(of->db); },
                         .keeps = of};
    if (shop::order_news* const news = of->news.get()) {
      show(here.numbers(), news->everywhere, "orders");
      show(here.numbers(), news->here, "orders");
      served.background = [news] ASSAY_CORO_WRAPPER() { return news->listen(); };
      served.on_drain = [news] { news->here.close(); };
    }
    return served;
  };
  return guard::serve(make, front_door());
}
