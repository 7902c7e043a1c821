// What a run over long connections says of its own numbers: servers in virtual time whose times are known.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "lab/load/counter_random.hpp"
#include "tests/lab/load/streams_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

// How long the answer to a message takes, by when it came.
using time_of = std::function<duration(duration since_start, std::uint64_t number)>;

struct server_clock {
  instant start{};
  std::uint64_t messages = 0;
  time_of takes;
};

task<void> echo_by(std::shared_ptr<server_clock> of, loop* on, websocket::connection& peer) {
  while (true) {
    const result<websocket::message> got = co_await peer.receive();
    if (!got) co_return;
    if (of->messages == 0) of->start = on->now();
    if (!co_await delay_for(of->takes(on->now() - of->start, of->messages++))) co_return;
    if (!co_await peer.send(got->kind, got->payload)) co_return;
  }
}

model::stream_result echoes(stream_options options, time_of takes) {
  stream_stage stage(std::move(options));
  const auto clock = std::make_shared<server_clock>(server_clock{.takes = std::move(takes)});
  stage.talk = [&stage, clock] ASSAY_CORO_WRAPPER(websocket::connection & peer) {
    return echo_by(clock, &stage.on(), peer);
  };
  return stage.run();
}

// 1 to 3 ms, each by itself.
duration independent(std::uint64_t number) {
  return 1ms + duration(static_cast<duration::rep>(uniform(mix(number)) * 2e6));
}

stream_options of_even_rate(duration length = 16s) {
  stream_options options = of_ten(200);
  options.length = length;
  return options;
}

const model::quantile_interval* interval_at(const model::response_intervals& of, double quantile) {
  for (const model::quantile_interval& each : of.quantiles) {
    if (each.quantile == quantile) return &each;
  }
  return nullptr;
}

TEST(stream_findings, echoes_that_are_independent_are_worth_their_number) {
  const model::stream_result seen = echoes(of_even_rate(), [](duration, std::uint64_t k) { return independent(k); });
  ASSERT_TRUE(seen.intervals.mean);
  const model::quantile_interval* const median = interval_at(seen.intervals, 0.5);
  ASSERT_NE(median, nullptr);
  EXPECT_GT(median->effective_samples, 1'500) << "of 3200";
  EXPECT_LT(median->within.low_ns, 2.1e6);
  EXPECT_GT(median->within.high_ns, 2.1e6) << "the truth: 2 ms and a round trip";
  EXPECT_LT(median->within.high_ns - median->within.low_ns, 0.3e6);
  EXPECT_NE(interval_at(seen.intervals, 0.99), nullptr);
  EXPECT_EQ(interval_at(seen.intervals, 0.999), nullptr) << "three of 3200 lie beyond it";
  ASSERT_TRUE(seen.steady);
  EXPECT_EQ(seen.steady->from_s, 0);
  EXPECT_FALSE(seen.steady->drift);
}

TEST(stream_findings, a_percentile_that_an_objective_is_of_has_an_interval_too) {
  stream_options options = of_even_rate();
  options.gated_quantiles = {0.97};
  const model::stream_result seen = echoes(options, [](duration, std::uint64_t k) { return independent(k); });
  EXPECT_NE(interval_at(seen.intervals, 0.97), nullptr);
}

TEST(stream_findings, a_slow_begin_is_told_apart) {
  const model::stream_result seen = echoes(of_even_rate(), [](duration since, std::uint64_t k) {
    return since < 2s ? 10 * independent(k) : independent(k);
  });
  ASSERT_TRUE(seen.steady);
  EXPECT_NEAR(seen.steady->from_s, 2, 0.5);
  EXPECT_NEAR(seen.steady->before, 10, 2);
  ASSERT_TRUE(seen.steady->since);
  EXPECT_LT(seen.steady->since->max(), 4'000'000U);
}

TEST(stream_findings, where_the_service_drifts_there_are_no_intervals) {
  const model::stream_result seen =
      echoes(of_even_rate(), [](duration since, std::uint64_t k) { return independent(k) + since / 4000; });
  ASSERT_TRUE(seen.steady);
  ASSERT_TRUE(seen.steady->drift);
  EXPECT_GT(*seen.steady->drift, 2);
  EXPECT_FALSE(seen.intervals.mean);
  EXPECT_TRUE(seen.intervals.quantiles.empty());
}

TEST(stream_findings, too_short_a_run_has_none) {
  const model::stream_result seen =
      echoes(of_even_rate(50ms), [](duration, std::uint64_t k) { return independent(k); });
  EXPECT_EQ(seen.received, 10U);
  EXPECT_FALSE(seen.intervals.mean);
  EXPECT_TRUE(seen.intervals.quantiles.empty());
  EXPECT_FALSE(seen.steady);
}

TEST(stream_findings, each_stage_of_an_even_rate_has_its_own_and_a_ramp_has_none) {
  stream_options options = of_even_rate();
  options.rate_per_s.reset();
  options.stages = {{.rate_per_s = 200, .length = 8s},
                    {.rate_per_s = 200, .length = 2s, .end_rate_per_s = 100},
                    {.rate_per_s = 100, .length = 8s}};
  const model::stream_result seen =
      echoes(options, [](duration since, std::uint64_t k) { return since < 9s ? independent(k) : 2 * independent(k); });
  ASSERT_EQ(seen.stages.size(), 3U);
  EXPECT_TRUE(seen.intervals.quantiles.empty()) << "stages differ on purpose";
  EXPECT_FALSE(seen.steady);
  EXPECT_FALSE(seen.stages[1].intervals);
  ASSERT_TRUE(seen.stages[0].intervals);
  ASSERT_TRUE(seen.stages[2].intervals);
  const model::quantile_interval* const before = interval_at(*seen.stages[0].intervals, 0.5);
  const model::quantile_interval* const after = interval_at(*seen.stages[2].intervals, 0.5);
  ASSERT_NE(before, nullptr);
  ASSERT_NE(after, nullptr);
  EXPECT_LT(before->within.high_ns, 2.3e6);
  EXPECT_GT(after->within.low_ns, 3.7e6);
  EXPECT_TRUE(seen.stages[2].steady);
}

TEST(stream_findings, messages_go_out_as_the_schedule_has_them_through_all_stages) {
  for (const model::arrival_law law : {model::arrival_law::constant, model::arrival_law::poisson}) {
    stream_options options = of_ten(1);
    options.rate_per_s.reset();
    options.arrivals = law;
    options.stages = {{.rate_per_s = 100, .length = 4s}, {.rate_per_s = 100, .length = 4s, .end_rate_per_s = 500}};
    const model::stream_result seen = echoes(options, [](duration, std::uint64_t) { return 1ms; });
    ASSERT_TRUE(seen.arrivals_seen);
    EXPECT_GT(seen.arrivals_seen->gaps, 500U);
    EXPECT_LT(seen.arrivals_seen->gaps_off, 0.05);
    EXPECT_EQ(seen.arrivals_seen->offered_share, 1);
    EXPECT_EQ(seen.arrivals_seen->distance.has_value(), law == model::arrival_law::poisson);
    EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  }
}

TEST(stream_findings, messages_that_the_generator_sends_in_batches_are_of_another_law) {
  stream_stage stage(of_even_rate(4s));
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(1ms, peer); };
  for (duration at = 0ms; at < 4s; at += 50ms) stage.freeze_loop(at + 1us, at + 49ms);
  const model::stream_result seen = stage.run();
  ASSERT_TRUE(seen.arrivals_seen);
  EXPECT_GT(seen.arrivals_seen->gaps_off, 0.25);
  EXPECT_FALSE(seen.valid);
  EXPECT_TRUE(std::ranges::any_of(seen.reasons, [](const std::string& why) {
    return why.starts_with("arrivals were not constant as intended");
  })) << ::testing::PrintToString(seen.reasons);
}

