// The pool: how many connections, who waits for them and for how long, which are used again.
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;

const script one_second_each = {read_request(), waits(1s), sends(ok("x")), again()};
const script at_once = {read_request(), sends(ok("x")), again()};

std::vector<client_request> numbered(int count) {
  std::vector<client_request> requests;
  for (int number = 0; number < count; ++number) requests.push_back({.target = "/" + std::to_string(number)});
  return requests;
}

std::string target_of(const scripted_server::seen_request& seen) {
  return seen.text.substr(4, seen.text.find(' ', 4) - 4);
}

TEST(client_pool, fifty_at_once_share_four_connections_in_order) {
  world stage;
  stage.limits.max_connections = 4;
  stage.limits.wait_timeout = 1min;
  stage.server.scripts = {one_second_each};
  const auto outcomes = stage.exchange_together(numbered(50));
  for (std::size_t index = 0; index < outcomes.size(); ++index) {
    EXPECT_EQ(outcomes[index].body(), "x");
    EXPECT_EQ(outcomes[index].ended, (index / 4 + 1) * 1s) << index;  // first come, first served
    EXPECT_EQ(target_of(stage.server.requests[index]), "/" + std::to_string(index));
  }
  EXPECT_EQ(stage.server.accepted, 4U);
  EXPECT_EQ(stage.counters().connects, 4U);
  EXPECT_EQ(stage.counters().reused, 46U);
}

TEST(client_pool, never_has_more_connections_than_allowed_whatever_their_end) {
  world stage;
  stage.limits.max_connections = 3;
  stage.limits.wait_timeout = 1min;
  stage.server.scripts = {{read_request(), waits(1s), sends(ok("x")), closes()},
                          {read_request(), waits(2s), sends("garbage")},
                          one_second_each,
                          {read_request(), closes()},
                          {read_request(), waits(1s), sends("HTTP/1.1 200 OK\r\n\r\nx"), closes()}};
  const auto outcomes = stage.exchange_together(numbered(50));
  EXPECT_EQ(std::ranges::count(outcomes, "x", &outcome::body), 48);
  EXPECT_EQ(std::ranges::count(outcomes, label(errc::protocol), &outcome::failure), 1);
  EXPECT_EQ(std::ranges::count(outcomes, label(errc::closed), &outcome::failure), 1);
  EXPECT_EQ(stage.server.most_open, 3U);
}

TEST(client_pool, the_line_of_waiters_is_bounded) {
  world stage;
  stage.limits.max_connections = 4;
  stage.limits.max_waiters = 10;
  stage.server.scripts = {one_second_each};
  const auto outcomes = stage.exchange_together(numbered(20));
  for (std::size_t index = 0; index < outcomes.size(); ++index) {
    EXPECT_EQ(outcomes[index].failure(), index < 14 ? "none" : label(errc::limit)) << index;
    if (index >= 14) EXPECT_EQ(outcomes[index].took, 0ns);
  }
}

TEST(client_pool, a_wait_in_line_ends_at_its_own_limit) {
  world stage;
  stage.limits.max_connections = 4;
  stage.limits.wait_timeout = 4500ms;
  stage.server.scripts = {one_second_each};
  const auto outcomes = stage.exchange_together(numbered(50));
  for (std::size_t index = 0; index < outcomes.size(); ++index) {
    const bool served = index < 20;  // its turn comes after four seconds, or before
    EXPECT_EQ(outcomes[index].failure(), served ? "none" : label(errc::limit)) << index;
    EXPECT_EQ(outcomes[index].took, served ? (index / 4 + 1) * 1s : 4500ms) << index;
  }
  EXPECT_EQ(stage.counters().wait_timeouts, 30U);
  EXPECT_EQ(stage.counters().refused_waiters, 0U);
  EXPECT_EQ(stage.server.requests.size(), 20U) << "nothing is sent of what was given up";
}

TEST(client_pool, a_request_that_is_sent_again_keeps_its_place) {
  world stage;
  stage.limits.max_connections = 1;
  stage.limits.max_waiters = 1;
  stage.server.scripts = {{read_request(), sends(ok("x")), read_request(), waits(1s), closes()}, at_once};
  std::vector<outcome> got(3);
  stage.run([](world* on, std::vector<outcome>* into) -> task<void> {
    co_await world::send(on, {.target = "/warm"}, &(*into)[0]);
    scope senders(co_await this_context());
    senders.spawn(world::send(on, {.target = "/a"}, &(*into)[1]));
    senders.spawn(world::send(on, {.target = "/b"}, &(*into)[2]));
    std::ignore = co_await senders.join();
  }(&stage, &got));
  for (const outcome& each : got) EXPECT_EQ(each.body(), "x");
  ASSERT_EQ(stage.server.requests.size(), 4U);
  EXPECT_EQ(target_of(stage.server.requests[1]), "/a");
  EXPECT_EQ(target_of(stage.server.requests[2]), "/a");
  EXPECT_EQ(target_of(stage.server.requests[3]), "/b");
}

