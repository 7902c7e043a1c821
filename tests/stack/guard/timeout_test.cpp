#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/guard/timeout/layer.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/client_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::timeout {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(timeout_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_EQ(check({.limit = 0s}).error(), "timeout.limit is 0 s; allowed: 1 ms to 3600 s");
  EXPECT_DEATH(policy({.limit = 2h}), "options are checked");
}

TEST(timeout_field, is_whole_milliseconds_and_nothing_else) {
  EXPECT_EQ(parse_remaining("750"), 750ms);
  EXPECT_EQ(parse_remaining("0"), 0ms);
  EXPECT_EQ(parse_remaining("007"), 7ms);
  EXPECT_EQ(parse_remaining("99999999999999999999999999"), 24h);
  for (const char* malformed : {"", "-1", "+1", "1.5", "1s", "0x10", " 1", "1 ", "1,2"}) {
    EXPECT_EQ(parse_remaining(malformed), std::nullopt) << malformed;
  }
}

// --- in front of a handler
// --------------------------------------------------------------------------------------------

task<http::response> slow(http::request&) {
  const result<void> slept = co_await delay_for(1h);
  co_return slept ? http::response::text("slept") : http::response::from(slept.error());
}

struct answer {
  std::vector<int> statuses;
  duration at;
};

answer ask(const std::shared_ptr<policy>& limit, http::handler inner, const std::string& fields) {
  const http::testing::client_record seen =
      http::testing::play_one(compose({layer(limit)}, std::move(inner)), {{1s, http::testing::get("/", fields)}});
  return {.statuses = http::testing::statuses(seen), .at = seen.when("HTTP/1.1") - 1s};
}

TEST(timeout, a_handler_that_is_too_slow_is_504_at_the_limit) {
  const auto limit = std::make_shared<policy>(options{.limit = 2s});
  const answer got = ask(limit, slow, "");
  EXPECT_THAT(got.statuses, ElementsAre(504));
  EXPECT_EQ(got.at, 2s);
  EXPECT_EQ(limit->counted().late, 1U);
  EXPECT_EQ(limit->counted().narrowed, 0U);
}

TEST(timeout, what_the_caller_has_left_is_the_deadline_when_it_is_less) {
  const auto limit = std::make_shared<policy>(options{.limit = 2s});
  EXPECT_EQ(ask(limit, slow, "Request-Timeout-MS: 750\r\n").at, 750ms);
  EXPECT_EQ(limit->counted().narrowed, 1U);
  EXPECT_EQ(ask(limit, slow, "request-timeout-ms: 2000\r\n").at, 2s);
  EXPECT_EQ(ask(limit, slow, "request-timeout-ms: 100000\r\n").at, 2s) << "nobody gets more by asking for it";
  EXPECT_EQ(limit->counted().narrowed, 1U);
}

TEST(timeout, a_field_that_cannot_be_read_is_counted_and_ignored) {
  const auto limit = std::make_shared<policy>(options{.limit = 2s});
  EXPECT_EQ(ask(limit, slow, "request-timeout-ms: 5s\r\n").at, 2s);
  EXPECT_EQ(ask(limit, slow, "request-timeout-ms: 5\r\nrequest-timeout-ms: 7\r\n").at, 2s) << "two readings";
  EXPECT_EQ(limit->counted().malformed, 2U);
  EXPECT_EQ(limit->counted().narrowed, 0U);
}

TEST(timeout, with_nothing_left_no_handler_runs) {
  const auto limit = std::make_shared<policy>(options{});
  int calls = 0;
  const http::handler counts = [&calls](this auto, http::request&) -> task<http::response> {
    calls++;
    co_return http::response::text("done");
  };
  const answer got = ask(limit, counts, "request-timeout-ms: 0\r\n");
  EXPECT_THAT(got.statuses, ElementsAre(504));
  EXPECT_EQ(got.at, 0ms);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(limit->counted().expired, 1U);
  EXPECT_EQ(limit->counted().late, 0U);
}

TEST(timeout, an_answer_in_time_and_a_late_one_that_was_given_all_the_same_are_kept) {
  const auto limit = std::make_shared<policy>(options{.limit = 50ms});
  EXPECT_THAT(ask(limit, http::testing::answer_target, "").statuses, ElementsAre(200));
  EXPECT_EQ(limit->counted().late, 0U);
  const http::handler stubborn = [](http::request&) -> task<http::response> {
    std::ignore = co_await delay_for(100ms);
    co_return http::response::text("committed", 201);
  };
  EXPECT_THAT(ask(limit, stubborn, "").statuses, ElementsAre(201));
  EXPECT_EQ(limit->counted().late, 1U);
}

// --- around a client
// ---------------------------------------------------------------------------------------------------

using namespace http::client_test;

task<void> send_within(world* stage, std::shared_ptr<policy> limit, duration span, outcome* into) {
  const exchange send = compose({attempt_layer(limit)}, exchange_of(stage->http()));
  const instant start = stage->network().now();
  into->got = co_await with_deadline(saturating_add(start, span), send({.headers = {{"Request-Timeout-Ms", "9"}}}));
  into->took = stage->network().now() - start;
}

outcome attempt_within(world& stage, const std::shared_ptr<policy>& limit, duration span) {
  outcome got;
  stage.run(send_within(&stage, limit, span, &got));
  return got;
}

TEST(timeout_attempt, tells_the_server_what_is_left) {
  world stage({.latency = 10ms, .faults = {}});
  stage.server.scripts = {{read_request(), sends(ok("x"))}};
  const auto limit = std::make_shared<policy>(options{.limit = 2s});
  EXPECT_EQ(attempt_within(stage, limit, 1500ms + 999us).body(), "x");
  EXPECT_THAT(stage.server.requests.at(0).text, HasSubstr("request-timeout-ms: 1500\r\n"));
  EXPECT_THAT(stage.server.requests.at(0).text, Not(HasSubstr("Request-Timeout-Ms"))) << "the one from further up went";
}

TEST(timeout_attempt, ends_at_its_limit_however_long_the_caller_would_wait) {
  world stage;
  stage.server.scripts = {{read_request()}};
  const auto limit = std::make_shared<policy>(options{.limit = 2s});
  const outcome got = attempt_within(stage, limit, 1h);
  EXPECT_EQ(got.failure(), label(errc::timed_out));
  EXPECT_EQ(got.took, 2s);
  EXPECT_THAT(stage.server.requests.at(0).text, HasSubstr("request-timeout-ms: 2000\r\n"));
  EXPECT_EQ(limit->counted().late, 1U);
}

TEST(timeout_attempt, with_nothing_left_nothing_is_sent) {
  world stage;
  stage.server.scripts = {{}};
  const auto limit = std::make_shared<policy>(options{});
  EXPECT_EQ(attempt_within(stage, limit, 999us).failure(), label(errc::timed_out));
  EXPECT_EQ(stage.server.accepted, 0U);
  EXPECT_EQ(limit->counted().expired, 1U);
}

}  // namespace
}  // namespace assay::guard::timeout
