// Everything at once for a while: HTTP, WebSocket, server-sent events, PostgreSQL and Redis, clients that leave in the
// middle, deadlines that pass, connections to both databases that are killed. Afterwards nothing may be left.
//
// As long as ASSAY_SOAK_SECONDS says (default 5), from the seed in ASSAY_SOAK_SEED (default 1). `./run soak` runs it
// for hours, under the sanitizers.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "stack/data/postgres.hpp"
#include "stack/data/redis/redis.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/unobserved.hpp"
#include "tests/integration/postgres_server.hpp"
#include "tests/integration/redis_server.hpp"
#include "tests/soak/service.hpp"
#include "tests/soak/visitors.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr duration between_faults = 300ms;
constexpr duration until_idle = 30s;  // from the last visitor's leaving

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return otherwise;
  std::uint64_t number = otherwise;
  std::from_chars(text, text + std::string_view(text).size(), number);
  return number;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* all = opendir("/proc/self/fd");
  while (readdir(all) != nullptr) count++;
  closedir(all);
  return count;
}

// Every now and then the connections of somebody to the databases end.
task<void> kill_connections(std::string postgres, std::string redis, const std::atomic<bool>* over) {
  data::pool rows({.url = std::move(postgres), .max_connections = 1, .backoff_min = 5ms});
  data::redis::pool cache({.url = std::move(redis), .max_connections = 1, .backoff_min = 5ms});
  while (!*over) {
    std::ignore = co_await delay_for(between_faults);
    std::ignore = co_await rows.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND random() < 0.5");
    std::ignore = co_await cache.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  }
}

task<std::string> make_accounts(std::string postgres) {
  data::pool rows({.url = std::move(postgres), .max_connections = 1});
  for (const char* statement :
       {"CREATE TABLE IF NOT EXISTS accounts (id integer PRIMARY KEY, balance bigint NOT NULL)",
        "INSERT INTO accounts SELECT n, 1000 FROM generate_series(1, 100) n ON CONFLICT DO NOTHING"}) {
    const auto done = co_await rows.query(statement);
    if (!done) co_return describe(done.error());
  }
  co_return std::string();
}

task<std::int64_t> money(std::string postgres) {
  data::pool rows({.url = std::move(postgres), .max_connections = 1});
  const auto sum = co_await rows.query("SELECT sum(balance)::bigint FROM accounts");
  co_return sum ? (*sum)[0].get<std::int64_t>(0).value_or(-1) : -1;
}

// Exceptions of the handler that throws are meant; any other failure that nobody was told of is not.
std::atomic<int> unmeant_failures = 0;
void note_failure(const unobserved_failure& lost) noexcept {
  const std::string what = describe(lost);
  if (what == "planted") return;
  unmeant_failures++;
  std::cerr << "unobserved: " << what << "\n";
}

template <class T>
T run_here(task<T> main) {
  loop on(std::move(*make_io()));
  return on.run(std::move(main));
}

holdings held_once_idle(service& of, std::size_t connections) {
  holdings now = of.held();
  for (const auto end = std::chrono::steady_clock::now() + until_idle;
       (now.connections > connections || now.places > 0 || now.rows_busy > 0 || now.cache_in_flight > 0) &&
       std::chrono::steady_clock::now() < end;
       now = of.held()) {
    std::this_thread::yield();
  }
  return now;
}

void show(const tally& seen) {
  std::uint64_t all = 0;
  for (const auto& [what, count] : seen.outcomes) {
    std::cout << "  " << count << " " << what << "\n";
    all += count;
  }
  std::cout << all << " visits\n";
}

TEST(soak, nothing_is_left_of_mixed_load_faults_and_departures) {
  const testing_support::postgres_server postgres;
  const testing_support::redis_server redis;
  ASSERT_TRUE(postgres.ok() && redis.ok());
  ASSERT_EQ(run_here(make_accounts(postgres.url())), "");
  const failure_reporter before_it = set_failure_reporter(&note_failure);
  const std::size_t descriptors_before = open_descriptors();
  {
    service visited(postgres.url(), redis.url());
    const visit_options warm_up{.count = 4, .length = 300ms, .seed = 1};
    EXPECT_THAT(visit(visited.address(), warm_up).wrong, ::testing::IsEmpty());
    const holdings before = held_once_idle(visited, 0);

    std::atomic<bool> over = false;
    std::thread faults([&] { run_here(kill_connections(postgres.url(), redis.url(), &over)); });
    const visit_options long_visit{.length = std::chrono::seconds(number_from("ASSAY_SOAK_SECONDS", 5)),
                                   .seed = number_from("ASSAY_SOAK_SEED", 1)};
    const tally seen = visit(visited.address(), long_visit);
    over = true;
    faults.join();
    show(seen);
    EXPECT_THAT(seen.wrong, ::testing::IsEmpty());
    // However slow the machine is: not everything was shed.
    for (const char* served :
         {"GET /text 200", "POST /echo 200", "GET /rows 200", "POST /transfer 200", "GET /count 200", "GET /stream 200",
          "GET /throw 500", "GET /nowhere 404", "socket talked"}) {
      EXPECT_TRUE(seen.outcomes.contains(served)) << served;
    }

    const holdings after = held_once_idle(visited, 0);
    EXPECT_EQ(after.connections, 0U);
    EXPECT_EQ(after.places, 0U);
    EXPECT_EQ(after.rows_busy, 0U);
    EXPECT_EQ(after.cache_in_flight, 0U);
    EXPECT_EQ(after.frames, before.frames) << "coroutines";
    EXPECT_EQ(after.tasks, before.tasks);
    EXPECT_EQ(visited.stop().connections, 0U);
  }
  set_failure_reporter(before_it);
  EXPECT_EQ(unmeant_failures, 0);
  EXPECT_EQ(open_descriptors(), descriptors_before);
  EXPECT_EQ(run_here(money(postgres.url())), 100'000) << "a transfer was done by half";
}

}  // namespace
}  // namespace assay::soak
