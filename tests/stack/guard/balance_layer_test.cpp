// One exchange over several hosts, and their health checks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "stack/guard/balance/checks.hpp"
#include "stack/guard/balance/layer.hpp"
#include "stack/guard/retry/layer.hpp"
#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "tests/stack/guard/guard_test_support.hpp"

namespace assay::guard::balance {
namespace {

using namespace std::chrono_literals;
using guard::testing::caller;
using guard::testing::calls;
using guard::testing::fake_host;
using guard::testing::response_of;
using guard::testing::run_virtual;

constexpr options in_turn = {.by = method::round_robin, .failures_to_eject = 2, .seed = 1};

struct fleet {
  explicit fleet(std::size_t count, const options& chosen = in_turn) : hosts(count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
      names.push_back(std::string(1, static_cast<char>('a' + i)));
      hosts[i].answer = response_of(200, names.back());
    }
    among = std::make_shared<policy>(chosen, names);
  }

  std::vector<exchange> exchanges() {
    std::vector<exchange> all;
    for (fake_host& each : hosts) all.push_back(each.exchange());
    return all;
  }

  std::deque<fake_host> hosts;
  std::shared_ptr<policy> among;
};

std::vector<caller> one_by_one(int count, duration every) {
  std::vector<caller> callers;
  for (int i = 0; i < count; ++i) callers.push_back({.comes = every * i});
  return callers;
}

std::string bodies(const std::vector<guard::testing::outcome>& got) {
  std::string all;
  for (const auto& each : got) all += each.body() + " ";
  return all;
}

TEST(balance_layer, asks_the_hosts_and_leaves_out_who_fails) {
  fleet shop(3);
  shop.hosts[1].fails = error{.code = errc::refused};
  const auto got = calls(over(shop.among, shop.exchanges()), one_by_one(9, 20ms));
  EXPECT_EQ(bodies(got), "a failed: refused c a failed: refused c a c a ");
  EXPECT_EQ(shop.among->counted().ejected, 1U);
  EXPECT_EQ(shop.hosts[1].calls, 2);
}

TEST(balance_layer, a_host_that_still_sends_is_busy) {
  fleet shop(2, {.by = method::least_in_flight});
  shop.hosts[0].answer.source = std::make_shared<http::text_source>("large");
  {
    const auto got = calls(over(shop.among, shop.exchanges()), one_by_one(6, 20ms));
    EXPECT_EQ(shop.hosts[0].calls, 1) << "the other has answered, each time";
    EXPECT_EQ(shop.among->in_flight(0), 1U);
  }
  EXPECT_EQ(shop.among->in_flight(0), 0U);
}

TEST(balance_layer, a_retry_is_another_choice) {
  fleet shop(3);
  shop.hosts[0].answer = response_of(503);
  const auto again = std::make_shared<retry::policy>(retry::options{.seed = 1});
  const auto got = calls(compose({retry::layer(again)}, over(shop.among, shop.exchanges())), one_by_one(20, 500ms));
  for (const auto& each : got) EXPECT_EQ(each.status(), 200);
  EXPECT_EQ(shop.among->counted().ejected, 1U) << "a 5xx is a failure";
  EXPECT_EQ(again->counted().recovered, 2U);
}

// Each with one try more, and nobody is left out for failing: only who avoids the host just asked is answered always.
TEST(balance_layer, a_retry_leaves_out_the_hosts_that_had_the_request) {
  for (const method by : {method::two_choices, method::least_in_flight, method::round_robin, method::sticky}) {
    for (const unsigned ill : {1U, 2U}) {
      fleet shop(3, {.by = by, .failures_to_eject = 1'000'000, .seed = 1});
      for (unsigned i = 0; i < ill; ++i) shop.hosts[i].fails = error{.code = errc::refused};
      const retry::options patient{.max_attempts = ill + 1, .max_tokens = 1'000'000, .seed = 1};
      const auto again = std::make_shared<retry::policy>(patient);
      std::vector<caller> callers = one_by_one(60, 10ms);  // several at a time
      for (int i = 0; i < 60; ++i) callers[static_cast<std::size_t>(i)].request.target = "/" + std::to_string(i);
      const key_function by_target = [](const http::client_request& asked) { return std::string_view(asked.target); };
      const auto got = calls(compose({retry::layer(again)}, over(shop.among, shop.exchanges(), by_target)), callers);
      for (const auto& each : got) EXPECT_EQ(each.status(), 200) << static_cast<int>(by) << " " << ill;
      EXPECT_GT(again->counted().recovered, 10U) << static_cast<int>(by) << " " << ill;
    }
  }
}

TEST(balance_layer, with_every_host_asked_a_retry_leaves_out_the_last) {
  fleet shop(2, {.by = method::two_choices, .failures_to_eject = 1'000'000, .seed = 1});
  for (fake_host& each : shop.hosts) each.fails = error{.code = errc::refused};
  const auto again = std::make_shared<retry::policy>(retry::options{.max_attempts = 6, .max_tokens = 100, .seed = 1});
  for (int i = 1; i <= 4; ++i) {
    std::ignore = calls(compose({retry::layer(again)}, over(shop.among, shop.exchanges())), {{}});
    EXPECT_EQ(shop.hosts[0].calls, 3 * i) << "every other attempt";
    EXPECT_EQ(shop.hosts[1].calls, 3 * i);
  }
}

TEST(balance_layer, what_may_go_only_once_keeps_no_list) {
  fleet shop(2);
  shop.hosts[0].fails = error{.code = errc::refused};
  const auto again = std::make_shared<retry::policy>(retry::options{.seed = 1});
  const auto got = calls(compose({retry::layer(again)}, over(shop.among, shop.exchanges())),
                         {{.request = {.verb = "POST"}}, {.comes = 1s, .request = {.verb = "POST"}}});
  EXPECT_EQ(bodies(got), "failed: refused b ");
}

// Each chooses among its own: zones, and the hosts of a zone.
TEST(balance_layer, one_inside_of_another_keeps_its_own_account) {
  fleet near(2, {.by = method::round_robin, .failures_to_eject = 1'000'000, .seed = 1});
  fleet far(2, {.by = method::round_robin, .failures_to_eject = 1'000'000, .seed = 1});
  near.hosts[0].fails = error{.code = errc::refused};
  far.hosts[0].fails = error{.code = errc::refused};
  fleet zones(2, {.by = method::round_robin, .failures_to_eject = 1'000'000, .seed = 1});
  const exchange any = over(zones.among, {over(near.among, near.exchanges()), over(far.among, far.exchanges())});
  const auto again = std::make_shared<retry::policy>(retry::options{.max_attempts = 3, .seed = 1});
  const auto got = calls(compose({retry::layer(again)}, any), {{}});
  EXPECT_EQ(bodies(got), "b ") << "zones in turn, and in the first again: the other host";
  EXPECT_EQ(near.hosts[0].calls + far.hosts[0].calls, 2);
  EXPECT_EQ(near.hosts[1].calls, 1);
}

TEST(balance_layer, who_gives_up_says_nothing_about_the_host) {
  fleet shop(2);
  shop.hosts[0].takes = 1h;
  std::vector<caller> callers;
  for (int i = 0; i < 10; ++i) callers.push_back({.comes = 1s * i, .gives_up = 500ms});
  for (int i = 0; i < 10; ++i) callers.push_back({.comes = 20s + 1s * i, .deadline = 99ms});
  std::ignore = calls(over(shop.among, shop.exchanges()), callers);
  EXPECT_EQ(shop.among->counted().failed, 0U);
  EXPECT_EQ(shop.among->counted().not_counted, 10U);
  EXPECT_EQ(shop.among->in_flight(0), 0U);
}

TEST(balance_layer, with_no_host_left_refuses_without_asking) {
  fleet shop(2, {.checks_to_leave = 1, .panic_percent = 0, .seed = 1});
  shop.among->on_check(0, false);
  shop.among->on_check(1, false);
  const auto got = calls(over(shop.among, shop.exchanges()), {{}});
  EXPECT_EQ(got[0].body(), "failed: limit");
  EXPECT_EQ(shop.hosts[0].calls + shop.hosts[1].calls, 0);
}

TEST(balance_layer, what_sticks_is_the_value_of_a_field) {
  fleet shop(5, {.by = method::sticky, .seed = 1});
  std::vector<caller> callers;
  for (int i = 0; i < 20; ++i) {
    callers.push_back({.comes = 20ms * i, .request = {.headers = {{"X-Session", "ada"}}}});
    callers.push_back({.comes = 20ms * i, .request = {.headers = {{"x-session", "bob " + std::to_string(i)}}}});
  }
  const auto got = calls(over(shop.among, shop.exchanges(), by_field("x-session")), callers);
  std::string others;
  for (std::size_t i = 0; i < got.size(); i += 2) {
    EXPECT_EQ(got[i].body(), got[0].body());
    others += got[i + 1].body();
  }
  for (const char name : std::string("abcde")) EXPECT_TRUE(others.contains(name)) << name;
}

// --- health checks
// -----------------------------------------------------------------------------------------------------

TEST(balance_check_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check(check_options{}));
  EXPECT_EQ(check(check_options{.target = "health", .every = 1s, .timeout = 2s}).error(),
            "balance.checks.target is \"health\"; allowed: a path\n"
            "balance.checks.timeout is 2 s; allowed: 1 ms to 1 s");
}

