// Known servers in virtual time: what the generator of messages reports, to the nanosecond.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "lab/load/gate.hpp"
#include "lab/load/live_run.hpp"
#include "lab/load/schedule.hpp"
#include "tests/lab/load/streams_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

TEST(messages, a_known_latency_is_measured_exactly_and_the_parts_of_connecting_apart) {
  stream_stage stage(of_ten(100));
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(3ms, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_EQ(seen.due, 100U);
  EXPECT_EQ(seen.sent, 100U);
  EXPECT_EQ(seen.received, 100U);
  expect_all(seen.latency.response_time, 100, round_trip + 3ms);
  expect_all(seen.latency.service_time, 100, round_trip + 3ms);
  EXPECT_EQ(seen.latency.send_lag.max(), 0U);
  expect_all(seen.connect_time, 10, round_trip);
  expect_all(seen.answer_time, 10, round_trip);
  EXPECT_EQ(seen.connects, 10U);
  EXPECT_EQ(seen.reconnects, 0U);
  EXPECT_EQ(seen.open_at_end, 10U);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_TRUE(seen.lost_connections.empty()) << "we closed them, in good order";
}

TEST(messages, every_connection_has_the_same_share_in_an_order_of_the_seed) {
  std::map<std::uint64_t, std::vector<int>> orders;
  for (const std::uint64_t seed : {1U, 1U, 2U}) {
    stream_options options = of_ten(100);
    options.seed = seed;
    stream_stage stage(options);
    std::vector<int> order;
    int next = 0;
    const auto count = [](std::vector<int>* into, int number, websocket::connection& peer) -> task<void> {
      while (co_await peer.receive()) into->push_back(number);
    };
    stage.talk = [&, count] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return count(&order, next++, peer); };
    stage.run();
    ASSERT_EQ(order.size(), 100U);
    for (int each = 0; each < 10; ++each) EXPECT_EQ(std::ranges::count(order, each), 10) << each;
    const auto known = orders.emplace(seed, order).first;
    EXPECT_EQ(known->second, order) << "the same seed repeats it";
  }
  EXPECT_NE(orders[1], orders[2]);
}

stream_options three_stages() {
  return {.url = "ws://127.0.0.1:8080/",
          .stages = {{.rate_per_s = 100, .length = 1s},
                     {.rate_per_s = 100, .length = 1s, .end_rate_per_s = 300},
                     {.rate_per_s = 300, .length = 500ms}},
          .connections = 10};
}

