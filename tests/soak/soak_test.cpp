// Everything at once for a while: HTTP, WebSocket compressed and not, server-sent events, PostgreSQL and Redis with
// what they tell those who listen, work on threads, calls of another service, keys of what is done once, clients that
// leave in the middle or talk nonsense, handlers that hang until their deadline, connections to both databases that are
// killed; on two loops, with every guard on, a log, metrics and a watchdog. Afterwards nothing may be left.
//
// In ASSAY_SOAK_ROUNDS rounds (default 1) of ASSAY_SOAK_SECONDS (default 5), from the seed in ASSAY_SOAK_SEED (default
// 1) on, in one process: after each it is idle, and holds what it held before the first; memory is allowed a tolerance,
// but not to creep up over the rounds. `./run soak` runs it for hours, under the sanitizers and without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <utility>

#include "stack/data/postgres.hpp"
#include "stack/http/client.hpp"
#include "stack/runtime/unobserved.hpp"
#include "tests/integration/postgres_server.hpp"
#include "tests/integration/redis_server.hpp"
#include "tests/soak/faults.hpp"
#include "tests/soak/levels.hpp"
#include "tests/soak/service.hpp"
#include "tests/soak/visitors.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr duration until_idle = 30s;  // from the last visitor's leaving

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return otherwise;
  std::uint64_t number = otherwise;
  std::from_chars(text, text + std::string_view(text).size(), number);
  return number;
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

// What it holds once that is what it held before; what it still holds when it never is. Whoever left last may not have
// been noticed yet, and who has lost a database looks for it.
holdings held_once_idle(service& of, const holdings& before) {
  holdings now = of.held();
  for (const auto end = std::chrono::steady_clock::now() + until_idle;
       now.but_pools() != before.but_pools() && std::chrono::steady_clock::now() < end; now = of.held()) {
    std::this_thread::yield();
  }
  return now;
}

