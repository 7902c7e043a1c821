#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <random>
#include <utility>
#include <vector>

#include "stack/guard/adaptive/layer.hpp"
#include "stack/guard/shed/layer.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/stack/guard/guard_test_support.hpp"

namespace assay::guard::adaptive {
namespace {

using namespace std::chrono_literals;

constexpr instant start = testing::virtual_start;

TEST(adaptive_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_EQ(check({.min_limit = 0}).error(), "adaptive.min_limit is 0; allowed: 1 to 1000000");
  EXPECT_EQ(check({.max_limit = 10, .initial_limit = 11}).error(), "adaptive.initial_limit is 11; allowed: 4 to 10");
  EXPECT_EQ(check({.window = 1s, .probe_every = 9s}).error(), "adaptive.probe_every is 9 s; allowed: 10 s to 86400 s");
  EXPECT_DEATH(policy({.min_samples = 0}), "options are checked");
}

TEST(geometric_mean, is_that_of_the_logarithms_however_long_the_product) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency_ns(14, 3);  // a ms, give or take some orders of magnitude
  geometric_mean mean;
  double log_sum = 0;
  for (std::uint64_t n = 1; n <= 10'000; ++n) {
    const double one = std::max(latency_ns(random), 1.0);
    mean.add(one);
    log_sum += std::log(one);
    ASSERT_EQ(mean.count(), n);
    ASSERT_NEAR(std::log(mean.value()), log_sum / static_cast<double>(n), 1e-9) << n;
  }
}

// --- windows
// -----------------------------------------------------------------------------------------------------------

// A limit of 20 that looks every 100 ms at ten requests or more.
constexpr options quick = {.min_samples = 10, .seed = 1};

// So many requests side by side, each of which takes so long; those of 10 ms say what unloaded is.
instant work(policy& limit, int count, duration each, instant now) {
  std::list<ticket> together;
  for (int i = 0; i < count; ++i) together.push_back(limit.begin(now));
  for (ticket& one : together) one.done(now + each);
  return now + each;
}

instant work_for(policy& limit, int count, duration each, duration span, instant now) {
  for (const instant end = now + span; now < end;) now = work(limit, count, each, now);
  return now;
}

TEST(adaptive_window, that_is_idle_moves_no_limit_and_measures) {
  policy limit(quick);
  instant now = work_for(limit, 10, 10ms, 1s, start);
  EXPECT_EQ(limit.limit(), 20U) << "half of it was used";
  EXPECT_EQ(limit.unloaded(), 10ms);
  EXPECT_EQ(limit.counted().idle, limit.counted().windows - 1) << "the first counts for nothing";
  EXPECT_GE(limit.counted().windows, 8U);
  work_for(limit, 1, 14ms, 20s, now);
  EXPECT_NEAR(static_cast<double>(limit.unloaded().count()), 14e6, 0.2e6) << "it follows";
  EXPECT_EQ(limit.counted().probes, 0U) << "an idle limit needs none";
}

TEST(adaptive_window, that_is_busy_without_a_queue_raises_the_limit_by_its_root) {
  policy limit(quick);
  instant now = work_for(limit, 10, 10ms, 1s, start);
  work_for(limit, 11, 10ms, 100ms, now);
  EXPECT_EQ(limit.counted().raised, 1U);
  EXPECT_EQ(limit.limit(), 21U) << "20 + 0.4 * sqrt(20)";
  now = work_for(limit, 11, 10ms, 10s, now);
  EXPECT_EQ(limit.limit(), 23U) << "more than twice what is used, and then it is idle";
  for (int i = 0; i < 80; ++i) now = work_for(limit, 1000, 10ms, 110ms, now);
  EXPECT_EQ(limit.limit(), 256U);
}

TEST(adaptive_window, that_is_slow_lowers_the_limit_and_never_below_the_least) {
  policy limit(quick);
  instant now = work_for(limit, 10, 10ms, 1s, start);
  now = work_for(limit, 20, 15ms, 100ms, now);
  EXPECT_EQ(limit.counted().lowered, 0U) << "within the slack";
  now = work_for(limit, 20, 60ms, 120ms, now);
  EXPECT_EQ(limit.counted().lowered, 1U);
  // 21.8 + 0.4 * (21.8 * 0.5 + sqrt(21.8) - 21.8)
  EXPECT_EQ(limit.limit(), 19U);
}

TEST(adaptive_window, takes_the_mean_of_the_logarithms) {
  policy limit(quick);
  instant now = work_for(limit, 1, 2ms, 100ms, start);
  ticket slow = limit.begin(now);
  for (int i = 0; i < 49; ++i) now = work(limit, 1, 2ms, now);
  slow.done(start + 100ms + 2s);
  EXPECT_EQ(limit.counted().windows, 2U);
  EXPECT_NEAR(static_cast<double>(limit.unloaded().count()), 2e6 * std::pow(1000.0, 1.0 / 50), 1);
}

TEST(adaptive_window, counts_what_ended_in_it_whenever_it_began) {
  policy limit(quick);
  std::list<ticket> early;
  for (int i = 0; i < 5; ++i) early.push_back(limit.begin(start));
  work_for(limit, 1, 10ms, 150ms, start);
  for (ticket& one : early) one.done(start + 150ms);
  work_for(limit, 1, 10ms, 50ms, start + 150ms);
  EXPECT_EQ(limit.counted().windows, 2U);
  EXPECT_NEAR(static_cast<double>(limit.unloaded().count()), 1e6 * std::pow(1e10 * std::pow(150.0, 5), 1.0 / 15), 1);
}

TEST(adaptive_window, is_longer_where_requests_take_long) {
  policy limit(quick);
  instant now = work_for(limit, 10, 300ms, 600ms, start);
  EXPECT_EQ(limit.counted().windows, 1U);
  now = work(limit, 10, 300ms, now);
  EXPECT_EQ(limit.counted().windows, 2U) << "600 ms, twice the latency, after the first";
  work(limit, 10, 300ms, now);
  EXPECT_EQ(limit.counted().windows, 2U);
}

// --- endings
// -----------------------------------------------------------------------------------------------------------

TEST(adaptive_ticket, that_says_nothing_counts_for_nothing_but_its_place) {
  policy limit(quick);
  {
    const ticket failed = limit.begin(start);
    EXPECT_EQ(limit.in_flight(), 1U);
  }
  EXPECT_EQ(limit.in_flight(), 0U);
  EXPECT_EQ(limit.counted().ignored, 1U);
}

TEST(adaptive_ticket, that_was_cut_counts_once_it_took_longer_than_the_slack) {
  policy limit(quick);
  {
    limit.begin(start).cut(start + 1h);
  }
  EXPECT_EQ(limit.counted().ignored, 1U) << "nothing is known to compare it with";
  const instant now = work_for(limit, 10, 10ms, 1s, start);
  {
    limit.begin(now).cut(now + 14ms);
  }
  EXPECT_EQ(limit.counted().ignored, 2U) << "somebody was in a hurry";
  for (const duration after : {0ms, 100ms}) {
    std::list<ticket> together;
    for (int i = 0; i < 20; ++i) together.push_back(limit.begin(now + after));
    for (ticket& one : together) one.cut(now + after + 100ms);
  }
  EXPECT_EQ(limit.counted().ignored, 2U);
  EXPECT_EQ(limit.counted().lowered, 1U) << "by the second; what ended just before is in the first window";
}

// --- probes
// ------------------------------------------------------------------------------------------------------------

TEST(adaptive_probe, comes_when_nothing_was_measured_for_long_and_lets_half_in) {
  policy limit(quick);
  instant now = work_for(limit, 20, 10ms, 210ms, start);
  EXPECT_EQ(limit.limit(), 10U) << "nothing is known of the unloaded service";
  now = work_for(limit, 10, 10ms, 110ms, now);
  EXPECT_EQ(limit.counted().probes, 1U);
  EXPECT_EQ(limit.unloaded(), 10ms);
  EXPECT_EQ(limit.limit(), 20U);
  now = work_for(limit, 600, 10ms, 9s, now);
  EXPECT_EQ(limit.counted().probes, 1U);
  work_for(limit, 600, 10ms, 7s, now);
  EXPECT_EQ(limit.counted().probes, 2U);
}

TEST(adaptive_probe, that_is_as_slow_finds_the_service_slower) {
  policy limit(quick);
  instant now = work_for(limit, 10, 10ms, 1s, start);
  while (limit.counted().probes == 0) now = work(limit, static_cast<int>(limit.limit()), 100ms, now);
  EXPECT_EQ(limit.unloaded(), 100ms);
  EXPECT_EQ(limit.counted().slower, 1U);
  EXPECT_EQ(limit.limit(), 20U) << "it had fallen to half, for nothing";
  EXPECT_LT(now - start, 5s);
}

// Works on ten at a time.
TEST(adaptive_probe, that_is_faster_takes_the_queue_for_what_it_is) {
  options chosen = quick;
  chosen.initial_limit = 100;
  policy limit(chosen);
  instant now = work_for(limit, 10, 10ms, 1s, start);
  for (int i = 0; i < 200; ++i) {
    const auto count = static_cast<int>(limit.limit());
    now = work(limit, count, std::max<duration>(1ms * count, 10ms), now);
  }
  EXPECT_EQ(limit.unloaded(), 10ms);
  EXPECT_EQ(limit.limit(), 19U) << "where 1.5 * 10 ms / latency is 1 - 1 / sqrt(limit)";
  EXPECT_EQ(limit.counted().probes, 1U) << "when it had fallen to 50: with 24, with 12, with 6";
  EXPECT_EQ(limit.counted().slower, 0U);
}

TEST(adaptive_probe, is_given_up_when_nothing_comes_of_it) {
  policy limit(quick);
  const instant now = work_for(limit, 20, 10ms, 210ms, start);
  ASSERT_EQ(limit.limit(), 10U);
  {
    const ticket failed = limit.begin(now + 9s);
  }
  EXPECT_EQ(limit.limit(), 10U);
  {
    const ticket failed = limit.begin(now + 11s);
  }
  EXPECT_EQ(limit.limit(), 20U);
  EXPECT_EQ(limit.counted().probes, 0U);
}

// --- in front of a service
// ---------------------------------------------------------------------------------------------

// Works on `at_once` requests; with more in flight each takes longer, in proportion.
struct service {
  double at_once = 1000;
  duration work = 20ms;
  bool even = true;  // else exponential
  std::mt19937_64 random{1};
  int in_flight = 0;