TEST(messages, stages_follow_each_other_and_each_has_its_own_times) {
  stream_stage stage(three_stages());
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(3ms, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_EQ(seen.duration, 2500ms);
  EXPECT_NEAR(*seen.offered_rate, 450 / 2.5, 1e-9);
  ASSERT_EQ(seen.stages.size(), 3U);
  const std::vector<std::uint64_t> due = {100, 200, 150};
  const std::vector<std::string> shapes = {"100/s", "100..300/s", "300/s"};
  for (std::size_t i = 0; i < due.size(); ++i) {
    EXPECT_EQ(seen.stages[i].shape, shapes[i]);
    EXPECT_EQ(seen.stages[i].offered, due[i]);
    EXPECT_EQ(seen.stages[i].sent, due[i]);
    EXPECT_EQ(seen.stages[i].answered, due[i]);
    expect_all(seen.stages[i].latency.response_time, due[i], round_trip + 3ms);
  }
  EXPECT_EQ(seen.stages[2].start_s, 2);
  EXPECT_EQ(seen.stages[2].length_s, 0.5);
  EXPECT_EQ(seen.received, 450U);
}

// The server stops 100 ms before the first stage ends: what was meant for the first waits longest.
TEST(messages, a_stall_is_charged_to_the_stage_in_which_messages_were_meant_to_be_sent) {
  stream_stage stage(three_stages());
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  stage.at(900ms - 1us, [&] { stage.hold_server_until(1500ms); });
  const model::stream_result seen = stage.run();
  ASSERT_EQ(seen.stages.size(), 3U);
  EXPECT_EQ(seen.stages[0].latency.response_time.max(), to_ns(600ms + one_way));
  EXPECT_EQ(seen.stages[1].latency.response_time.max(), to_ns(500ms + one_way));
  EXPECT_EQ(seen.stages[2].latency.response_time.max(), to_ns(round_trip));
  EXPECT_EQ(seen.stages[0].latency.response_time.count_at_or_below(to_ns(round_trip)), 90U);
}

TEST(messages, a_second_has_what_was_meant_for_it) {
  stream_options options = of_ten(1000);
  options.length = 2500ms;
  options.keep_seconds = true;
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  stage.at(900ms - 1us, [&] { stage.hold_server_until(1500ms); });
  stage.run();
  const auto told = [&](std::size_t index) { return *told_second(stage.seconds(), index, 2500ms); };
  EXPECT_EQ(told(0).offered, 1000U);
  EXPECT_EQ(told(0).answered, 1000U) << "a hundred of them in the next second's time";
  EXPECT_NEAR(*told(0).response_max_ms, 600, 6);
  EXPECT_NEAR(*told(0).response_p50_ms, 0.1, 0.002);
  EXPECT_NEAR(*told(1).response_max_ms, 500, 5);
  EXPECT_TRUE(told(1).errors.empty());
  EXPECT_EQ(told(2).offered, 500U);
  EXPECT_EQ(told(2).length_s, 0.5);
  EXPECT_NEAR(*told(2).response_max_ms, 0.1, 0.002);
}

// A hundred messages of the first half second come late, and of the third window there is half.
TEST(messages, each_window_has_what_was_meant_for_it) {
  stream_options options = of_ten(1000);
  options.length = 2500ms;
  options.windowed = parse_gates("max<550ms every 1s,rate>900 every 1s").value();
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  stage.at(900ms - 1us, [&] { stage.hold_server_until(1500ms); });
  const model::stream_result seen = stage.run();
  ASSERT_EQ(seen.windows.size(), 2U);
  for (const model::window_outcome& each : seen.windows) EXPECT_EQ(each.windows, 2U) << each.gate;
  EXPECT_NEAR(*seen.windows[0].value, 600e6, 6e6);
  EXPECT_EQ(seen.windows[0].start_s, 0);
  EXPECT_EQ(seen.windows[0].failed, 1U) << "in the next nobody waited for as long";
  EXPECT_EQ(*seen.windows[1].value, 1000) << "by when they were meant to be sent";
  EXPECT_EQ(seen.windows[1].failed, 0U);
}

// In the first second the server answers nobody.
TEST(messages, a_second_has_what_came_to_nothing_by_kind) {
  stream_options options = of_ten(10);
  options.length = 2s;
  options.timeout = 400ms;
  options.keep_seconds = true;
  stream_stage stage(options);
  bool is_deaf = true;
  const auto talk = [](const bool* deaf, websocket::connection& peer) -> task<void> {
    while (true) {
      const result<websocket::message> got = co_await peer.receive();
      if (!got) co_return;
      if (!*deaf) std::ignore = co_await peer.send(got->kind, got->payload);
    }
  };
  stage.talk = [&, talk] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return talk(&is_deaf, peer); };
  stage.at(1s - 1ms, [&] { is_deaf = false; });
  stage.run();
  const model::live_second deaf = *told_second(stage.seconds(), 0, 2s);
  EXPECT_EQ(deaf.offered, 10U);
  EXPECT_EQ(deaf.answered, 0U);
  EXPECT_EQ(deaf.errors, (kinds{{"timed_out", 10}}));
  EXPECT_NEAR(*deaf.response_max_ms, 400, 4) << "the lower bound";
  EXPECT_EQ(told_second(stage.seconds(), 1, 2s)->answered, 10U);
}

TEST(messages, after_a_burst_it_is_told_when_the_level_of_before_was_back) {
  stream_options options = of_ten(0);
  options.rate_per_s.reset();
  options.stages = {{.rate_per_s = 100, .length = 5s},
                    {.rate_per_s = 1000, .length = 2s, .burst_of_per_s = 100},
                    {.rate_per_s = 100, .length = 6s}};
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  stage.at(5s - 1us, [&] { stage.hold_server_until(8s); });
  const model::stream_result seen = stage.run();
  ASSERT_EQ(seen.stages.size(), 3U);
  EXPECT_FALSE(seen.stages[0].burst);
  ASSERT_TRUE(seen.stages[1].burst);
  ASSERT_TRUE(seen.stages[1].burst->back_until_s) << seen.stages[1].burst->why_not;
  EXPECT_EQ(*seen.stages[1].burst->back_from_s, 1);
  EXPECT_EQ(*seen.stages[1].burst->back_until_s, 2);
}