TEST(stream_findings, a_server_that_is_not_there_or_does_not_read_makes_no_arrival_late) {
  stream_stage stage(of_even_rate(4s));
  const auto leave = [](websocket::connection& peer) -> task<void> { std::ignore = co_await peer.receive(); };
  stage.talk = [leave] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return leave(peer); };
  const model::stream_result seen = stage.run();
  EXPECT_GT(seen.errors.at("connect"), 100U);
  ASSERT_TRUE(seen.arrivals_seen);
  EXPECT_GT(seen.arrivals_seen->gaps, 300U);
  EXPECT_EQ(seen.arrivals_seen->gaps_off, 0);
}

TEST(stream_findings, idle_connections_have_no_law) {
  stream_options options = of_ten(1);
  options.rate_per_s.reset();
  const model::stream_result seen = echoes(options, [](duration, std::uint64_t) { return 1ms; });
  EXPECT_FALSE(seen.arrivals_seen);
  EXPECT_FALSE(seen.steady);
}

// --- broadcasts ---

struct room {
  std::vector<websocket::connection*> members = {};
  std::uint64_t messages = 0;
  std::function<duration(std::uint64_t number)> takes;
};

// To one after the other, a microsecond apart; before that each message has a wait of its own.
task<void> be_member(std::shared_ptr<room> in, websocket::connection& peer) {
  in->members.push_back(&peer);
  while (true) {
    const result<websocket::message> said = co_await peer.receive();
    if (!said || !co_await delay_for(in->takes(in->messages++))) break;
    for (websocket::connection* each : in->members) std::ignore = each->try_send(said->kind, said->payload);
  }
  std::erase(in->members, &peer);
}

model::stream_result broadcasts(double rate_per_s, std::function<duration(std::uint64_t)> takes) {
  stream_options options = of_ten(rate_per_s);
  options.length = 32s;
  options.broadcast = true;
  stream_stage stage(options);
  const auto in = std::make_shared<room>(room{.takes = std::move(takes)});
  stage.talk = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return be_member(in, peer); };
  return stage.run();
}

