// What a service does besides its databases: work on threads, calls of another service, answers that are kept, things
// that are done once, and telling of itself.
#include <utility>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/soak/parts.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr duration sale_takes = 5ms;  // so that some leave in the middle, and some come again too early
constexpr std::uint64_t one_of_inner_fails = 8;

std::uint64_t sum_up_to(std::uint64_t last) {
  std::uint64_t sum = 0;
  for (std::uint64_t each = 1; each <= last; ++each) sum += each;
  return sum;
}

task<http::response> add_up(parts* of, std::uint32_t last) {
  const result<std::uint64_t> sum = co_await of->with->workers.run([last] { return sum_up_to(last); });
  if (!sum) co_return http::response::from(sum.error());
  co_return http::response::text(std::to_string(*sum));
}

// With the number of the sale: who asks again under the same key is given the same.
task<http::response> sell(parts* of, http::request&) {
  const std::uint64_t number = ++of->with->sales;
  const result<void> taken = co_await delay_for(sale_takes);
  if (!taken) co_return http::response::from(taken.error());
  co_return http::response::text("sale " + std::to_string(number) + "\n");
}

task<http::response> show_page(parts*, std::uint32_t number) {
  http::response reply = http::response::text("page " + std::to_string(number) + "\n");
  reply.headers.emplace_back("cache-control", "max-age=1");
  co_return reply;
}

// --- calls of itself

// Without Retry-After: it is asked again soon.
task<http::response> answer_inner(parts* of, http::request&) {
  if (++of->inner_asked % one_of_inner_fails == 0) co_return http::response::refused(502, "planted");
  co_return http::response::text("inner\n");
}

http::response passed_on(result<http::client_response> got) {
  if (!got) return http::response::from(got.error());
  return http::response::text(std::move(got->body), got->status);
}

task<http::response> ask_one(parts* of, http::request&) { co_return passed_on(co_await of->inner.ask_one()); }
task<http::response> ask_either(parts* of, http::request&) { co_return passed_on(co_await of->inner.ask_either()); }

}  // namespace

void add_guarded_routes(parts* of) {
  using enum http::method;
  of->routes.add(get, "/sums/{last}", http::with(of, &add_up));
  of->routes.add(post, "/sales", http::with(of, &sell));
  of->routes.add(get, "/pages/{number}", http::with(of, &show_page));
  of->routes.add(get, inner_path, http::with(of, &answer_inner));
  of->routes.add(get, "/one", http::with(of, &ask_one));
  of->routes.add(get, "/either", http::with(of, &ask_either));
  of->routes.add(get, "/metrics", guard::access_log::metrics_endpoint(of->with->metrics));
  of->routes.add(get, "/debug/tasks", guard::access_log::tasks_endpoint(of->with->lookers));
}

}  // namespace assay::soak