  duration latency() {
    const double queued = std::max(1.0, in_flight / at_once);
    const double drawn = even ? 1 : std::exponential_distribution<double>(1)(random);
    return duration(static_cast<duration::rep>(static_cast<double>(work.count()) * queued * drawn));
  }
};

task<http::response> serve(service* of) {
  of->in_flight++;
  std::ignore = co_await delay_for(of->latency());
  of->in_flight--;
  co_return http::response::text("done");
}

struct load {
  duration every = 1ms;
  duration span = 10s;
  duration counted_from = 5s;  // what came before is not in the tally
  duration changes_at = 1h;
  double at_once_then = 1000;
  duration work_then = 20ms;
};

struct tally {
  int served = 0;
  int refused = 0;
};

task<void> ask(const http::handler* with, tally* into) {
  testing::bare_request request;
  const http::response reply = co_await (*with)(request);
  (reply.status == 200 ? into->served : into->refused)++;
}

task<void> send_all(const http::handler* with, service* of, load plan, tally* into) {
  context& ctx = co_await this_context();
  const instant begun = ctx.on->turn_time();
  tally before;
  scope asking(ctx);
  for (duration at{}; at < plan.span; at += plan.every) {
    std::ignore = co_await delay_until(begun + at);
    if (at >= plan.changes_at) {
      of->at_once = plan.at_once_then;
      of->work = plan.work_then;
    }
    asking.spawn(ask(with, at < plan.counted_from ? &before : into));
  }
  std::ignore = co_await asking.join();
}

struct run_result {
  tally counted;
  std::shared_ptr<policy> limit;
  std::shared_ptr<shed::policy> admission;
};

run_result run(service of, const load& plan, const options& chosen) {
  run_result seen{.counted = {},
                  .limit = std::make_shared<policy>(chosen),
                  .admission = std::make_shared<shed::policy>(shed::options{.max_in_flight = 256})};
  const http::handler inner = [&of] ASSAY_CORO_WRAPPER(http::request&) { return serve(&of); };
  const http::handler guarded = compose({shed::layer(seen.admission), layer(seen.limit, seen.admission)}, inner);
  testing::run_virtual(send_all(&guarded, &of, plan, &seen.counted));
  EXPECT_EQ(seen.admission->in_flight(), 0U);
  EXPECT_EQ(seen.limit->in_flight(), 0U);
  return seen;
}

// Ten at once for 20 ms: 500 a second. 1500 come.
TEST(adaptive_layer, finds_what_a_service_can_work_on_from_below_and_from_above) {
  for (const std::size_t initial : {4U, 20U, 256U}) {
    const run_result seen = run({.at_once = 10}, {.every = 667us}, {.initial_limit = initial, .seed = 1});
    EXPECT_GE(seen.limit->limit(), 10U) << "from " << initial;
    EXPECT_LE(seen.limit->limit(), 25U) << "from " << initial;
    EXPECT_NEAR(static_cast<double>(seen.limit->unloaded().count()), 20e6, 3e6) << "from " << initial;
    EXPECT_GE(seen.counted.served, 2450) << "in 5 s, from " << initial;
  }
}

TEST(adaptive_layer, finds_it_where_latencies_are_exponential) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    service noisy{.at_once = 10, .even = false, .random = std::mt19937_64(seed)};
    const run_result seen =
        run(std::move(noisy), {.every = 667us, .span = 20s, .counted_from = 5s}, {.initial_limit = 256, .seed = seed});
    EXPECT_GE(seen.limit->limit(), 8U) << "seed " << seed;
    EXPECT_LE(seen.limit->limit(), 40U) << "seed " << seed;
    EXPECT_GE(seen.counted.served, 6900) << "7500 could be; seed " << seed;
  }
}