task<void> note_changes(fleet* of, std::vector<std::string>* into, duration span) {
  for (duration at{}; at < span; at += 10ms) {
    std::ignore = co_await delay_until(guard::testing::virtual_start + at);
    std::string usable;
    for (std::size_t i = 0; i < of->hosts.size(); ++i) {
      if (of->among->usable(i, guard::testing::virtual_start + at)) usable += of->among->name_of(i);
    }
    if (into->empty() || into->back() != usable) into->push_back(usable);
  }
}

task<void> ail(fleet* of, duration from, duration to) {
  std::ignore = co_await delay_until(guard::testing::virtual_start + from);
  of->hosts[1].takes = 2s;  // too slow for a check
  std::ignore = co_await delay_until(guard::testing::virtual_start + to);
  of->hosts[1].takes = 10ms;
}

task<void> watch_for(fleet* of, check_options by, std::vector<std::string>* seen, duration span) {
  context& ctx = co_await this_context();
  scope background(ctx);
  background.spawn(watch(of->among, of->exchanges(), by));
  scope script(ctx);
  script.spawn(note_changes(of, seen, span));
  script.spawn(ail(of, 20s, 60s));
  std::ignore = co_await script.join();
  background.cancel(cancel_reason::shutdown);
  const result<void> ended = co_await background.join();
  EXPECT_TRUE(ended) << "it ends when it is told to";
}

