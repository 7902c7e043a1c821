// Failures that a service has to outlive, in virtual time, with the chains as they are by default: a dependency that is
// away for ten seconds, one that is slow, one of four hosts that freezes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/guard/chain/client.hpp"
#include "stack/guard/chain/server.hpp"
#include "tests/stack/guard/guard_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::chain {
namespace {

using namespace std::chrono_literals;
using guard::testing::call_all;
using guard::testing::caller;
using guard::testing::fake_host;
using guard::testing::outcome;
using guard::testing::run_virtual;
using guard::testing::virtual_start;

std::vector<caller> steady(duration every, duration length) {
  std::vector<caller> callers;
  for (duration at{}; at < length; at += every) callers.push_back({.comes = at});
  return callers;
}

// --- a dependency that is away

// Notes when it is asked.
struct logged_host {
  fake_host host;
  std::vector<duration> asked = {};

  exchange logged() {
    return [this, inner = host.exchange()] ASSAY_CORO_WRAPPER(http::client_request request) {
      return note(this, &inner, std::move(request));
    };
  }
  std::size_t asked_between(duration from, duration to) const {
    return static_cast<std::size_t>(std::ranges::count_if(asked, [=](duration at) { return from <= at && at < to; }));
  }

 private:
  static task<result<http::client_response>> note(logged_host* self, const exchange* inner,
                                                  http::client_request request) {
    self->asked.push_back((co_await this_context()).on->turn_time() - virtual_start);
    co_return co_await (*inner)(std::move(request));
  }
};

constexpr duration away_from = 10s;
constexpr duration away_to = 20s;

enum class absence : std::uint8_t { refuses, hangs };

task<void> go_away_and_come_back(fake_host* host, absence how) {
  std::ignore = co_await delay_until(virtual_start + away_from);
  const duration usual = host->takes;
  if (how == absence::refuses) host->fails = error{.code = errc::refused, .what = "connect"};
  if (how == absence::hangs) host->takes = 1h;
  std::ignore = co_await delay_until(virtual_start + away_to);
  host->fails.reset();
  host->takes = usual;
}

task<void> serve_through_absence(const exchange* ask, fake_host* host, absence how, std::vector<caller> callers,
                                 std::vector<outcome>* into) {
  scope both(co_await this_context());
  both.spawn(go_away_and_come_back(host, how));
  both.spawn(call_all(ask, std::move(callers), into));
  std::ignore = co_await both.join();
}

// What the service tells its own client of it.
int answered(const outcome& of) { return of.got ? of.got->status : http_status(of.got.error()); }

class dependency_away : public ::testing::TestWithParam<absence> {};
INSTANTIATE_TEST_SUITE_P(failure, dependency_away, ::testing::Values(absence::refuses, absence::hangs),
                         [](const auto& of) { return of.param == absence::refuses ? "refuses" : "hangs"; });

TEST_P(dependency_away, is_asked_little_answered_for_in_time_and_not_stormed_when_it_is_back) {
  logged_host database{.host = {.takes = 5ms}};
  client_options wanted;
  wanted.retry.seed = 1;
  const auto guards = client::make(wanted, {"database"});
  ASSERT_TRUE(guards) << guards.error();
  const exchange ask = guards->around({database.logged()});
  const std::vector<caller> callers = steady(10ms, 40s);
  std::vector<outcome> outcomes(callers.size());
  run_virtual(serve_through_absence(&ask, &database.host, GetParam(), callers, &outcomes));

  EXPECT_GE(guards->gate->counted().opened, 1U);
  EXPECT_LE(database.asked_between(away_from, away_to), 1100U) << "for a thousand requests";
  const duration back = away_to + 10s;  // the circuit is tried every few seconds
  std::size_t refused = 0;
  std::size_t timed_out = 0;
  for (std::size_t i = 0; i < callers.size(); ++i) {
    const duration took = outcomes[i].at - callers[i].comes;
    EXPECT_LE(took, wanted.call.limit) << i;
    const bool before = callers[i].comes < away_from - wanted.call.limit / 10;
    if (before || callers[i].comes >= back) EXPECT_EQ(outcomes[i].status(), 200) << i;
    if (callers[i].comes < away_from || outcomes[i].at >= away_to) continue;
    EXPECT_THAT(answered(outcomes[i]), ::testing::AnyOf(503, 504)) << i;
    (answered(outcomes[i]) == 503 ? refused : timed_out)++;
  }
  // Of a thousand. That it hangs is known, by the default, once half of the last ten seconds' requests have ended so.
  const bool hangs = GetParam() == absence::hangs;
  EXPECT_GE(refused, hangs ? 300U : 900U);
  EXPECT_LE(timed_out, hangs ? database.asked_between(away_from, away_to) : 0U) << "who has not asked has not waited";
  for (duration at = away_to; at < 40s; at += 100ms) {
    EXPECT_LE(database.asked_between(at, at + 100ms), 20U) << "twice as often as there are requests";
  }
}

// --- a dependency that is slow

// "/price" takes as long as it is told to, all else 10 ms.
task<http::response> shop(duration price, http::request& asked) {
  std::ignore = co_await delay_for(asked.path() == "/price" ? price : 10ms);
  co_return http::response::text("well\n");
}

struct others {
  std::size_t well = 0;
  duration slowest{};
};

// What became of the requests for other things, a hundred a second beside a hundred for prices.
others beside_prices(duration price, std::vector<part> bulkheads) {
  server_options wanted;
  wanted.shed = shed::options{.max_in_flight = 64, .max_waiting = 16};
  wanted.bulkheads = std::move(bulkheads);
  const auto guards = server::make(std::move(wanted));
  if (!guards) throw std::invalid_argument(guards.error());
  std::vector<http::testing::client_script> clients;
  for (int i = 0; i < 500; ++i) {
    for (const char* path : {"/price", "/items/1"}) {
      clients.push_back({.pieces = {{i * 10ms, http::testing::get(path, "connection: close\r\n")}}});
    }
  }
  const auto seen = http::testing::play(
      {.serve = guards->around([price] ASSAY_CORO_WRAPPER(http::request & asked) { return shop(price, asked); }),
       .clients = std::move(clients)});
  others found;
  for (std::size_t i = 1; i < seen.clients.size(); i += 2) {
    if (http::testing::statuses(seen.clients[i]) != std::vector<int>{200}) continue;
    found.well++;
    found.slowest = std::max(found.slowest, seen.clients[i].when("200") - static_cast<int>(i / 2) * 10ms);
  }
  return found;
}

TEST(failure, a_slow_dependency_behind_a_bulkhead_changes_nothing_for_other_routes) {
  const std::vector<part> wall = {{.path = "/price", .wall = {.name = "prices", .max_in_flight = 16}}};
  const others usual = beside_prices(10ms, wall);
  const others walled = beside_prices(4s, wall);
  const others open = beside_prices(4s, {});
  EXPECT_EQ(usual.well, 500U);
  EXPECT_EQ(walled.well, 500U);
  EXPECT_LE(walled.slowest, usual.slowest * 11 / 10);
  EXPECT_LT(open.well, 300U) << "without one, prices take all places";
}

// --- one of four hosts freezes

task<void> freeze(fake_host* host) {
  std::ignore = co_await delay_until(virtual_start + 5s);
  host->takes = 1h;
}

task<void> serve_while_one_freezes(const exchange* ask, fake_host* host, std::vector<caller> callers,
                                   std::vector<outcome>* into) {
  scope both(co_await this_context());
  both.spawn(freeze(host));
  both.spawn(call_all(ask, std::move(callers), into));
  std::ignore = co_await both.join();
}

double error_share(client_options wanted) {
  std::vector<fake_host> hosts(4, fake_host{.takes = 10ms});
  wanted.attempt = {.limit = 1s};
  const auto guards = client::make(std::move(wanted), {"a", "b", "c", "d"});
  if (!guards) throw std::invalid_argument(guards.error());
  std::vector<exchange> exchanges;
  for (fake_host& each : hosts) exchanges.push_back(each.exchange());
  const exchange ask = guards->around(std::move(exchanges));
  const std::vector<caller> callers = steady(5ms, 30s);
  std::vector<outcome> outcomes(callers.size());
  run_virtual(serve_while_one_freezes(&ask, &hosts[2], callers, &outcomes));
  const auto failed = std::ranges::count_if(outcomes, [](const outcome& each) { return each.status() != 200; });
  return static_cast<double>(failed) / static_cast<double>(outcomes.size());
}

TEST(failure, a_frozen_host_costs_nobody_an_answer_where_round_robin_alone_loses_one_of_four) {
  client_options plain;
  plain.retry = {.max_attempts = 1};
  plain.balance = {.by = balance::method::round_robin, .failures_to_eject = 1'000'000, .seed = 1};
  EXPECT_GT(error_share(plain), 0.15);
  for (const auto by : {balance::method::least_in_flight, balance::method::two_choices}) {
    client_options usual;
    usual.retry.seed = 1;
    usual.balance = {.by = by, .seed = 1};
    EXPECT_LT(error_share(usual), 0.001);
  }
}

// As it is for what may not be sent twice.
client_options without_retries(balance::method by, unsigned failures_to_eject) {
  client_options wanted;
  wanted.retry = {.max_attempts = 1};
  wanted.balance = {.by = by, .failures_to_eject = failures_to_eject, .seed = 1};
  return wanted;
}

TEST(failure, a_frozen_host_costs_few_their_answer_without_retries_too) {
  constexpr unsigned never_eject = 1'000'000;
  constexpr unsigned usual = balance::options{}.failures_to_eject;
  EXPECT_GT(error_share(without_retries(balance::method::round_robin, never_eject)), 0.15);
  EXPECT_GT(error_share(without_retries(balance::method::round_robin, usual)), 0.001);
  EXPECT_LT(error_share(without_retries(balance::method::least_in_flight, usual)), 0.001);
}

}  // namespace
}  // namespace assay::guard::chain
