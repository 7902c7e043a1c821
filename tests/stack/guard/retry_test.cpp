#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "stack/guard/breaker/layer.hpp"
#include "stack/guard/retry/layer.hpp"
#include "stack/guard/timeout/layer.hpp"
#include "tests/stack/http/client_test_support.hpp"

namespace assay::guard::retry {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(retry_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_EQ(check({.max_attempts = 0}).error(), "retry.max_attempts is 0; allowed: 1 to 100");
  EXPECT_EQ(check({.base_backoff = 3s}).error(), "retry.max_backoff is 2 s; allowed: 3 s to 3600 s");
  EXPECT_EQ(check({.statuses = {503, 200}}).error(), "retry.statuses is 200; allowed: 400 to 599");
  EXPECT_DEATH(policy({.max_tokens = 0}), "options are checked");
}

TEST(retry_after_field, is_whole_seconds_or_not_ours) {
  EXPECT_EQ(parse_retry_after("0"), 0s);
  EXPECT_EQ(parse_retry_after("120"), 2min);
  EXPECT_EQ(parse_retry_after("99999999999999999999999"), 24h);
  for (const char* other : {"", "-1", "1.5", "1 ", "Fri, 31 Dec 1999 23:59:59 GMT"}) {
    EXPECT_EQ(parse_retry_after(other), std::nullopt) << other;
  }
}

TEST(retry_backoff, doubles_its_limit_to_the_most_and_not_beyond) {
  const backoff pauses(50ms, 2s, 1);
  EXPECT_EQ(pauses.limit(1), 50ms);
  EXPECT_EQ(pauses.limit(2), 100ms);
  EXPECT_EQ(pauses.limit(6), 1600ms);
  EXPECT_EQ(pauses.limit(7), 2s);
  EXPECT_EQ(pauses.limit(4'000'000'000), 2s);
}

TEST(retry_backoff, is_uniform_below_its_limit_and_a_function_of_the_seed) {
  backoff pauses(50ms, 2s, 7);
  backoff same(50ms, 2s, 7);
  backoff other(50ms, 2s, 8);
  int differing = 0;
  for (const unsigned retry_number : {1U, 3U, 9U}) {
    const duration limit = pauses.limit(retry_number);
    duration sum{};
    int below_a_quarter = 0;
    for (int i = 0; i < 10'000; ++i) {
      const duration pause = pauses.before(retry_number);
      ASSERT_GE(pause, 0ns);
      ASSERT_LE(pause, limit);
      ASSERT_EQ(pause, same.before(retry_number));
      differing += pause != other.before(retry_number) ? 1 : 0;
      sum += pause;
      below_a_quarter += pause < limit / 4 ? 1 : 0;
    }
    // Ten standard errors: 0.29 / 100 and 0.43 / 100.
    EXPECT_NEAR(static_cast<double>((sum / 10'000).count()), static_cast<double>(limit.count()) * 0.5,
                static_cast<double>(limit.count()) * 0.029);
    EXPECT_NEAR(below_a_quarter, 2500, 433);
  }
  EXPECT_GT(differing, 29'000);
}

TEST(retry_budget, allows_none_with_half_of_its_tokens) {
  budget tokens(10, 100);
  for (int i = 0; i < 4; ++i) tokens.on_failure();
  EXPECT_TRUE(tokens.allows_retry());
  tokens.on_failure();
  EXPECT_FALSE(tokens.allows_retry()) << "five of ten";
  tokens.on_success();
  EXPECT_TRUE(tokens.allows_retry()) << "5.1 of ten";
  for (int i = 0; i < 100; ++i) tokens.on_failure();
  for (int i = 0; i < 50; ++i) tokens.on_success();
  EXPECT_FALSE(tokens.allows_retry()) << "it does not go below nothing, and five are back";
  tokens.on_success();
  EXPECT_TRUE(tokens.allows_retry());
}

// Whatever the outcomes: retries <= max_tokens / 2 + successes * ratio.
TEST(retry_budget, bounds_the_retries_by_what_has_succeeded) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    const std::uint64_t most = 1 + random() % 20;
    const std::uint64_t gain = 1 + random() % 500;
    budget tokens(most, gain);
    std::uint64_t milli_allowance = most * 500;
    std::uint64_t milli_retries = 0;
    for (int step = 0; step < 5000; ++step) {
      const unsigned failing_percent = step / 500 % 2 == 0 ? 5 : 90;
      if (random() % 100 < failing_percent) {
        tokens.on_failure();
        milli_retries += tokens.allows_retry() ? 1000U : 0U;
      } else {
        tokens.on_success();
        milli_allowance += gain;
      }
      ASSERT_LE(milli_retries, milli_allowance) << "seed " << seed << " step " << step;
    }
  }
}

// No pause ends at or beyond the deadline, and none is shorter than the server asked for.
TEST(retry_policy, keeps_to_the_deadline_and_to_what_the_server_asked_for) {
  std::mt19937_64 random(3);
  policy again({.max_attempts = 100, .max_tokens = 1'000'000, .seed = 1});
  int retried = 0;
  for (int i = 0; i < 20'000; ++i) {
    http::client_response refused;
    refused.status = 503;
    const auto asked = std::chrono::seconds(random() % 40);
    if (random() % 2 == 0) refused.headers.emplace_back("Retry-After", std::to_string(asked.count()));
    const instant now = instant(1000s) + std::chrono::milliseconds(random() % 1000);
    const instant deadline = now + std::chrono::milliseconds(random() % 60'000);
    const auto pause = again.pause_after(
        refused,
        {.number = 1 + static_cast<unsigned>(random() % 50), .repeatable = true, .now = now, .deadline = deadline});
    if (!pause) continue;
    retried++;
    ASSERT_LT(now + *pause, deadline);
    if (!refused.headers.empty()) ASSERT_GE(*pause, asked);
    ASSERT_LE(*pause, (refused.headers.empty() ? 0s : std::min<duration>(asked, 30s)) + 2s);
  }
  EXPECT_GT(retried, 5000);
}

// --- around a client
// ---------------------------------------------------------------------------------------------------

using namespace http::client_test;

// The longest pauses are 50 ms, 100 ms, ...
options seeded() { return {.seed = 1}; }

std::string refusal(int status, const std::string& fields = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " No\r\n" + fields + "Content-Length: 0\r\n\r\n";
}

task<void> ask_within(world* stage, std::vector<exchange_layer> layers, http::client_request request, duration span,
                      outcome* into) {
  exchange ask = exchange_of(stage->http());
  for (; !layers.empty(); layers.pop_back()) ask = layers.back()(std::move(ask));
  const instant start = stage->network().now();
  into->got = co_await with_deadline(saturating_add(start, span), ask(std::move(request)));
  into->took = stage->network().now() - start;
}

outcome ask(world& stage, const std::shared_ptr<policy>& again, http::client_request request = {}, duration span = 1h) {
  outcome got;
  stage.run(ask_within(&stage, {layer(again)}, std::move(request), span, &got));
  return got;
}

TEST(retry, a_refusal_that_passes_is_not_seen_by_the_caller) {
  world stage;
  stage.server.scripts = {
      {read_request(), sends(refusal(503)), read_request(), sends(refusal(502)), read_request(), sends(ok("at last"))}};
  const auto again = std::make_shared<policy>(seeded());
  const outcome got = ask(stage, again, {.verb = "PUT", .target = "/a", .body = "the body"});
  EXPECT_EQ(got.body(), "at last");
  EXPECT_GT(got.took, 0ms);
  EXPECT_LE(got.took, 150ms);
  ASSERT_EQ(stage.server.requests.size(), 3U);
  EXPECT_EQ(stage.server.requests[0].text, stage.server.requests[2].text) << "the same, body included";
  EXPECT_EQ(again->counted().retries, 2U);
  EXPECT_EQ(again->counted().recovered, 1U);
}

TEST(retry, the_last_attempts_outcome_is_the_callers) {
  world stage;
  stage.server.scripts = {{read_request(), sends(refusal(503)), again()}};
  const auto again_policy = std::make_shared<policy>(seeded());
  EXPECT_EQ(ask(stage, again_policy).status(), 503);
  EXPECT_EQ(stage.server.requests.size(), 3U);
  EXPECT_EQ(again_policy->counted().out_of_attempts, 1U);
}

TEST(retry, connections_that_break_are_tried_anew) {
  world stage;
  stage.server.scripts = {{read_request(), closes()},
                          {read_request(), sends("HTTP/1.1 200"), closes()},
                          {read_request(), sends(ok("well"))}};
  const auto again = std::make_shared<policy>(seeded());
  EXPECT_EQ(ask(stage, again).body(), "well");
  EXPECT_EQ(again->counted().retries, 2U);
}

TEST(retry, a_status_that_is_an_answer_is_one) {
  for (const int status : {200, 404, 409, 500, 501}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(refusal(status))}};
    const auto again = std::make_shared<policy>(seeded());
    EXPECT_EQ(ask(stage, again).status(), status);
    EXPECT_EQ(stage.server.requests.size(), 1U);
  }
}

TEST(retry, what_may_be_carried_out_only_once_is_sent_once_unless_it_carries_a_key) {
  world stage;
  stage.server.scripts = {{read_request(), sends(refusal(503)), again()}};
  const auto again_policy = std::make_shared<policy>(seeded());
  EXPECT_EQ(ask(stage, again_policy, {.verb = "POST", .body = "pay"}).status(), 503);
  EXPECT_EQ(stage.server.requests.size(), 1U);
  EXPECT_EQ(again_policy->counted().not_repeatable, 1U);

  world keyed;
  keyed.server.scripts = {{read_request(), sends(refusal(503)), read_request(), sends(ok("paid"))}};
  EXPECT_EQ(ask(keyed, again_policy, {.verb = "POST", .headers = {{"Idempotency-Key", "k1"}}, .body = "pay"}).body(),
            "paid");
  for (const auto& request : keyed.server.requests) EXPECT_THAT(request.text, HasSubstr("Idempotency-Key: k1\r\n"));
}

TEST(retry, a_server_that_names_a_time_is_not_asked_before) {
  world stage;
  stage.server.scripts = {
      {read_request(), sends(refusal(429, "Retry-After: 7\r\n")), read_request(), sends(ok("now"))}};
  const auto again = std::make_shared<policy>(seeded());
  const outcome got = ask(stage, again);
  EXPECT_EQ(got.body(), "now");
  EXPECT_GE(got.took, 7s);
  EXPECT_LE(got.took, 7s + 50ms);
}

TEST(retry, a_time_beyond_the_deadline_or_beyond_reason_is_not_waited_for) {
  for (const auto& [asked, span] : {std::pair{"7", 7s}, std::pair{"31", 3600s}}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(refusal(503, "Retry-After: " + std::string(asked) + "\r\n"))}};
    const auto again = std::make_shared<policy>(seeded());
    const outcome got = ask(stage, again, {}, span);
    EXPECT_EQ(got.status(), 503);
    EXPECT_EQ(got.took, 0s) << "the caller is told at once";
    EXPECT_EQ(again->counted().out_of_time, 1U);
  }
}

task<void> cancel_after(scope* asking, duration span) {
  std::ignore = co_await delay_for(span);
  asking->cancel(cancel_reason::user);
}

task<void> ask_and_cancel(world* stage, std::shared_ptr<policy> again, duration span, outcome* into) {
  scope asking(co_await this_context());
  asking.spawn(ask_within(stage, {layer(again)}, {}, 1h, into));
  asking.spawn(cancel_after(&asking, span));
  std::ignore = co_await asking.join();
}

TEST(retry, a_caller_that_cancels_ends_the_pause) {
  world stage;
  stage.server.scripts = {{read_request(), sends(refusal(503, "Retry-After: 20\r\n"))}};
  outcome got;
  stage.run(ask_and_cancel(&stage, std::make_shared<policy>(seeded()), 3s, &got));
  EXPECT_EQ(got.failure(), label(errc::cancelled));
  EXPECT_EQ(got.took, 3s);
  EXPECT_EQ(stage.server.requests.size(), 1U);
}

task<void> ask_many(world* stage, std::shared_ptr<policy> again, int count) {
  for (int i = 0; i < count; ++i) {
    outcome each;
    co_await ask_within(stage, {layer(again)}, {}, 1h, &each);
  }
}

TEST(retry, against_a_host_that_fails_for_good_there_are_hardly_more_requests_than_without) {
  world stage;
  stage.server.scripts = {{read_request(), sends(refusal(503)), again()}};
  const auto again_policy = std::make_shared<policy>(seeded());
  stage.run(ask_many(&stage, again_policy, 100));
  EXPECT_EQ(stage.server.requests.size(), 103U) << "300 without a budget";
  EXPECT_EQ(again_policy->counted().out_of_budget, 99U);
}

// --- with its neighbours in the client's order
// ------------------------------------------------------------------------

outcome ask_in_order(world& stage, duration span) {
  const auto again = std::make_shared<policy>(options{.max_attempts = 5, .seed = 1});
  const auto gate = std::make_shared<breaker::policy>(breaker::options{.min_exchanges = 2});
  const auto each = std::make_shared<timeout::policy>(timeout::options{.limit = 2s});
  outcome got;
  stage.run(ask_within(&stage, {layer(again), breaker::layer(gate), timeout::attempt_layer(each)}, {}, span, &got));
  return got;
}

TEST(retry, each_attempt_tells_the_server_what_is_left) {
  world stage;
  stage.server.scripts = {{read_request()}};
  const outcome got = ask_in_order(stage, 3s);
  EXPECT_EQ(got.failure(), label(errc::timed_out));
  EXPECT_EQ(got.took, 3s);
  ASSERT_EQ(stage.server.requests.size(), 2U);
  EXPECT_THAT(stage.server.requests[0].text, HasSubstr("request-timeout-ms: 2000\r\n"));
  EXPECT_THAT(stage.server.requests[1].text, HasSubstr("request-timeout-ms: 9")) << "a second, less the pause";
}

TEST(retry, an_open_circuit_ends_it) {
  world stage;
  stage.server.scripts = {{read_request()}};
  const outcome got = ask_in_order(stage, 1h);
  EXPECT_EQ(got.failure(), label(errc::limit));
  EXPECT_EQ(stage.server.requests.size(), 2U) << "five without a breaker";
  EXPECT_LE(got.took, 4s + 150ms);
}

}  // namespace
}  // namespace assay::guard::retry