TEST(balance_watch, takes_who_is_ill_out_and_brings_who_is_well_back) {
  fleet shop(3);
  std::vector<std::string> seen;
  run_virtual(watch_for(&shop, {.every = 5s, .timeout = 1s, .seed = 1}, &seen, 100s));
  EXPECT_THAT(seen, ::testing::ElementsAre("abc", "ac", "abc"));
  for (const fake_host& each : shop.hosts) {
    EXPECT_GE(each.calls, 15) << "in 100 s, every 4 to 6 s";
    EXPECT_LE(each.calls, 25);
    EXPECT_EQ(each.most_in_flight, 1) << "a check at a time";
  }
}

TEST(balance_watch, what_our_own_limits_refuse_is_no_check) {
  fleet shop(2);
  shop.hosts[0].fails = error{.code = errc::limit};
  std::vector<std::string> seen;
  run_virtual(watch_for(&shop, {.every = 1s, .timeout = 1s, .seed = 1}, &seen, 19s));
  EXPECT_THAT(seen, ::testing::ElementsAre("ab"));
}

TEST(balance_watch, an_answer_other_than_2xx_is_no_health) {
  fleet shop(2);
  shop.hosts[0].answer = response_of(404);
  std::vector<std::string> seen;
  run_virtual(watch_for(&shop, {.every = 1s, .timeout = 1s, .seed = 1}, &seen, 19s));
  EXPECT_THAT(seen, ::testing::ElementsAre("ab", "b"));
}

// --- over a network
// ----------------------------------------------------------------------------------------------------

task<http::response> say(std::string name) { co_return http::response::text(std::move(name)); }

task<void> serve_until_drained(http::server* served, net::listener from) {
  std::ignore = co_await served->run(std::move(from));
}

// Three servers behind one exchange; the second goes, and the rest carry on.
task<void> shop_of_three(sim_io* network, std::vector<std::string>* bodies) {
  context& ctx = co_await this_context();
  std::deque<http::server> servers;
  std::deque<http::client> clients;
  std::vector<exchange> exchanges;
  scope serving(ctx);
  for (std::uint16_t i = 0; i < 3; ++i) {
    const socket_address at = *net::parse_address("127.0.0.1", static_cast<std::uint16_t>(8000 + i));
    const std::string name(1, static_cast<char>('a' + i));
    const http::handler hello = [name] ASSAY_CORO_WRAPPER(http::request&) { return say(name); };
    servers.emplace_back(hello, http::server_limits{});
    serving.spawn(serve_until_drained(&servers.back(), *net::listener::open(*network, at)));
    clients.emplace_back(http::origin{.host = name, .address = at});
    exchanges.push_back(exchange_of(clients.back()));
  }
  const auto among = std::make_shared<policy>(in_turn, std::vector<std::string>{"a", "b", "c"});
  const exchange ask = over(among, exchanges);
  for (int i = 0; i < 9; ++i) {
    if (i == 3) servers[1].drain();
    std::ignore = co_await delay_for(10ms);
    const result<http::client_response> got = co_await ask({.target = "/"});
    bodies->push_back(got ? got->body : std::string(label(got.error().code)));
  }
  clients.clear();
  for (http::server& each : servers) each.drain();
  std::ignore = co_await serving.join();
}

TEST(balance_network, a_server_that_goes_is_left_out) {
  auto world = std::make_unique<sim_io>();
  sim_io& network = *world;
  loop on(std::move(world));
  std::vector<std::string> bodies;
  on.run(shop_of_three(&network, &bodies));
  EXPECT_THAT(bodies, ::testing::ElementsAre("a", "b", "c", "a", "refused", "c", "a", "refused", "c"));
  EXPECT_EQ(network.open_sockets(), 0U);
}

}  // namespace
}  // namespace assay::guard::balance