TEST(adaptive_layer, refuses_nobody_while_there_is_enough) {
  const run_result few = run({.at_once = 10}, {.every = 10ms, .counted_from = 0s}, {.seed = 1});
  EXPECT_EQ(few.counted.refused, 0);
  EXPECT_EQ(few.limit->counted().probes, 0U);
  EXPECT_EQ(few.limit->limit(), 20U);
  const run_result many = run({}, {.every = 500us, .counted_from = 6s}, {.initial_limit = 4, .seed = 1});
  EXPECT_EQ(many.counted.refused, 0) << "40 in flight; it has grown from 4";
  EXPECT_GE(many.limit->limit(), 40U);
}

TEST(adaptive_layer, follows_a_dependency_that_has_become_slower) {
  const load plan = {.every = 500us, .span = 20s, .counted_from = 9s, .changes_at = 5s, .work_then = 60ms};
  const run_result seen = run({}, plan, {.seed = 1});
  EXPECT_GE(seen.limit->limit(), 120U) << "2000 a second for 60 ms";
  EXPECT_LE(seen.counted.refused, 220) << "1 % of 22'000";
}

TEST(adaptive_layer, does_not_follow_a_queue_of_its_own_making) {
  const load plan = {.every = 500us, .span = 20s, .counted_from = 8s, .changes_at = 5s, .at_once_then = 10};
  const run_result seen = run({.at_once = 100}, plan, {.seed = 1});
  EXPECT_LE(seen.limit->limit(), 30U) << "ten can be worked on";
  EXPECT_GE(seen.counted.served, 5800) << "6000 could be in 12 s";
}

task<http::response> with_status(int status) { co_return http::response::text("", status); }

task<void> ask_for(const http::handler* with) {
  testing::bare_request request;
  std::ignore = co_await (*with)(request);
}

TEST(adaptive_layer, measures_good_answers_alone) {
  const std::vector<std::pair<int, unsigned>> rows = {{200, 0}, {304, 0}, {404, 1}, {500, 1}, {503, 1}, {504, 1}};
  for (const auto& [status, ignored] : rows) {
    const auto limit = std::make_shared<policy>(quick);
    const auto admission = std::make_shared<shed::policy>(shed::options{});
    const http::handler inner = [code = status] ASSAY_CORO_WRAPPER(http::request&) { return with_status(code); };
    const http::handler guarded = layer(limit, admission)(inner);
    testing::run_virtual(ask_for(&guarded));
    EXPECT_EQ(limit->counted().ignored, ignored) << status;
    EXPECT_EQ(limit->in_flight(), 0U);
  }
}

}  // namespace
}  // namespace assay::guard::adaptive
