// A service as one would ship it: rows of PostgreSQL, the answers of another service, every limit on, ids, logs and
// metrics, health checks and a clean end. docs/stack.md builds it step by step.
//
//   DATABASE_URL=postgresql://shop@127.0.0.1/shop QUOTES=127.0.0.1:9100 PORT=8080 build/examples/catalogue
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stack/data/postgres.hpp"
#include "stack/guard/access_log/endpoints.hpp"
#include "stack/guard/access_log/layer.hpp"
#include "stack/guard/chain/client.hpp"
#include "stack/guard/chain/server.hpp"
#include "stack/guard/trace/layer.hpp"
#include "stack/http/router.hpp"
#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "stack/observe/watchdog.hpp"

using namespace assay;

namespace {

constexpr int could_not_start = 4;
// With the other service: for a call with all its attempts, and for one of them.
constexpr duration call_limit = std::chrono::seconds(2);
constexpr duration attempt_limit = std::chrono::seconds(1);

// What a loop owns; no lock is needed.
struct catalogue {
  catalogue(std::string database, const socket_address& at, const std::string& host, guard::chain::client limits)
      : items({.url = std::move(database)}),
        quotes({.host = host, .address = at}),
        guards(std::move(limits)),
        ask(guards.around({guard::exchange_of(quotes)})) {}

  data::pool items;
  http::client quotes;
  guard::chain::client guards;
  guard::exchange ask;
  http::router routes;
};

http::response json(const nlohmann::json& body) { return http::response::json(body.dump()); }

std::int32_t parse_id(std::string_view text) {
  std::int32_t id = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  return failed == std::errc() && end == text.data() + text.size() && id > 0 ? id : 0;
}

task<http::response> show_item(catalogue* of, std::int32_t id) {
  const auto found = co_await of->items.query("SELECT name, price_cents FROM items WHERE id = $1", id);
  if (!found) co_return http::response::from(found.error());
  if (found->empty()) co_return http::response::text("not found\n", 404);
  const auto name = (*found)[0].get<std::string>(0);
  const auto price = (*found)[0].get<std::int32_t>(1);
  if (!name || !price) co_return http::response::text("internal server error\n", 500);
  co_return json({{"id", id}, {"name", *name}, {"price_cents", *price}});
}

// The discount that the other service grants; none when it is away. The breaker answers at once then.
task<http::response> show_discount(catalogue* of, std::int32_t id) {
  const auto answer = co_await of->ask({.target = fmt::format("/quotes/{}", id)});
  if (!answer || answer->status != 200) co_return json({{"id", id}, {"discount_percent", nullptr}});
  const nlohmann::json quote = nlohmann::json::parse(answer->body, nullptr, false);
  const bool told = quote.is_object() && quote.contains("discount_percent");
  co_return json({{"id", id}, {"discount_percent", told ? quote["discount_percent"] : nlohmann::json()}});
}

task<result<void>> ask_database(catalogue* of) {
  const auto answered = co_await of->items.query("SELECT 1");
  if (!answered) co_return std::unexpected(answered.error());
  co_return result<void>{};
}

void add_routes(catalogue* of, const observe::registry& metrics) {
  const auto with_id = [of](task<http::response> (*serve)(catalogue*, std::int32_t)) {
    return [of, serve] ASSAY_CORO_WRAPPER(http::request&, const http::path_parameters& given) {
      return serve(of, parse_id(given["id"]));
    };
  };
  of->routes.add(http::method::get, "/items/{id}", with_id(&show_item));
  of->routes.add(http::method::get, "/items/{id}/discount", with_id(&show_discount));
  of->routes.add(http::method::get, "/metrics",
                 [show = guard::access_log::metrics_endpoint(metrics)] ASSAY_CORO_WRAPPER(
                     http::request & asked, const http::path_parameters&) { return show(asked); });
}

// From the environment: what is needed to start.
struct settings {
  std::string database;
  std::string quotes_host;
  socket_address quotes;
};

std::expected<settings, std::string> read_settings() {
  const char* database = std::getenv("DATABASE_URL");
  const char* quotes = std::getenv("QUOTES");
  if (database == nullptr || quotes == nullptr) return std::unexpected("DATABASE_URL and QUOTES must be set");
  const std::string host = quotes;
  const auto colon = host.rfind(':');
  const std::int32_t port = colon == std::string::npos ? 0 : parse_id(std::string_view(host).substr(colon + 1));
  if (port == 0 || port > 65'535) return std::unexpected("QUOTES: expected ADDRESS:PORT");
  const auto at = net::parse_address(host.substr(0, colon), static_cast<std::uint16_t>(port));
  if (!at) return std::unexpected("QUOTES: expected a numeric address");
  return settings{.database = database, .quotes_host = host, .quotes = *at};
}

guard::handler_layer tell_of_requests(std::shared_ptr<guard::trace::policy> ids,
                                      std::shared_ptr<guard::access_log::policy> lines) {
  return [ids = std::move(ids), lines = std::move(lines)](http::handler next) {
    return guard::trace::layer(ids)(guard::access_log::layer(lines)(std::move(next)));
  };
}

[[noreturn]] void refuse_to_start(const std::string& why) {
  fmt::print(stderr, "catalogue: {}\n", why);
  std::exit(could_not_start);
}

// The value, or the end: what is wrong at the start is a mistake in the program or its settings.
template <class T>
T or_refuse(std::expected<T, std::string> made) {
  if (!made) refuse_to_start(made.error());
  return std::move(*made);
}

}  // namespace

int main() {
  const settings given = or_refuse(read_settings());
  observe::json_log log(STDERR_FILENO);
  observe::report_failures_to(&log);
  observe::registry metrics;
  const observe::watchdog dog({}, {.log = &log, .metrics = &metrics});

  std::vector<std::shared_ptr<guard::drain::policy>> gates;  // of each loop
  const auto make = [&](unsigned) -> http::handler {
    auto outward = or_refuse(guard::chain::client::make(
        {.observe = guard::trace::sending_layer(), .call = {.limit = call_limit}, .attempt = {.limit = attempt_limit}},
        {given.quotes_host}));
    const auto of = std::make_shared<catalogue>(given.database, given.quotes, given.quotes_host, std::move(outward));
    add_routes(of.get(), metrics);
    const auto ids = std::make_shared<guard::trace::policy>(guard::trace::options{});
    const auto lines = or_refuse(guard::access_log::policy::create(&log, metrics, metrics.add_shard(),
                                                                   guard::access_log::by_router(of->routes)));
    guard::chain::server_options wanted;
    wanted.observe = tell_of_requests(ids, lines);
    wanted.readiness = [of] ASSAY_CORO_WRAPPER() { return ask_database(of.get()); };
    wanted.bulkheads = {{.path = "/items", .wall = {.name = "items"}}};
    const auto guards = or_refuse(guard::chain::server::make(wanted));
    gates.push_back(guards.gate);
    return guards.around(of->routes.as_handler());
  };
  http::serve_options options;
  options.on_stop = [&gates](unsigned index, instant now) { return gates[index]->drain(now); };
  return http::serve(make, options);
}