// A backlog is sent over several turns of the loop: each of them is late, and there was one stall.
TEST(messages, a_stall_of_the_generators_own_is_found_in_what_was_sent_late_and_read_late) {
  stream_options options = of_ten(1000);
  options.length = 10s;
  options.gated_quantiles = {0.75};
  stream_stage stage(options, duration::zero());
  stage.talk = [&] ASSAY_CORO_WRAPPER(websocket::connection & peer) {
    return echo_at_work(10us, &stage.network(), peer);
  };
  stage.freeze_loop(4s + 500us, 4200ms);
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.stalls.count, 1U);
  EXPECT_NEAR(static_cast<double>(seen.stalls.longest_ns), 190e6, 10e6);
  EXPECT_NEAR(static_cast<double>(seen.stalls.touched_requests), 200, 10);
  EXPECT_TRUE(model::names_of(seen.stalls.touched).starts_with("p99, p99.9")) << model::names_of(seen.stalls.touched);
  EXPECT_LE(seen.stalls.touched.back().least_ns, 10e6);
  ASSERT_EQ(seen.stalls.asked.size(), 2U);
  EXPECT_EQ(seen.stalls.asked[0].quantile, 0.75);
  EXPECT_FALSE(seen.valid);
  EXPECT_TRUE(seen.reasons.back().starts_with("generator stalled 1 time(s), for up to ")) << seen.reasons.back();
}

TEST(messages, a_run_that_is_ended_early_has_the_stages_that_began) {
  stream_stage stage(three_stages());
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  stage.at(1250ms, [&] { stage.stop_load(); });
  const model::stream_result seen = stage.run();
  ASSERT_EQ(seen.stages.size(), 2U);
  EXPECT_EQ(seen.stages[1].length_s, 0.25);
  EXPECT_EQ(seen.stages[0].offered + seen.stages[1].offered, seen.due);
}

// The test that tells coordinated omission: for half a second the server does not run.
TEST(messages, a_stopped_server_is_charged_with_the_stall) {
  constexpr duration stops = 200ms + 1us;
  constexpr duration runs_again = 700ms;
  stream_stage stage(of_ten(1000));
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  stage.at(stops, [&] { stage.hold_server_until(runs_again); });
  const model::stream_result seen = stage.run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_EQ(seen.received, 1000U);
  // What was sent at 200 ms was under way when it stopped.
  EXPECT_EQ(seen.latency.response_time.max(), to_ns(runs_again + one_way - 200ms));
  EXPECT_EQ(seen.latency.send_lag.max(), 0U) << "nobody waits for an answer before sending";
  EXPECT_EQ(seen.stalls.count, 0U) << "it was the server's";
  EXPECT_EQ(seen.latency.response_time.count_at_or_below(to_ns(round_trip)), 500U) << "half of them met the stall";
}

TEST(messages, silence_ends_as_timeouts_with_their_lower_bound) {
  stream_options options = of_ten(10);
  options.timeout = 400ms;
  stream_stage stage(options);
  const auto listen = [](websocket::connection& peer) -> task<void> { std::ignore = co_await peer.until_closed(); };
  stage.talk = [listen] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return listen(peer); };
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.errors, (kinds{{"timed_out", 10}}));
  expect_all(seen.latency.response_time, 10, 400ms);
  EXPECT_EQ(seen.received, 0U);
  EXPECT_TRUE(seen.valid) << "a server that says nothing is a result";
}

TEST(messages, a_lost_connection_is_opened_again_and_every_message_accounted_for) {
  stream_options options = of_ten(100);
  options.length = 4s;
  stream_stage stage(options);
  int sessions = 0;
  const auto talk = [](bool ends, websocket::connection& peer) -> task<void> {
    if (!ends) co_return co_await echo_after(1ms, peer);
    std::ignore = co_await peer.receive();  // and has no answer
  };
  stage.talk = [&, talk] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return talk(sessions++ < 3, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.due, 400U);
  EXPECT_EQ(seen.received + model::total_of(seen.errors), seen.due);
  EXPECT_EQ(seen.errors.at("closed"), 3U) << "what the three did not answer";
  EXPECT_GE(seen.errors.at("connect"), 3 * 4U) << "ten a second each, for at least half a second";
  EXPECT_LE(seen.errors.at("connect"), 3 * 11U);
  EXPECT_EQ(seen.lost_connections, (kinds{{"closed", 3}}));
  EXPECT_EQ(seen.reconnects, 3U);
  EXPECT_EQ(seen.open_at_end, 10U);
}

