// Everything at once for a while: HTTP, WebSocket, server-sent events, PostgreSQL and Redis, clients that leave in the
// middle, deadlines that pass, connections to both databases that are killed. Afterwards nothing may be left.
//
// In ASSAY_SOAK_ROUNDS rounds (default 1) of ASSAY_SOAK_SECONDS (default 5), from the seed in ASSAY_SOAK_SEED (default
// 1) on, in one process: after each it is idle, and what it holds then must be as before, or at least not creep up over
// the rounds. `./run soak` runs it for hours, under the sanitizers and without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "stack/data/postgres.hpp"
#include "stack/data/redis/redis.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/unobserved.hpp"
#include "tests/integration/postgres_server.hpp"
#include "tests/integration/redis_server.hpp"
#include "tests/soak/levels.hpp"
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

std::uint64_t show(const tally& seen) {
  std::uint64_t all = 0;
  for (const auto& [what, count] : seen.outcomes) {
    std::cout << "  " << count << " " << what << "\n";
    all += count;
  }
  return all;
}

struct databases {
  testing_support::postgres_server postgres;
  testing_support::redis_server redis;
  bool ok() const { return postgres.ok() && redis.ok(); }
};

// A round of visits while connections are killed.
tally go_round(const socket_address& at, const visit_options& how, const databases& behind) {
  std::atomic<bool> over = false;
  std::thread faults([&] { run_here(kill_connections(behind.postgres.url(), behind.redis.url(), &over)); });
  tally seen = visit(at, how);
  over = true;
  faults.join();
  return seen;
}

void expect_as_before(const holdings& after, const holdings& before) {
  EXPECT_EQ(after.connections, 0U);
  EXPECT_EQ(after.places, 0U);
  EXPECT_EQ(after.rows_busy, 0U);
  EXPECT_EQ(after.cache_in_flight, 0U);
  EXPECT_EQ(after.frames, before.frames) << "coroutines";
  EXPECT_EQ(after.tasks, before.tasks);
}

// A line of what an idle service holds, for whoever looks on.
void show_level(std::uint64_t round, std::uint64_t visits, const level& of) {
  constexpr double kibi = 1024;
  std::cout << "round " << round << ": " << visits << " visits; idle: heap " << std::llround(of.heap_bytes / kibi)
            << " KiB, resident " << std::llround(of.resident_bytes / kibi) << " KiB, " << of.descriptors
            << " descriptors, " << of.timers << " timers, " << of.frames << " frames\n"
            << std::flush;
}

TEST(soak, nothing_is_left_of_mixed_load_faults_and_departures) {
  const databases behind;
  ASSERT_TRUE(behind.ok());
  ASSERT_EQ(run_here(make_accounts(behind.postgres.url())), "");
  const failure_reporter before_it = set_failure_reporter(&note_failure);
  const std::size_t descriptors_before = open_descriptors();
  const std::uint64_t seed = number_from("ASSAY_SOAK_SEED", 1);
  const std::uint64_t rounds = number_from("ASSAY_SOAK_ROUNDS", 1);
  const auto length = std::chrono::seconds(number_from("ASSAY_SOAK_SECONDS", 5));
  {
    service visited(behind.postgres.url(), behind.redis.url());
    EXPECT_THAT(visit(visited.address(), {.count = 4, .length = 300ms, .seed = 1}).wrong, ::testing::IsEmpty());
    const holdings before = held_once_idle(visited, 0);
    std::vector<level> levels;
    tally last;
    for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
      last = go_round(visited.address(), {.length = length, .seed = seed + round}, behind);
      EXPECT_THAT(last.wrong, ::testing::IsEmpty());
      const holdings after = held_once_idle(visited, 0);
      expect_as_before(after, before);
      levels.push_back(level_of(after));
      show_level(seed + round, show(last), levels.back());
    }
    EXPECT_THAT(what_grows(levels), ::testing::IsEmpty());
    // However slow the machine is: not everything was shed.
    for (const char* served :
         {"GET /text 200", "POST /echo 200", "GET /rows 200", "POST /transfer 200", "GET /count 200", "GET /stream 200",
          "GET /throw 500", "GET /nowhere 404", "socket talked"}) {
      EXPECT_TRUE(last.outcomes.contains(served)) << served;
    }
    EXPECT_EQ(visited.stop().connections, 0U);
  }
  set_failure_reporter(before_it);
  EXPECT_EQ(unmeant_failures, 0);
  EXPECT_EQ(open_descriptors(), descriptors_before);
  EXPECT_EQ(run_here(money(behind.postgres.url())), 100'000) << "a transfer was done by half";
}

// --- the soak's own test

TEST(soak_levels, a_rise_is_a_trend_and_no_step_and_no_noise) {
  const std::vector<double> creeps = {10, 12, 11, 14, 15, 14, 17, 18, 19, 21};
  ASSERT_TRUE(rise_of(creeps));
  EXPECT_NEAR(*rise_of(creeps), 11, 1);
  EXPECT_FALSE(rise_of({10, 18, 12, 15, 11, 17, 14, 13})) << "as high at one time as at another";
  EXPECT_FALSE(rise_of({18, 17, 16, 15, 14, 13, 12, 11}));
  EXPECT_FALSE(rise_of({10, 10, 10, 10, 10, 10, 10, 10}));
  EXPECT_FALSE(rise_of({10, 20, 30})) << "three values can do that by chance";
  EXPECT_FALSE(rise_of({}));
}

TEST(soak_levels, what_fills_at_first_and_then_stays_is_no_growth) {
  std::vector<level> levels(min_rounds, level{.heap_bytes = 8e6, .descriptors = 20});
  for (std::size_t i = 0; i < min_rounds / 3; ++i) levels[i].heap_bytes = 1e6 * static_cast<double>(i);
  EXPECT_THAT(what_grows(levels), ::testing::IsEmpty());
  for (std::size_t i = 0; i < min_rounds; ++i) levels[i].descriptors += static_cast<double>(i);
  EXPECT_THAT(what_grows(levels), ::testing::ElementsAre("descriptors rise by 7 in 8 rounds, from 24 to 31"));
}

TEST(soak_levels, a_service_that_keeps_a_page_of_each_request_is_found) {
  const databases behind;
  ASSERT_TRUE(behind.ok());
  ASSERT_EQ(run_here(make_accounts(behind.postgres.url())), "");
  const failure_reporter before_it = set_failure_reporter(&note_failure);
  {
    service visited(behind.postgres.url(), behind.redis.url(), planted::leak_of_a_page);
    std::vector<level> levels;
    for (std::size_t round = 0; round < min_rounds; ++round) {
      std::ignore = visit(visited.address(), {.count = 16, .length = 200ms, .seed = round});
      levels.push_back(level_of(held_once_idle(visited, 0)));
    }
    EXPECT_THAT(what_grows(levels), ::testing::Contains(::testing::StartsWith("bytes of the heap in use rise by ")));
    std::ignore = visited.stop();
  }
  set_failure_reporter(before_it);
}

}  // namespace
}  // namespace assay::soak
