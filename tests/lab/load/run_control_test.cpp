// The closed model, and runs that end early.
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration latency = 50us;  // one way

struct closed_model : ::testing::Test {
  closed_model() {
    stage.options.length = 1s;
    stage.options.connections = 4;
  }
  world stage{latency};
};

TEST_F(closed_model, every_connection_sends_again_with_its_answer) {
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 10ms}; };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.model, model::load_model::closed);
  EXPECT_EQ(seen.due, 0U) << "nothing is due in a closed model";
  EXPECT_EQ(seen.measured.answers, 400U) << "sends at every 10.1 ms below 1 s, by four";
  EXPECT_EQ(seen.measured.answers_within_run, 396U);
  EXPECT_EQ(seen.service().min(), ns(10'100us));
  EXPECT_EQ(seen.service().max(), ns(10'100us));
  EXPECT_TRUE(seen.judged.valid);
}

TEST_F(closed_model, a_connection_carries_so_many_requests_as_it_may) {
  stage.options.per_connection = 10;
  stage.server.decide = [](std::size_t, std::size_t request) {
    EXPECT_LT(request, 10U);
    return reply{.after = 10ms};
  };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 396U) << "ten take 101 ms, and opening the next 0.1 ms";
  EXPECT_EQ(seen.measured.connects, 40U);
  EXPECT_EQ(stage.server.accepted, 40U);
  EXPECT_EQ(seen.failed(), 0U);
}

TEST_F(closed_model, a_stopped_server_hides_behind_its_own_stop) {
  stage.at(200ms, [&] { stage.hold_server_until(700ms); });
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 1ms}; };
  const outcome seen = stage.run();
  EXPECT_GT(seen.service().max(), ns(490ms));
  EXPECT_LT(seen.service().value_at_quantile(0.99), ns(2ms)) << "why a closed model is named as such";
}

TEST_F(closed_model, a_dead_server_is_tried_ten_times_a_second_and_connection) {
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 10ms}; };
  stage.at(505ms, [&] { stage.kill_server(); });
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.resent, 4U) << "those in flight";
  EXPECT_EQ(seen.judged.errors, (std::map<std::string, std::uint64_t>{{"connect", 20}}));
}

TEST_F(closed_model, a_server_that_hangs_up_is_not_called_in_a_loop) {
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.bytes = "", .next = reply::then::closes}; };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.failed(failure_kind::closed), 40U);
  EXPECT_FALSE(seen.judged.valid);
}

TEST_F(closed_model, stops_when_told) {
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 10ms}; };
  stage.at(300ms, [&] { stage.stop_load(); });
  const outcome seen = stage.run();
  EXPECT_EQ(seen.sent_for, 300ms);
  EXPECT_EQ(seen.took, 30 * 10'100us) << "the answers under way are waited for";
  EXPECT_EQ(seen.measured.answers, 120U);
}

struct stopping : ::testing::Test {
  stopping() {
    stage.options.rate_per_s = 1000;
    stage.options.length = 1s;
    stage.options.timeout = 2s;
    stage.options.connections = 2;
  }
  void never_answer() {
    stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = never_answers}; };
  }
  world stage{latency};
};

TEST_F(stopping, before_the_start_nothing_is_sent) {
  stage.stop_before_start();
  const outcome seen = stage.run();
  EXPECT_EQ(seen.due, 0U);
  EXPECT_EQ(seen.sent_for, 0s);
  EXPECT_EQ(stage.server.requests, 0U);
  EXPECT_FALSE(seen.judged.valid);
}

TEST_F(stopping, in_the_middle_keeps_what_was_measured) {
  stage.at(500'300us, [&] { stage.stop_load(); });
  const outcome seen = stage.run();
  EXPECT_EQ(seen.due, 501U);
  EXPECT_EQ(seen.measured.answers, 501U);
  EXPECT_EQ(seen.sent_for, 500'300us);
  EXPECT_EQ(seen.took, 500'300us);
  EXPECT_TRUE(seen.judged.valid);
}

TEST_F(stopping, waits_half_a_second_for_answers_under_way) {
  never_answer();
  stage.at(100'300us, [&] { stage.stop_load(); });
  stage.at(200ms, [&] { stage.stop_load(); });  // once more changes nothing
  const outcome seen = stage.run();
  EXPECT_EQ(seen.took, 600'300us);
  EXPECT_EQ(seen.failed(failure_kind::undrained), 2U);
  EXPECT_EQ(seen.failed(failure_kind::unsent), 99U) << "due before the stop, and never sent";
  EXPECT_EQ(seen.due, 101U);
}

TEST_F(stopping, while_draining_shortens_the_drain) {
  never_answer();
  stage.at(1200ms, [&] { stage.stop_load(); });
  const outcome seen = stage.run();
  EXPECT_EQ(seen.sent_for, 1s);
  EXPECT_EQ(seen.took, 1700ms);
  EXPECT_EQ(seen.due, 1000U);
}

TEST_F(stopping, near_the_end_of_the_drain_does_not_lengthen_it) {
  never_answer();
  stage.at(2900ms, [&] { stage.stop_load(); });
  EXPECT_EQ(stage.run().took, 3s);
}

TEST_F(stopping, between_an_arrival_and_its_answer_accounts_for_it) {
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 400us}; };
  for (const duration offset : {duration(100ms), duration(100'000'001ns), duration(100'049'999ns), duration(100'050us),
                                duration(100'450us), duration(100'500us)}) {
    world again(latency);
    again.options = stage.options;
    again.server.decide = stage.server.decide;
    again.at(offset, [&again] { again.stop_load(); });
    const outcome seen = again.run();
    EXPECT_EQ(seen.measured.answers, offset == 100ms ? seen.due : 101U);
    EXPECT_EQ(seen.failed(), 0U);
  }
}

}  // namespace
}  // namespace assay::load