TEST(messages, a_server_that_refuses_some_is_loaded_on_the_others) {
  stream_stage stage(of_ten(100));
  int asked = 0;
  stage.serve_raw = [&] ASSAY_CORO_WRAPPER(net::stream & peer) {
    return [](bool refuses, net::stream& to) -> task<void> {
      const result<net::chunk> request = co_await to.recv();
      if (refuses) std::ignore = co_await to.send_all("HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n");
      // Whoever is not refused waits, and is not answered.
      if (!refuses) std::ignore = co_await to.recv();
    }(asked++ > 0, peer);
  };
  const model::stream_result seen = stage.run();
  EXPECT_FALSE(stage.connected());
  EXPECT_TRUE(stage.connected().error().code == errc::refused || stage.connected().error().code == errc::timed_out);
  EXPECT_EQ(seen.sent, 0U);
}

TEST(messages, a_run_can_be_ended) {
  stream_options options = of_ten(100);
  options.length = 1h;
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(1ms, peer); };
  stage.at(505ms, [&] { stage.stop_load(); });
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.duration, 505ms);
  EXPECT_EQ(seen.due, 51U);
  EXPECT_EQ(seen.received, 51U);
}

TEST(messages, connecting_can_be_ended_whatever_it_waits_for) {
  stream_options options = of_ten(100);
  options.connects_per_s = 0.001;
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  stage.stop_while_connecting(10s);
  const instant begin = stage.on().now();
  stage.run();
  ASSERT_FALSE(stage.connected());
  EXPECT_EQ(stage.connected().error().code, errc::cancelled);
  EXPECT_LT(stage.on().now() - begin, 20s) << "the next connection was due in a quarter of an hour";
}

TEST(messages, who_connects_first_is_heard_while_the_others_connect) {
  stream_options options = of_ten(100);
  options.connects_per_s = 0.1;  // 90 s, beyond the server's ping and what it waits for the answer
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_TRUE(seen.lost_connections.empty());
  EXPECT_EQ(seen.connects, 10U);
  EXPECT_EQ(seen.reconnects, 0U);
  EXPECT_EQ(seen.received, seen.sent);
}

TEST(messages, idle_connections_with_a_lifetime_come_and_go) {
  stream_options options = of_ten(0);
  options.rate_per_s.reset();
  options.length = 60s;
  options.lifetime = 5s;
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_TRUE(seen.lost_connections.empty());
  EXPECT_EQ(seen.reconnects, 0U);
  EXPECT_EQ(seen.connects, 10 + seen.renewals);
  EXPECT_NEAR(static_cast<double>(seen.renewals), 10 * 60 / 5.0, 5 * std::sqrt(10 * 60 / 5.0)) << "as Poisson counts";
  EXPECT_EQ(seen.open_at_end, 10U);
}

TEST(messages, idle_connections_say_nothing_and_stay) {
  stream_options options = of_ten(0);
  options.rate_per_s.reset();
  options.length = 100s;  // beyond the server's ping
  stream_stage stage(options);
  stage.talk = [] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return echo_after(0ms, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_EQ(seen.open_at_end, 10U);
  EXPECT_EQ(seen.due, 0U);
  EXPECT_EQ(seen.reconnects, 0U) << "pings were answered";
}

// More come at once than one turn of the loop reads: those of the last turn have waited through all of them.
TEST(messages, a_burst_that_goes_over_several_turns_is_read_late_as_a_whole) {
  constexpr unsigned all = 600;
  constexpr duration work = 10us;  // of the server, in the same loop, for a message
  constexpr unsigned a_turn = 256;
  stream_options options = of_ten(all);
  options.connections = all;
  stream_stage stage(options, duration::zero());  // what it sends is there before the loop has come to an end
  stage.talk = [&] ASSAY_CORO_WRAPPER(websocket::connection & peer) {
    return echo_at_work(work, &stage.network(), peer);
  };
  stage.at(0s, [&] { stage.hold_server_until(1100ms); });
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.received, all);
  EXPECT_GT(seen.receive_lag_p99_ns, to_ns(a_turn * work)) << "a turn alone is shorter";
  EXPECT_LE(seen.receive_lag_p99_ns, to_ns(2 * all * work));
}

}  // namespace
}  // namespace assay::load