// What it holds while nobody has come yet, twice in a row between what it does by itself. The watchdog knows all loops
// by then, and the program's symbols.
holdings held_unvisited(service& of) {
  EXPECT_TRUE(of.stall());
  holdings before;
  holdings now = of.held();
  for (const auto end = std::chrono::steady_clock::now() + until_idle;
       (!now.quiet() || now != before) && std::chrono::steady_clock::now() < end;) {
    before = std::exchange(now, of.held());
  }
  EXPECT_TRUE(now.quiet()) << now;
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

holdings stopped(service& of) {
  const ending told = of.stop();
  EXPECT_TRUE(told.cut_nobody);
  return told.left;
}

// A service with that many visitors, from its beginning to its end. What is left then, the pools still there.
holdings left_by(const databases& behind, unsigned visitors) {
  service visited(behind.postgres.url(), behind.redis.url());
  EXPECT_THAT(visit(visited.address(), {.count = visitors, .length = 300ms}).wrong, ::testing::IsEmpty());
  return stopped(visited);
}

void expect_as_before(const holdings& after, const holdings& before) {
  EXPECT_EQ(after.but_pools(), before.but_pools());
  for (const loop_holdings& each : after.loops) EXPECT_LE(each.pooled, most_rows_connections + most_cache_connections);
}

// Of the process, while there is no service.
level level_without_service() { return level_of({.descriptors = static_cast<std::int64_t>(open_descriptors())}); }

// For whoever looks on.
void show_level(const std::string& when, const level& of) {
  constexpr double kibi = 1024;
  std::cout << when << ": heap " << std::llround(of.heap_bytes / kibi) << " KiB, resident "
            << std::llround(of.resident_bytes / kibi) << " KiB, " << of.descriptors << " descriptors, " << of.timers
            << " timers, " << of.frames << " frames\n"
            << std::flush;
}

// However slow the machine is: not everything was shed.
void expect_all_kinds(const tally& seen) {
  for (const char* served : {"GET /text 200",
                             "POST /echo 200",
                             "GET /rows 200",
                             "POST /transfer 200",
                             "POST /pipelined 200",
                             "POST /pipelined 409",
                             "POST /notify 200",
                             "GET /count 200",
                             "POST /publish 200",
                             "GET /stream 200",
                             "GET /throw 500",
                             "GET /nowhere 404",
                             "GET /hang 504",
                             "GET /stuck 504",
                             "GET /sums 200",
                             "GET /one 200",
                             "GET /either 200",
                             "GET /pages 200",
                             "GET /metrics 200",
                             "GET /debug 200",
                             "POST /sales again, replayed",
                             "POST /transfer again, replayed",
                             "socket talked",
                             "compressed socket talked",
                             "half closed, no answer",
                             "garbage, 400"}) {
    EXPECT_TRUE(seen.outcomes.contains(served)) << served;
  }
}

class soak : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(behind_.ok());
    ASSERT_EQ(run_here(make_accounts(behind_.postgres.url())), "");
  }
  ~soak() override { set_failure_reporter(reporter_before_); }

  // The rounds, on a service that lives for as long.
  void visit_in_rounds() {
    const std::uint64_t seed = number_from("ASSAY_SOAK_SEED", 1);
    const std::uint64_t rounds = number_from("ASSAY_SOAK_ROUNDS", 1);
    const auto length = std::chrono::seconds(number_from("ASSAY_SOAK_SECONDS", 5));
    service visited(behind_.postgres.url(), behind_.redis.url());
    const holdings before = held_unvisited(visited);
    const level unvisited = level_of(before);
    show_level("unvisited", unvisited);
    std::vector<level> levels;
    tally last;
    for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
      last = go_round(visited.address(), {.length = length, .seed = seed + round}, behind_);
      EXPECT_THAT(last.wrong, ::testing::IsEmpty());
      const holdings after = held_once_idle(visited, before);
      expect_as_before(after, before);
      levels.push_back(level_of(after));
      EXPECT_THAT(what_stays(unvisited, levels.back()), ::testing::IsEmpty());
      const std::uint64_t visits = show(last);
      show_level("round " + std::to_string(seed + round) + ": " + std::to_string(visits) + " visits; idle",
                 levels.back());
      std::cout << "  " << visited.stalls() << " stalls seen so far\n";
    }
    EXPECT_THAT(what_grows(levels), ::testing::IsEmpty());
    expect_all_kinds(last);
    expect_heard(visited.listened());
    expect_as_before(stopped(visited), never_visited_);
  }

  static void expect_heard(const heard& of) {
    EXPECT_GT(of.orders, 0U);
    EXPECT_GT(of.news, 0U);
    EXPECT_GT(of.order_gaps, 0U) << "its connections were killed";
    EXPECT_GT(of.news_gaps, 0U);
  }

  databases behind_;
  failure_reporter reporter_before_ = set_failure_reporter(&note_failure);
  holdings never_visited_ = {};
};

TEST_F(soak, nothing_is_left_of_mixed_load_faults_and_departures) {
  std::ignore = left_by(behind_, 4);  // what is made once in a process is made
  never_visited_ = left_by(behind_, 0);
  const level before = level_without_service();
  visit_in_rounds();
  const level after = level_without_service();
  show_level("before the service", before);
  show_level("after it", after);
  EXPECT_THAT(what_stays(before, after), ::testing::IsEmpty());
  EXPECT_EQ(unmeant_failures, 0);
  EXPECT_EQ(run_here(money(behind_.postgres.url())), 100'000) << "a transfer was done by half";
}

// --- the soak's own test

class soak_of_a_leak : public soak {};

task<void> ask_for_texts(const socket_address* at, int count) {
  http::client shop({.host = "127.0.0.1", .address = *at}, {});
  for (int i = 0; i < count; ++i) std::ignore = co_await shop.send({.target = "/text"});
}

TEST_F(soak_of_a_leak, a_service_that_keeps_a_page_of_each_request_is_found) {
  service visited(behind_.postgres.url(), behind_.redis.url(), planted::leak_of_a_page);
  const holdings before = held_unvisited(visited);
  std::vector<level> levels;
  for (std::size_t round = 0; round < min_rounds; ++round) {
    std::ignore = visit(visited.address(), {.count = 16, .length = 100ms, .seed = round});
    run_here(ask_for_texts(&visited.address(), 40));  // however few of them are in a visit
    levels.push_back(level_of(held_once_idle(visited, before)));
  }
  EXPECT_THAT(what_grows(levels), ::testing::Contains(::testing::StartsWith("bytes of the heap in use rise by ")));
  std::ignore = stopped(visited);
}

}  // namespace
}  // namespace assay::soak
