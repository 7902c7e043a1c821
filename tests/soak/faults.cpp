#include "tests/soak/faults.hpp"

#include <tuple>
#include <utility>

#include "stack/data/postgres.hpp"
#include "stack/data/redis/redis.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr duration between_faults = 300ms;

}  // namespace

task<void> kill_connections(std::string postgres, std::string redis, const std::atomic<bool>* over) {
  data::pool rows({.url = std::move(postgres), .max_connections = 1, .backoff_min = 5ms});
  data::redis::pool cache({.url = std::move(redis), .max_connections = 1, .backoff_min = 5ms});
  while (!*over) {
    std::ignore = co_await delay_for(between_faults);
    std::ignore = co_await rows.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND random() < 0.5");
    data::redis::batch both;
    both.add("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").add("CLIENT", "KILL", "TYPE", "pubsub");
    std::ignore = co_await cache.run(std::move(both));
  }
}

}  // namespace assay::soak