// --- giving up -----------------------------------------------------------------------------------------------------

// Sends, and asks the request to stop after `patience`: by its deadline, or by cancelling it.
task<void> impatient(world* stage, client_request request, duration patience, bool by_deadline, outcome* into) {
  if (by_deadline) {
    const instant at = saturating_add(stage->network().now(), patience);
    co_await with_deadline(at, world::send(stage, std::move(request), into));
    co_return;
  }
  scope sender(co_await this_context());
  sender.spawn(world::send(stage, std::move(request), into));
  std::ignore = co_await delay_for(patience);
  sender.cancel(cancel_reason::user);
  std::ignore = co_await sender.join();
}

class giving_up_test : public testing::TestWithParam<bool> {
 protected:
  std::string_view expected() const { return label(GetParam() ? errc::timed_out : errc::cancelled); }
};
INSTANTIATE_TEST_SUITE_P(all, giving_up_test, testing::Bool(),
                         [](const auto& info) { return info.param ? "by_deadline" : "by_cancelling"; });

TEST_P(giving_up_test, while_waiting_for_a_connection_leaves_the_line) {
  world stage;
  stage.limits.max_connections = 1;
  stage.limits.max_waiters = 2;
  stage.server.scripts = {one_second_each};
  std::vector<outcome> got(3);
  stage.run([](world* on, bool by_deadline, std::vector<outcome>* into) -> task<void> {
    scope senders(co_await this_context());
    senders.spawn(world::send(on, {.target = "/first"}, &(*into)[0]));
    senders.spawn(impatient(on, {.target = "/gone"}, 500ms, by_deadline, &(*into)[1]));
    senders.spawn(world::send(on, {.target = "/next"}, &(*into)[2]));
    std::ignore = co_await senders.join();
  }(&stage, GetParam(), &got));
  EXPECT_EQ(got[0].body(), "x");
  EXPECT_EQ(got[1].failure(), expected());
  EXPECT_EQ(got[1].took, 500ms);
  EXPECT_EQ(got[2].body(), "x");
  EXPECT_EQ(got[2].took, 2s);
  EXPECT_EQ(stage.server.requests.size(), 2U);
  EXPECT_EQ(stage.counters().wait_timeouts, 0U) << "the caller's own deadline is no refusal";
}

