// A service as one would ship it: rows of PostgreSQL, the answers of another service, every limit on, ids, logs and
// metrics, health checks and a clean end. docs/stack.md builds it step by step.
//
//   DATABASE_URL=postgresql://shop@127.0.0.1/shop QUOTES_URL=http://127.0.0.1:9100 PORT=8080 build/examples/catalogue
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "stack/data/postgres.hpp"
#include "stack/guard/remote.hpp"
#include "stack/guard/serve.hpp"
#include "stack/http/json.hpp"
#include "stack/http/origin.hpp"
#include "stack/http/settings.hpp"

using namespace assay;

namespace {

// With the other service: for a call with all its attempts, and for one of them.
constexpr duration call_limit = std::chrono::seconds(2);
constexpr duration attempt_limit = std::chrono::seconds(1);

// What a loop owns; no lock is needed.
struct catalogue {
  data::pool items;
  guard::remote quotes;  // for a discount, with every guard
  http::router routes;
};

task<http::response> show_item(catalogue* of, std::int32_t id) {
  const auto found = co_await of->items.query("SELECT id, name, price_cents FROM items WHERE id = $1", id);
  if (!found) co_return http::response::from(found.error());
  if (found->empty()) co_return http::response::refused(404, "not_found");
  co_return http::response::json(data::json_of((*found)[0]));
}

// The discount that the other service grants; none when it is away. The breaker answers at once then.
task<http::response> show_discount(catalogue* of, std::int32_t id) {
  const auto answer = co_await of->quotes.ask({.target = fmt::format("/quotes/{}", id)});
  const std::string text = answer && answer->status == 200 ? answer->body : std::string();
  const nlohmann::json quote = nlohmann::json::parse(text, nullptr, false);
  if (!quote.is_object() || !quote.contains("discount_percent") || !quote["discount_percent"].is_number()) {
    co_return http::response::json(http::json_object({{"id", id}, {"discount_percent", nullptr}}));
  }
  const double percent = quote["discount_percent"].get<double>();
  co_return http::response::json(http::json_object({{"id", id}, {"discount_percent", percent}}));
}

}  // namespace

int main() {
  const std::string database = http::or_refuse(http::setting("DATABASE_URL"));
  const http::origin quotes = http::or_refuse(http::origin_of(http::or_refuse(http::setting("QUOTES_URL"))));
  const auto make = [&](guard::chain::service_loop& here) -> guard::served {
    const std::shared_ptr<catalogue> of(new catalogue{
        .items = data::pool({.url = database}),
        .quotes = guard::remote(quotes, {.call = {.limit = call_limit}, .attempt = {.limit = attempt_limit}}),
        .routes = {}});
    of->routes.add(http::method::get, "/items/{id}", http::with(of.get(), &show_item));
    of->routes.add(http::method::get, "/items/{id}/discount", http::with(of.get(), &show_discount));
    show(here.numbers(), of->items, "items");
    show(here.numbers(), of->quotes, "quotes");
    return {.handler = of->routes.as_handler(),
            .route_of = guard::access_log::by_router(of->routes),
            .readiness = [of = of.get()] ASSAY_CORO_WRAPPER() { return data::ping(of->items); },
            .keeps = of};
  };
  return guard::serve(make, {.guards = {.bulkheads = {{.path = "/items", .wall = {.name = "items"}}}}});
}