// All ten deliveries of a message take the same: they are one observation.
TEST(stream_findings, deliveries_of_one_message_are_no_samples_of_their_own) {
  const model::stream_result seen = broadcasts(20, independent);
  EXPECT_EQ(seen.received, 6400U);
  const model::quantile_interval* const median = interval_at(seen.intervals, 0.5);
  ASSERT_NE(median, nullptr);
  EXPECT_LT(median->effective_samples, 1'200) << "640 messages were sent; what is beyond is by chance";
  EXPECT_GT(median->effective_samples, 300);
  EXPECT_LE(median->within.low_ns, 2.1e6);
  EXPECT_GE(median->within.high_ns, 2.1e6);
}

TEST(stream_findings, the_tail_of_a_broadcast_is_told_from_so_many_messages_not_deliveries) {
  const model::stream_result few = broadcasts(20, independent);
  EXPECT_NE(interval_at(few.intervals, 0.95), nullptr);
  EXPECT_EQ(interval_at(few.intervals, 0.99), nullptr) << "6400 deliveries, and six messages beyond it";
  const model::stream_result more = broadcasts(40, independent);
  EXPECT_NE(interval_at(more.intervals, 0.99), nullptr) << "twelve";
}

// --- events ---

// A feed of its own on each connection, whose events are such gaps apart.
struct feed {
  std::function<duration(duration since_start, std::uint64_t number)> gap;
  std::uint64_t events = 0;
  instant start = never;
};

task<void> tell(feed* as, loop* on, net::stream& to) {
  std::string request;
  while (!request.ends_with("\r\n\r\n")) {
    const result<net::chunk> some = co_await to.recv();
    if (!some || some->empty()) co_return;
    request += some->bytes();
  }
  as->start = std::min(as->start, on->now());
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
  if (!co_await to.send_all(head)) co_return;
  const std::string event = "data: tick\n\n";
  while (true) {
    if (!co_await delay_for(as->gap(on->now() - as->start, as->events++)) || !co_await to.send_all(event)) co_return;
  }
}

model::stream_result heard(feed as, double connects_per_s = 1000) {
  stream_stage stage({.url = "http://127.0.0.1:8080/feed",
                      .length = 16s,
                      .connections = 10,
                      .events = true,
                      .connects_per_s = connects_per_s});
  stage.serve_raw = [&] ASSAY_CORO_WRAPPER(net::stream & to) { return tell(&as, &stage.on(), to); };
  return stage.run();
}

TEST(stream_findings, gaps_of_a_feed_have_intervals_and_the_tail_counts_the_gaps_of_a_stream) {
  const model::stream_result seen = heard({.gap = [](duration, std::uint64_t k) { return 10 * independent(k); }});
  EXPECT_NEAR(static_cast<double>(seen.gap.count()), 8'000, 100);
  ASSERT_TRUE(seen.intervals.mean);
  EXPECT_LT(seen.intervals.mean->low_ns, 20e6);
  EXPECT_GT(seen.intervals.mean->high_ns, 20e6);
  const model::quantile_interval* const median = interval_at(seen.intervals, 0.5);
  ASSERT_NE(median, nullptr);
  EXPECT_LT(median->within.low_ns, 20.3e6);
  EXPECT_GT(median->within.high_ns, 19.7e6);
  EXPECT_NE(interval_at(seen.intervals, 0.95), nullptr);
  EXPECT_EQ(interval_at(seen.intervals, 0.999), nullptr) << "8000 gaps, and 800 of a stream";
  ASSERT_TRUE(seen.steady);
  EXPECT_FALSE(seen.steady->drift);
}

TEST(stream_findings, a_feed_that_falls_behind_has_none) {
  const model::stream_result seen =
      heard({.gap = [](duration since, std::uint64_t k) { return 10 * independent(k) + since / 200; }});
  ASSERT_TRUE(seen.steady);
  ASSERT_TRUE(seen.steady->drift);
  EXPECT_GT(*seen.steady->drift, 1.5);
  EXPECT_TRUE(seen.intervals.quantiles.empty());
}

TEST(stream_findings, gaps_count_from_when_all_streams_were_to_be_open) {
  const auto gap = [](duration since, std::uint64_t k) { return (since < 2s ? 50 : 10) * independent(k); };
  const model::stream_result seen = heard({.gap = gap}, 2.5);
  EXPECT_EQ(seen.intervals.from_s, 4);
  const model::quantile_interval* const median = interval_at(seen.intervals, 0.5);
  ASSERT_NE(median, nullptr);
  EXPECT_LT(median->within.high_ns, 21e6);
  const model::stream_result opening = heard({.gap = gap}, 1);
  EXPECT_TRUE(opening.intervals.quantiles.empty());
  EXPECT_TRUE(opening.intervals.why_not.contains("opened for more than half of the run"));
}

}  // namespace
}  // namespace assay::load