TEST_P(giving_up_test, anywhere_in_the_exchange_spoils_the_connection_and_nothing_else) {
  const std::vector<script> servers = {
      {waits(24h)},                                    // connected, the request is not read
      {read_request()},                                // read and not answered
      {read_request(), sends("HTTP/1.1 200 OK\r\n")},  // in the head
      {read_request(), sends("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")},
      {read_request(), sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab")},
  };
  for (const script& steps : servers) {
    for (const std::size_t body_bytes : {0UZ, 1'000'000UZ}) {
      world stage;
      stage.limits.max_connections = 1;
      stage.server.scripts = {steps, at_once};
      std::vector<outcome> got(2);
      stage.run([](world* on, bool by_deadline, std::string body, std::vector<outcome>* into) -> task<void> {
        co_await impatient(on, {.verb = "PUT", .body = std::move(body)}, 2s, by_deadline, &(*into)[0]);
        EXPECT_EQ(on->http().idle_connections(), 0U);
        co_await world::send(on, {.target = "/next"}, &(*into)[1]);
      }(&stage, GetParam(), std::string(body_bytes, 'b'), &got));
      EXPECT_EQ(got[0].failure(), expected());
      EXPECT_EQ(got[0].took, 2s);
      EXPECT_EQ(got[1].body(), "x");
      EXPECT_EQ(stage.server.accepted, 2U);
    }
  }
}

TEST_P(giving_up_test, while_connecting_gives_the_connection_up) {
  world stage({.latency = 1s, .faults = {}});
  stage.limits.max_connections = 1;
  stage.limits.fair_wait = 1s;
  stage.server.scripts = {at_once};
  std::vector<outcome> got(2);
  stage.run([](world* on, bool by_deadline, std::vector<outcome>* into) -> task<void> {
    co_await impatient(on, {.target = "/gone"}, 500ms, by_deadline, &(*into)[0]);
    co_await world::send(on, {.target = "/next"}, &(*into)[1]);
  }(&stage, GetParam(), &got));
  EXPECT_EQ(got[0].failure(), expected());
  EXPECT_EQ(got[0].took, 500ms);
  EXPECT_EQ(got[1].body(), "x");
  EXPECT_EQ(stage.server.requests.size(), 1U);
}

TEST(client_pool, a_cancelled_context_sends_nothing) {
  world stage;
  stage.server.scripts = {at_once};
  outcome got;
  stage.run([](world* on, outcome* into) -> task<void> {
    context& ctx = co_await this_context();
    cancel_scope cancelled(*ctx.cancel);
    cancelled.cancel(cancel_reason::shutdown);
    context inner = ctx;
    inner.cancel = &cancelled;
    co_await with_context(inner, world::send(on, {}, into));
  }(&stage, &got));
  EXPECT_EQ(got.failure(), label(errc::cancelled));
  EXPECT_EQ(stage.server.accepted, 0U);
}

TEST(client_pool, another_address_of_the_host_is_asked_when_the_first_cannot_be_reached) {
  world stage;
  stage.server.scripts = {at_once};
  outcome got;
  stage.run([](outcome* into) -> task<void> {
    const auto at = [](std::uint16_t number) { return *net::parse_address("127.0.0.1", number); };
    client elsewhere({.host = "shop.test", .address = at(port + 1), .others = {at(port + 2), at(port)}});
    into->got = co_await elsewhere.send({});
  }(&got));
  EXPECT_EQ(got.body(), "x");
}

// --- age -----------------------------------------------------------------------------------------------------------

TEST(client_pool, an_idle_connection_is_used_until_its_time_and_not_after) {
  for (const auto& [pause, connections] : {std::pair(30s - 1ns, 1U), std::pair(duration(30s), 2U)}) {
    world stage;
    stage.limits.idle_timeout = 30s;
    stage.server.scripts = {at_once};
    const auto outcomes = stage.exchange(numbered(2), pause);
    EXPECT_EQ(outcomes[1].body(), "x");
    EXPECT_EQ(stage.server.accepted, connections);
  }
}

TEST(client_pool, a_connection_is_left_at_its_maximum_age) {
  world stage;
  stage.limits.idle_timeout = 30s;
  stage.limits.max_age = 60s;
  stage.server.scripts = {at_once};
  const auto outcomes = stage.exchange(numbered(7), 20s);  // at 0 20 40 | 60 80 100 | 120
  for (const outcome& each : outcomes) EXPECT_EQ(each.body(), "x");
  EXPECT_EQ(stage.server.accepted, 3U);
  EXPECT_EQ(stage.server.most_open, 1U);
}

TEST(client_pool, connections_of_a_burst_go_when_they_are_old_though_one_stays_in_use) {
  world stage;
  stage.limits.idle_timeout = 30s;
  stage.server.scripts = {one_second_each};
  stage.run([](world* on) -> task<void> {
    std::vector<outcome> burst(10);
    scope senders(co_await this_context());
    for (outcome& each : burst) senders.spawn(world::send(on, {}, &each));
    std::ignore = co_await senders.join();
    EXPECT_EQ(on->http().idle_connections(), 10U);
    for (int request = 0; request < 4; ++request) {
      std::ignore = co_await delay_for(9s);
      co_await world::send(on, {}, &burst[0]);
      EXPECT_EQ(burst[0].body(), "x");
    }
    EXPECT_EQ(on->http().idle_connections(), 1U);
  }(&stage));
  EXPECT_EQ(stage.server.accepted, 10U);
}

TEST(client_pool, after_a_restart_of_the_server_every_request_is_answered) {
  world stage;
  stage.limits.max_connections = 8;
  const script closed_while_idle = {read_request(), waits(1s), sends(ok("x")), waits(1s), closes()};
  stage.server.scripts = std::vector<script>(8, closed_while_idle);
  stage.server.scripts.push_back(one_second_each);
  std::vector<outcome> got(16);
  stage.run([](world* on, std::vector<outcome>* into) -> task<void> {
    for (std::size_t round = 0; round < 2; ++round) {
      scope senders(co_await this_context());
      for (std::size_t index = 0; index < 8; ++index) {
        senders.spawn(world::send(on, {.verb = "POST"}, &(*into)[round * 8 + index]));
      }
      std::ignore = co_await senders.join();
      std::ignore = co_await delay_for(5s);
    }
  }(&stage, &got));
  for (const outcome& each : got) EXPECT_EQ(each.body(), "x");
  EXPECT_EQ(stage.server.accepted, 16U);
  EXPECT_EQ(stage.server.most_open, 8U);
}

// --- misuse --------------------------------------------------------------------------------------------------------

task<void> send_with(client* by) { std::ignore = co_await by->send({}); }

void destroy_a_client_that_sends() {
  world stage;
  stage.server.scripts = {{read_request()}};
  stage.run([]() -> task<void> {
    const origin to{.host = "shop.test", .address = *net::parse_address("127.0.0.1", port)};
    auto doomed = std::make_unique<client>(to);
    scope senders(co_await this_context());
    senders.spawn(send_with(doomed.get()));
    doomed.reset();
    std::ignore = co_await senders.join();
  }());
}

TEST(client_pool_death_test, a_client_outlives_its_requests) {
  EXPECT_DEATH(destroy_a_client_that_sends(), "every permit comes back");
}

}  // namespace
}  // namespace assay::http::client_test
