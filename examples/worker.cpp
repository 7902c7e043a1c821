// Work for a CPU, off the loop: a pool of threads with a bounded queue. When it is full the answer is 503 at once, and
// a client that has gone takes its work along unless it has begun.
//
//   PORT=8080 build/examples/worker
//   curl 'http://127.0.0.1:8080/primes/1000000'
#include <memory>
#include <vector>

#include "stack/guard/serve.hpp"
#include "stack/http/json.hpp"
#include "stack/runtime/offload.hpp"

using namespace assay;

namespace {

constexpr std::uint32_t most = 50'000'000;

// How many primes there are up to `limit`: the sieve of Eratosthenes.
std::uint32_t count_primes(std::uint32_t limit) {
  std::vector<bool> composite(limit + 1);
  std::uint32_t count = 0;
  for (std::uint64_t candidate = 2; candidate <= limit; ++candidate) {
    if (composite[candidate]) continue;
    count++;
    for (std::uint64_t multiple = candidate * candidate; multiple <= limit; multiple += candidate) {
      composite[multiple] = true;
    }
  }
  return count;
}

task<http::response> primes(offload_pool* threads, std::uint32_t limit) {
  if (limit == 0 || limit > most) co_return http::response::text("a number from 1 to 50000000, please\n", 400);
  const result<std::uint32_t> count = co_await threads->run([limit] { return count_primes(limit); });
  if (!count) co_return http::response::from(count.error());
  co_return http::response::json(http::json_object({{"limit", limit}, {"primes", *count}}));
}

}  // namespace

int main() {
  offload_pool threads({.threads = 2, .max_queued = 64});  // of all loops
  http::router routes;
  routes.add(http::method::get, "/primes/{limit}",
             [&threads] ASSAY_CORO_WRAPPER(http::request&, std::uint32_t limit) { return primes(&threads, limit); });
  return guard::serve(routes);
}
