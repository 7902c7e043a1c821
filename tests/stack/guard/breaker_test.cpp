#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <list>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "stack/guard/breaker/layer.hpp"
#include "tests/stack/http/client_test_support.hpp"

namespace assay::guard::breaker {
namespace {

using namespace std::chrono_literals;

constexpr instant start{1000s};

// Opens at the second failure of two, for 5 s.
constexpr options quick = {.min_exchanges = 2, .failure_percent = 100, .open_for = 5s};

void fail_at(policy& gate, instant now) {
  result<pass> leave = gate.admit(now);
  ASSERT_TRUE(leave);
  leave->fail(now);
}

void succeed_at(policy& gate, instant now) {
  result<pass> leave = gate.admit(now);
  ASSERT_TRUE(leave);
  leave->succeed(now);
}

TEST(breaker_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_EQ(check({.buckets = 1}).error(), "breaker.buckets is 1; allowed: 2 to 1000");
  EXPECT_EQ(check({.failure_percent = 101}).error(), "breaker.failure_percent is 101; allowed: 1 to 100");
  EXPECT_EQ(check({.window = 1ms}).error(), "breaker.window is 1 ms; allowed: 10 ms to 3600 s");
  EXPECT_DEATH(policy({.min_exchanges = 0}), "options are checked");
}

// --- the window
// --------------------------------------------------------------------------------------------------------

TEST(breaker_window, forgets_a_bucket_at_a_time) {
  window last(10s, 10);
  last.add(start, true);
  last.add(start + 999ms, false);
  last.add(start + 1s, true);
  EXPECT_EQ(last.total(start + 10s - 1ns), (tally{.succeeded = 1, .failed = 2}));
  EXPECT_EQ(last.total(start + 10s), (tally{.succeeded = 0, .failed = 1}));
  EXPECT_EQ(last.total(start + 11s), tally{});
  last.add(start + 24h, true);
  EXPECT_EQ(last.total(start + 24h), (tally{.succeeded = 0, .failed = 1}));
}

// Against a list of everything that happened, whatever the gaps between.
TEST(breaker_window, counts_what_a_list_of_all_events_counts) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const unsigned buckets = 2 + static_cast<unsigned>(random() % 12);
    const duration width(1 + static_cast<duration::rep>(random() % 1000));
    window last(width * buckets, buckets);
    std::deque<std::pair<std::int64_t, bool>> events;
    instant now = start;
    for (int step = 0; step < 2000; ++step) {
      now += duration(static_cast<duration::rep>(random() % (random() % 50 == 0 ? 20'000 : 300)));
      const std::int64_t bucket = now.time_since_epoch() / width;
      const bool failed = random() % 3 == 0;
      last.add(now, failed);
      events.emplace_back(bucket, failed);
      while (events.front().first <= bucket - static_cast<std::int64_t>(buckets)) events.pop_front();
      tally expected;
      for (const auto& [when, bad] : events) (bad ? expected.failed : expected.succeeded)++;
      ASSERT_EQ(last.total(now), expected) << "seed " << seed << " step " << step;
    }
  }
}

// --- the circuit
// -------------------------------------------------------------------------------------------------------

TEST(breaker, opens_at_the_share_of_failures_and_not_before_there_are_enough_exchanges) {
  policy gate({.min_exchanges = 4, .failure_percent = 50});
  fail_at(gate, start);
  fail_at(gate, start);
  succeed_at(gate, start);
  EXPECT_EQ(gate.now_is(start), state::closed) << "three are not enough";
  succeed_at(gate, start);
  EXPECT_EQ(gate.now_is(start), state::closed) << "a success opens nothing";
  fail_at(gate, start);
  EXPECT_EQ(gate.now_is(start), state::open) << "three of five";
  EXPECT_EQ(gate.counted().opened, 1U);
}

// At 100 a second the window of 10 s holds 1,000 successes: by the share alone it would take 5 s more.
TEST(breaker, a_host_that_is_gone_is_given_up_after_a_second_however_well_it_did_before) {
  policy gate({});
  instant now = start;
  for (; now < start + 10s; now += 10ms) succeed_at(gate, now);
  const instant gone = now;
  for (; now < gone + 1s; now += 10ms) {
    fail_at(gate, now);
    ASSERT_EQ(gate.now_is(now), state::closed);
  }
  fail_at(gate, now);
  EXPECT_EQ(gate.now_is(now), state::open);
}

TEST(breaker, a_hiccup_that_takes_many_at_once_is_no_reason) {
  policy gate({});
  instant now = start;
  for (; now < start + 10s; now += 10ms) succeed_at(gate, now);
  for (int i = 0; i < 100; ++i) fail_at(gate, now);
  EXPECT_EQ(gate.now_is(now), state::closed);
  succeed_at(gate, now + 1s);
  for (int i = 0; i < 100; ++i) fail_at(gate, now + 2s);
  EXPECT_EQ(gate.now_is(now + 2s), state::closed) << "what failed before the success is forgotten";
}

TEST(breaker, a_few_failures_in_a_row_prove_nothing_however_long_they_take) {
  policy gate({.window = 1h});
  for (int i = 0; i < 100; ++i) succeed_at(gate, start);
  for (int i = 1; i < 20; ++i) fail_at(gate, start + i * 1min);
  EXPECT_EQ(gate.now_is(start + 19min), state::closed);
  fail_at(gate, start + 20min);
  EXPECT_EQ(gate.now_is(start + 20min), state::open);
}

TEST(breaker, forgets_failures_older_than_the_window) {
  policy gate({.window = 10s, .min_exchanges = 2, .failure_percent = 100});
  fail_at(gate, start);
  fail_at(gate, start + 11s);
  EXPECT_EQ(gate.now_is(start + 11s), state::closed);
}

TEST(breaker, when_open_refuses_and_says_for_how_long) {
  policy gate(quick);
  fail_at(gate, start);
  fail_at(gate, start);
  const result<pass> refused = gate.admit(start + 1s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::limit);
  EXPECT_EQ(http_status(refused.error()), 503);
  EXPECT_EQ(gate.retry_after(start + 1s), 4s);
  EXPECT_EQ(gate.counted().refused, 1U);
}

TEST(breaker, when_half_open_lets_one_probe_decide) {
  policy gate(quick);
  fail_at(gate, start);
  fail_at(gate, start);
  EXPECT_EQ(gate.now_is(start + 5s), state::half_open);
  {
    result<pass> probe = gate.admit(start + 5s);
    ASSERT_TRUE(probe);
    EXPECT_FALSE(gate.admit(start + 5s)) << "one at a time";
    EXPECT_FALSE(gate.admit(start + 1h)) << "however long it takes";
    probe->fail(start + 6s);
  }
  EXPECT_EQ(gate.retry_after(start + 6s), 5s) << "open again, from the end of the probe";
  EXPECT_FALSE(gate.admit(start + 11s - 1ns));
  succeed_at(gate, start + 11s);
  EXPECT_EQ(gate.now_is(start + 11s), state::closed);
  fail_at(gate, start + 11s);
  EXPECT_EQ(gate.now_is(start + 11s), state::closed) << "what was before is forgotten";
  EXPECT_EQ(gate.counted().probes, 2U);
  EXPECT_EQ(gate.counted().opened, 2U);
}

TEST(breaker, a_probe_that_says_nothing_gives_its_place_back) {
  policy gate(quick);
  fail_at(gate, start);
  fail_at(gate, start);
  {
    const result<pass> cancelled = gate.admit(start + 5s);
  }
  EXPECT_EQ(gate.now_is(start + 5s), state::half_open);
  succeed_at(gate, start + 5s);
  EXPECT_EQ(gate.now_is(start + 5s), state::closed);
  EXPECT_EQ(gate.counted().not_counted, 1U);
}

TEST(breaker, what_began_before_the_circuit_moved_on_no_longer_decides) {
  policy gate(quick);
  result<pass> slow_failure = gate.admit(start);
  result<pass> slow_success = gate.admit(start);
  fail_at(gate, start);
  fail_at(gate, start);
  result<pass> probe = gate.admit(start + 5s);
  slow_success->succeed(start + 5s);
  EXPECT_EQ(gate.now_is(start + 5s), state::half_open) << "only the probe closes it";
  slow_failure->fail(start + 5s);
  EXPECT_EQ(gate.now_is(start + 5s), state::half_open) << "and only the probe opens it";
  probe->succeed(start + 5s);
  EXPECT_EQ(gate.now_is(start + 5s), state::closed);
  EXPECT_EQ(gate.counted().not_counted, 2U);
}

// Passes that are taken, kept and ended in any order.
TEST(breaker, never_has_two_probes_out_and_asks_nothing_while_it_is_open) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    policy gate({.window = 1s, .min_exchanges = 3, .failure_percent = 50, .open_for = 500ms});
    std::list<pass> out;
    std::optional<std::list<pass>::iterator> probe;
    instant now = start;
    for (int step = 0; step < 5000; ++step) {
      now += std::chrono::milliseconds(random() % 60);
      const state before = gate.now_is(now);
      if (random() % 2 == 0) {
        result<pass> leave = gate.admit(now);
        ASSERT_EQ(leave.has_value(), before == state::closed || (before == state::half_open && !probe));
        if (!leave) continue;
        out.push_back(std::move(*leave));
        if (before == state::half_open) probe = std::prev(out.end());
      } else if (!out.empty()) {
        const auto ended = std::next(out.begin(), static_cast<std::ptrdiff_t>(random() % out.size()));
        const bool was_probe = probe && *probe == ended;
        const auto how = random() % 3;
        if (how == 0) ended->succeed(now);
        if (how == 1) ended->fail(now);
        out.erase(ended);
        if (was_probe) {
          probe.reset();
          const state after = how == 0 ? state::closed : how == 1 ? state::open : state::half_open;
          ASSERT_EQ(gate.now_is(now), after);
        } else if (before != state::closed) {
          ASSERT_EQ(gate.now_is(now), before);
        }
      }
    }
    EXPECT_GT(gate.counted().probes, 10U) << "seed " << seed;
    EXPECT_GT(gate.counted().opened, 10U) << "seed " << seed;
    out.clear();
  }
}

// --- around a client
// ---------------------------------------------------------------------------------------------------

using namespace http::client_test;

struct visit {
  duration pause{};  // before it
  duration deadline = std::chrono::hours(1);
  std::optional<duration> patience = {};  // after which the caller gives up: it cancels, which is not a timeout
  bool breaks_off = false;                // it promises a body, and does not bring it
};

task<result<void>> break_off(http::body_sink&) { co_return std::unexpected(error{.code = errc::closed}); }

http::client_request request_of(const visit& of) {
  if (of.breaks_off) return {.verb = "PUT", .target = "/", .stream = &break_off};
  return {.target = "/"};
}

task<void> ask_once(const exchange* ask, const visit* as, outcome* into) {
  into->got = co_await (*ask)(request_of(*as));
}

task<void> cancel_after(scope* asking, duration span) {
  std::ignore = co_await delay_for(span);
  asking->cancel(cancel_reason::user);
}

task<void> visit_all(world* stage, std::shared_ptr<policy> gate, const std::vector<visit>* visits,
                     std::vector<outcome>* into) {
  const exchange ask = compose({layer(gate)}, exchange_of(stage->http()));
  for (std::size_t i = 0; i < visits->size(); ++i) {
    std::ignore = co_await delay_for((*visits)[i].pause);
    context& ctx = co_await this_context();
    context limited = ctx.narrowed(ctx.on->now() + (*visits)[i].deadline);
    scope asking(limited);
    asking.spawn(ask_once(&ask, &(*visits)[i], &(*into)[i]));
    if ((*visits)[i].patience) asking.spawn(cancel_after(&asking, *(*visits)[i].patience));
    std::ignore = co_await asking.join();
  }
}

std::vector<outcome> visits(world& stage, const std::shared_ptr<policy>& gate, const std::vector<visit>& plan) {
  std::vector<outcome> outcomes(plan.size());
  stage.run(visit_all(&stage, gate, &plan, &outcomes));
  return outcomes;
}

TEST(breaker_layer, gives_up_a_host_that_does_not_answer_and_comes_back_to_it) {
  world stage;
  stage.limits.response_timeout = 1s;
  stage.server.scripts = {{read_request()}, {read_request(), closes()}, {read_request(), sends(ok("well")), again()}};
  const auto gate = std::make_shared<policy>(quick);
  const auto got = visits(stage, gate, {{}, {}, {}, {.pause = 5s}, {}});
  EXPECT_EQ(got[0].failure(), label(errc::timed_out));
  EXPECT_EQ(got[1].failure(), label(errc::closed));
  EXPECT_EQ(got[2].failure(), label(errc::limit));
  EXPECT_EQ(got[3].body(), "well") << "the probe";
  EXPECT_EQ(got[4].body(), "well");
  EXPECT_EQ(stage.server.requests.size(), 4U) << "nothing was sent while it was open";
  EXPECT_EQ(stage.counters().requests, 4U);
}

TEST(breaker_layer, counts_refused_connections) {
  world stage;
  stage.listening = false;
  const auto gate = std::make_shared<policy>(quick);
  const auto got = visits(stage, gate, {{}, {}, {}});
  EXPECT_EQ(got[1].failure(), label(errc::refused));
  EXPECT_EQ(got[2].failure(), label(errc::limit));
}

TEST(breaker_layer, counts_5xx_unless_told_not_to) {
  for (const bool counts : {true, false}) {
    world stage;
    stage.server.scripts = {{read_request(), sends("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), again()}};
    options chosen = quick;
    chosen.count_5xx = counts;
    const auto gate = std::make_shared<policy>(chosen);
    const auto got = visits(stage, gate, {{}, {}, {}});
    EXPECT_EQ(got[1].status(), 500);
    EXPECT_EQ(got[2].status(), counts ? 0 : 500);
  }
}

TEST(breaker_layer, a_caller_that_cancels_says_nothing_about_the_host) {
  world stage;
  stage.server.scripts = {{read_request()}};
  const auto gate = std::make_shared<policy>(quick);
  const auto got = visits(stage, gate, {{.patience = 100ms}, {.patience = 100ms}, {.patience = 100ms}});
  for (const outcome& each : got) EXPECT_EQ(each.failure(), label(errc::cancelled));
  EXPECT_EQ(gate->counted().failed, 0U);
  EXPECT_EQ(gate->counted().not_counted, 3U);
}

TEST(breaker_layer, a_producer_that_breaks_off_says_nothing_about_the_host) {
  world stage;
  stage.server.scripts = {{read_request()}};
  const auto gate = std::make_shared<policy>(quick);
  const auto got = visits(stage, gate, {{.breaks_off = true}, {.breaks_off = true}, {.breaks_off = true}});
  for (const outcome& each : got) EXPECT_EQ(each.failure(), label(errc::closed));
  EXPECT_EQ(gate->counted().failed, 0U);
  EXPECT_EQ(gate->counted().not_counted, 3U);
}

TEST(breaker_layer, a_deadline_that_nobody_could_keep_says_nothing_about_the_host) {
  world stage;
  stage.server.scripts = {{read_request()}};
  const auto gate = std::make_shared<policy>(quick);
  const auto got = visits(stage, gate, {{.deadline = 99ms}, {.deadline = 99ms}, {.deadline = 99ms}});
  for (const outcome& each : got) EXPECT_EQ(each.failure(), label(errc::timed_out));
  EXPECT_EQ(gate->counted().not_counted, 3U);
  EXPECT_EQ(gate->now_is(instant{}), state::closed);
}

TEST(breaker_layer, a_cancelled_probe_leaves_its_place_to_the_next_request) {
  world stage;
  stage.limits.response_timeout = 1s;
  stage.server.scripts = {
      {read_request()}, {read_request()}, {read_request()}, {read_request(), sends(ok("well")), again()}};
  const auto gate = std::make_shared<policy>(quick);
  const auto got = visits(stage, gate, {{}, {}, {.pause = 5s, .patience = 100ms}, {}});
  EXPECT_EQ(got[2].failure(), label(errc::cancelled));
  EXPECT_EQ(got[3].body(), "well");
  EXPECT_EQ(gate->counted().probes, 2U);
}

}  // namespace
}  // namespace assay::guard::breaker
