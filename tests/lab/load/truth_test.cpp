// Known servers in virtual time: what the generator reports is what a textbook queue says, to the nanosecond.
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration latency = 50us;  // one way

std::vector<duration> arrivals_of(const load_options& options) {
  arrival_schedule schedule({.law = options.arrivals, .rate_per_s = *options.rate_per_s, .seed = options.seed});
  std::vector<duration> arrivals;
  for (; schedule.peek() < options.length; schedule.pop()) arrivals.push_back(schedule.peek());
  return arrivals;
}

void expect_times(const outcome& seen, const expected_times& expected) {
  SCOPED_TRACE("response, service, lag");
  expect_same(seen.response(), expected.response);
  expect_same(seen.service(), expected.service);
  expect_same(seen.lag(), expected.lag);
}

void expect_valid(const outcome& seen) {
  EXPECT_TRUE(seen.judged.valid) << ::testing::PrintToString(seen.judged.reasons);
  EXPECT_TRUE(seen.judged.reasons.empty());
  EXPECT_EQ(seen.measured.own_lag.max(), 0U) << "in virtual time the generator is never late";
}

TEST(truth, a_known_latency_is_measured_exactly) {
  world stage(latency);
  stage.options.rate_per_s = 1000;
  stage.options.connections = 8;
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 3ms}; };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.due, 10'000U);
  EXPECT_EQ(seen.measured.answers, 10'000U);
  EXPECT_EQ(seen.measured.answers_within_run, 9'997U);  // the other three come after the end
  for (const observe::histogram* each : {&seen.response(), &seen.service()}) {
    EXPECT_EQ(each->min(), ns(3100us));
    EXPECT_EQ(each->max(), ns(3100us));
  }
  EXPECT_EQ(seen.lag().max(), 0U);
  EXPECT_EQ(seen.took, 9'999ms + 3100us);
  expect_valid(seen);
}

// The head is the first byte's time where it comes at once; a body that drips makes the rest of the service time.
TEST(truth, the_first_byte_is_told_apart_from_the_whole_answer) {
  world stage(latency);
  stage.options.rate_per_s = 100;
  stage.options.length = 1s;
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  stage.server.decide = [&](std::size_t, std::size_t) {
    return reply{.after = 1ms, .bytes = head + "hello", .drip = 2ms};
  };
  const outcome seen = stage.run();
  const duration whole = 1ms + 2 * latency + static_cast<duration::rep>(head.size() + 4) * duration(2ms);
  EXPECT_EQ(seen.service().max(), ns(whole));
  EXPECT_EQ(seen.judged.first_byte.count(), 100U);
  EXPECT_EQ(seen.judged.first_byte.max(), ns(whole - 5 * duration(2ms))) << "the head came in pieces too";
  EXPECT_EQ(seen.judged.connect_time.min(), ns(2 * latency));
}

// The test that tells coordinated omission: 1.5 s of a 10 s run the server does not run.
TEST(truth, a_stopped_server_is_charged_with_the_stall_and_the_drain_of_its_backlog) {
  constexpr duration stops = 4s + 300us;
  constexpr duration runs_again = stops + 1500ms;
  world stage(latency);
  stage.options.rate_per_s = 1000;
  stage.options.connections = 64;
  stage.at(stops, [&] { stage.hold_server_until(runs_again); });
  const outcome seen = stage.run();

  const std::vector<duration> arrivals = arrivals_of(stage.options);
  ASSERT_EQ(arrivals.size(), 10'000U);
  expect_times(seen, queue_model(arrivals, 64, [&](duration sent) {
                 const duration reached = sent + latency;
                 return (reached >= stops && reached < runs_again ? runs_again : reached) + latency;
               }));
  // By hand: the first one caught is the arrival at 4.001 s, answered one latency after the server runs again.
  EXPECT_EQ(seen.response().max(), ns(runs_again + latency - 4001ms));
  // 1500 arrivals meet the stop, so 1 % and 0.1 % of 10 000 lie 100 and 10 gaps below the longest; 2 % for the drain.
  EXPECT_NEAR(static_cast<double>(seen.response().value_at_quantile(0.99)), 1.4e9, 0.02 * 1.4e9);
  EXPECT_NEAR(static_cast<double>(seen.response().value_at_quantile(0.999)), 1.49e9, 0.02 * 1.49e9);
  // What a generator that waits for answers would have seen: 64 slow requests of 10 000.
  EXPECT_EQ(seen.service().value_at_quantile(0.99), seen.service().highest_equivalent(seen.service().min()));
  EXPECT_EQ(seen.measured.answers, 10'000U);
  EXPECT_TRUE(seen.judged.errors.empty());
  expect_valid(seen);
}

// What a whole run forgives and a window does not; requests count in the window they were meant for.
TEST(truth, a_stall_is_in_the_window_in_which_it_was) {
  world stage(latency);
  stage.options.rate_per_s = 1000;
  stage.options.length = 9500ms;
  stage.options.windowed =
      parse_gates("max<100ms every 2s,p90<100ms every 2s,rate>999 every 2s,errors<1% every 2s").value();
  stage.at(4s + 300us, [&] { stage.hold_server_until(4500ms); });
  const outcome seen = stage.run();
  ASSERT_EQ(seen.judged.windows.size(), 4U);
  for (const model::window_outcome& each : seen.judged.windows) EXPECT_EQ(each.windows, 4U) << "the last is not whole";
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_GT(*seen.judged.windows[i].value, i == 0 ? 400e6 : 100e6);
    EXPECT_EQ(seen.judged.windows[i].start_s, 4);
    EXPECT_EQ(seen.judged.windows[i].failed, 1U);
  }
  EXPECT_EQ(*seen.judged.windows[2].value, 1000) << "by when they were meant to be sent";
  EXPECT_EQ(*seen.judged.windows[3].value, 0);
  EXPECT_LT(seen.response().value_at_quantile(0.9), ns(100ms)) << "and in the whole it does not show";
}

TEST(truth, overload_grows_linearly_and_drops_nothing) {
  constexpr duration service = 1500us;  // at a gap of 1 ms
  world stage(latency);
  stage.options.rate_per_s = 1000;
  stage.options.timeout = 6s;
  stage.server.one_at_a_time = true;
  stage.server.decide = [=](std::size_t, std::size_t) { return reply{.after = service}; };
  const outcome seen = stage.run();

  std::vector<duration> expected;
  for (int k = 0; k < 10'000; ++k) expected.push_back(2 * latency + (k + 1) * service - k * duration(1ms));
  expect_same(seen.response(), expected);
  EXPECT_EQ(seen.service().max(), ns(64 * service)) << "64 in the server's queue";
  EXPECT_EQ(seen.measured.answers, 10'000U);
  EXPECT_EQ(seen.measured.answers_within_run, 6'666U);
  expect_valid(seen);
}

TEST(truth, what_the_drain_cannot_reach_is_charged_with_its_lower_bound) {
  constexpr duration service = 1500us;
  constexpr duration cut = 11s;  // the run, and the timeout for its last request
  world stage(latency);
  stage.options.rate_per_s = 1000;
  stage.options.timeout = 1s;
  stage.server.one_at_a_time = true;
  stage.server.decide = [=](std::size_t, std::size_t) { return reply{.after = service}; };
  const outcome seen = stage.run();

  const auto answered = static_cast<int>((cut - 2 * latency) / service);
  std::vector<duration> response;
  std::vector<duration> lag;
  for (int k = 0; k < 10'000; ++k) {
    const duration intended = k * duration(1ms);
    response.push_back((k < answered ? 2 * latency + (k + 1) * service : cut) - intended);
    // Sent when the answer 64 places before it was back.
    const duration freed = k < 64 ? intended : 2 * latency + (k - 63) * service;
    lag.push_back((k < answered + 64 ? std::max(intended, freed) : cut) - intended);
  }
  expect_same(seen.response(), response);
  expect_same(seen.lag(), lag);
  EXPECT_EQ(seen.measured.answers, static_cast<std::uint64_t>(answered));
  EXPECT_EQ(seen.failed(failure_kind::undrained), 64U);
  EXPECT_EQ(seen.failed(failure_kind::unsent), 10'000U - 64U - static_cast<std::uint64_t>(answered));
  EXPECT_EQ(seen.due, 10'000U);
  EXPECT_EQ(seen.took, cut);
  expect_valid(seen);
}

TEST(truth, a_timeout_is_charged_with_the_timeout_and_what_it_waited_for_the_send) {
  world stage(latency);
  stage.options.rate_per_s = 10;
  stage.options.length = 1s;
  stage.options.connections = 1;
  stage.options.timeout = 250ms;
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = never_answers}; };
  const outcome seen = stage.run();

  // One after the other, each on a connection of its own; connecting takes a round trip.
  std::vector<duration> response;
  std::vector<duration> service;
  for (int k = 0; k < 4; ++k) {
    const duration sent = k * (250ms + 2 * latency);
    response.push_back(sent + 250ms - k * 100ms);
    service.push_back(250ms);
  }
  constexpr duration cut = 1250ms;
  service.push_back(cut - 4 * (250ms + 2 * latency));
  for (int k = 4; k < 10; ++k) response.push_back(cut - k * 100ms);
  expect_same(seen.response(), response);
  expect_same(seen.service(), service);
  EXPECT_EQ(seen.failed(failure_kind::timed_out), 4U);
  EXPECT_EQ(seen.failed(failure_kind::undrained), 1U);
  EXPECT_EQ(seen.failed(failure_kind::unsent), 5U);
  EXPECT_EQ(seen.measured.own_lag.max(), 0U) << "all of it is the server's doing";
}

TEST(truth, one_blocked_connection_delays_nobody_while_others_are_idle) {
  world stage(latency);
  stage.options.rate_per_s = 1000;
  stage.options.length = 3s;
  stage.options.connections = 4;
  stage.server.decide = [](std::size_t connection, std::size_t request) {
    return reply{.after = connection == 0 && request == 5 ? duration(1s) : duration(100us)};
  };
  const outcome seen = stage.run();
  std::vector<duration> expected(2'999, 200us);
  expected.push_back(1s + 100us);
  expect_same(seen.response(), expected);
  EXPECT_EQ(seen.lag().max(), 0U);
  expect_valid(seen);
}

TEST(truth, poisson_arrivals_at_one_server_are_the_queue_m_d_1) {
  constexpr duration service = 1ms;
  world stage(0us);
  stage.options.rate_per_s = 500;
  stage.options.arrivals = model::arrival_law::poisson;
  stage.options.seed = 11;
  stage.options.length = 100s;
  stage.options.connections = 1;
  stage.server.decide = [=](std::size_t, std::size_t) { return reply{.after = service}; };
  const outcome seen = stage.run();
  expect_times(seen, queue_model(arrivals_of(stage.options), 1, [=](duration sent) { return sent + service; }));
  // Pollaczek-Khinchine: a wait of rho / (2 (1 - rho)) services at rho = 0.5.
  EXPECT_NEAR(seen.response().mean(), 1.5e6, 0.05e6);
  expect_valid(seen);
}

// The converse: here it is the generator that does not run, and the run must not pass for a measurement.
TEST(truth, a_generator_that_was_not_scheduled_is_invalid_although_most_of_its_backlog_had_no_idle_connection) {
  world stage(latency);
  stage.options.rate_per_s = 1000;
  stage.freeze_loop(4s, 5s);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 10'000U);
  EXPECT_GE(seen.response().max(), ns(999ms)) << "charged all the same";
  EXPECT_GE(seen.judged.generator.own_lag_p99_ns, ns(890ms));
  ASSERT_EQ(seen.judged.reasons.size(), 2U);
  EXPECT_TRUE(seen.judged.reasons[0].starts_with("generator late: p99 ")) << seen.judged.reasons[0];
  EXPECT_TRUE(seen.judged.reasons[1].starts_with("generator stalled 1 time(s)")) << seen.judged.reasons[1];
}

}  // namespace
}  // namespace assay::load
