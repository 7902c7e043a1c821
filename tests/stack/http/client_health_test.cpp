// The health of a client's connections: a server that is away is left alone, and what was closed is counted by why.
#include <gmock/gmock.h>

#include "stack/observe/exposition.hpp"
#include "stack/observe/mirror.hpp"
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const script answers_at_once = {read_request(), sends(ok("x")), again()};

task<void> ask_every_10_ms(world* stage, std::vector<std::uint64_t>* attempts) {
  for (int i = 0; i < 200; ++i) {
    outcome seen;
    co_await world::send(stage, {}, &seen);
    EXPECT_EQ(seen.failure(), label(errc::refused));
    EXPECT_EQ(seen.took, 0ns);
    attempts->push_back(stage->http().counters().connects);
    std::ignore = co_await delay_for(10ms);
  }
}

TEST(client_health, a_server_that_is_away_is_asked_again_only_after_growing_pauses) {
  world stage;
  stage.listening = false;
  stage.limits.backoff_min = 100ms;
  stage.limits.backoff_max = 400ms;
  stage.limits.seed = 1;
  std::vector<std::uint64_t> attempts;
  stage.run(ask_every_10_ms(&stage, &attempts));
  EXPECT_EQ(attempts.front(), 1U);
  EXPECT_GE(attempts.back(), 5U) << "2 s of pauses of at most 0.4 s";
  EXPECT_LE(attempts.back(), 13U);
  EXPECT_EQ(stage.counters().refused_while_away, 200 - attempts.back());
  EXPECT_EQ(stage.counters().open_failures, attempts.back());
}

task<void> ask_before_and_after_it_comes(world* stage, std::vector<outcome>* into) {
  co_await world::send(stage, {}, &(*into)[0]);
  scope servers(co_await this_context());
  servers.spawn(stage->server.accept_all(stage->network(), *net::parse_address("127.0.0.1", port)));
  co_await world::send(stage, {}, &(*into)[1]);
  std::ignore = co_await delay_for(100ms);
  scope senders(co_await this_context());
  for (std::size_t i = 2; i < into->size(); ++i) senders.spawn(world::send(stage, {}, &(*into)[i]));
  std::ignore = co_await senders.join();
  servers.cancel(cancel_reason::shutdown);
  std::ignore = co_await servers.join();
}

TEST(client_health, a_server_that_has_come_back_serves_everybody_once_one_has_reached_it) {
  world stage({.latency = 1ms});
  stage.listening = false;
  stage.limits.backoff_min = stage.limits.backoff_max = 100ms;
  stage.server.scripts = {answers_at_once};
  std::vector<outcome> got(6);
  stage.run(ask_before_and_after_it_comes(&stage, &got));
  EXPECT_EQ(got[0].failure(), label(errc::refused));
  EXPECT_EQ(got[1].failure(), label(errc::refused)) << "it was away a moment ago";
  EXPECT_EQ(got[2].body(), "x");
  EXPECT_EQ(got[3].failure(), label(errc::refused)) << "one attempt at a time";
  EXPECT_EQ(stage.counters().connects, 2U);
  EXPECT_EQ(stage.counters().opened, 1U);
}

task<void> ask_within(world* stage, duration patience, outcome* into) {
  co_await with_deadline(stage->network().now() + patience, world::send(stage, {}, into));
}

task<void> ask_with_patience(world* stage, std::vector<duration> patiences, std::vector<outcome>* into) {
  for (const duration patience : patiences) co_await ask_within(stage, patience, &into->emplace_back());
}

TEST(client_health, who_gives_up_connecting_says_that_the_server_is_away_after_a_fair_wait_alone) {
  world stage({.latency = 1h});
  stage.limits.backoff_min = stage.limits.backoff_max = 10s;
  std::vector<outcome> got;
  stage.run(ask_with_patience(&stage, {400ms, 600ms, 600ms}, &got));
  EXPECT_EQ(got[0].failure(), label(errc::timed_out));
  EXPECT_EQ(got[1].failure(), label(errc::timed_out)) << "the first had no fair wait";
  EXPECT_EQ(got[2].failure(), label(errc::refused));
  EXPECT_EQ(got[2].took, 0ns);
}

TEST(client_health, says_why_connections_were_closed) {
  world stage;
  stage.limits.idle_timeout = 30s;
  stage.limits.max_age = 50s;
  stage.server.scripts = {answers_at_once,
                          {read_request(), sends("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")},
                          {read_request(), sends("garbage")},
                          {read_request(), sends(ok("x")), waits(1s), closes()},
                          answers_at_once};
  std::vector<outcome> got(8);
  stage.run([](world* on, std::vector<outcome>* into) -> task<void> {
    std::size_t at = 0;
    for (const duration pause : {0s, 31s, 1s, 1s, 2s, 20s, 29s, 2s}) {
      std::ignore = co_await delay_for(pause);
      co_await world::send(on, {}, &(*into)[at++]);
    }
  }(&stage, &got));
  EXPECT_EQ(std::ranges::count(got, "x", &outcome::body), 7);
  const client_counters& counted = stage.counters();
  EXPECT_EQ(counted.closed_idle, 1U);
  EXPECT_EQ(counted.closed_ended, 1U);
  EXPECT_EQ(counted.closed_broken, 2U) << "one that failed, one that was found dead";
  EXPECT_EQ(counted.closed_old, 1U);
  EXPECT_EQ(counted.opened, 6U);
}

task<void> ping_each(world* stage, std::vector<std::string>* into) {
  for (int i = 0; i < 3; ++i) {
    const result<void> well = co_await ping(stage->http());
    into->emplace_back(well ? "well" : label(well.error().code));
  }
}

TEST(client_health, is_asked_for_by_whoever_tells_whether_it_is_ready) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("")), read_request(),
                           sends("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), read_request(), closes()},
                          {read_request(), closes()}};
  std::vector<std::string> told;
  stage.run(ping_each(&stage, &told));
  EXPECT_THAT(told, testing::ElementsAre("well", "refused", testing::AnyOf("closed", "reset")));
  EXPECT_THAT(stage.server.requests[0].text, HasSubstr("GET /health/ready HTTP/1.1\r\n"));
}

task<void> show_and_ask(world* stage, std::string* text) {
  observe::registry metrics;
  observe::mirror numbers(metrics, metrics.add_shard());
  show(numbers, stage->http(), "quotes");
  EXPECT_EQ(numbers.problem(), "");
  outcome seen;
  co_await world::send(stage, {}, &seen);
  numbers.carry((co_await this_context()).on->now());
  *text = observe::expose(metrics, observe::exposition::prometheus);
  numbers.close();
}

TEST(client_health, is_shown_by_the_names_of_every_pool) {
  world stage;
  stage.server.scripts = {answers_at_once};
  std::string text;
  stage.run(show_and_ask(&stage, &text));
  for (const char* line :
       {"assay_client_opened_total{client=\"quotes\"} 1\n", "assay_client_open_failures_total{client=\"quotes\"} 0\n",
        "assay_client_closed_total{client=\"quotes\",reason=\"broken\"} 0\n",
        "assay_client_closed_total{client=\"quotes\",reason=\"ended\"} 0\n",
        "assay_client_refused_total{client=\"quotes\",reason=\"away\"} 0\n",
        "assay_client_connections{client=\"quotes\",state=\"idle\"} 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace assay::http::client_test
