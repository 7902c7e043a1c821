// Chats in virtual time: whom a message reaches, and when.
#include <memory>
#include <vector>

#include "lab/load/live_run.hpp"
#include "tests/lab/load/streams_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

struct room {
  std::vector<websocket::connection*> members;
  std::uint64_t told = 0;
  int deaf = -1;  // this member is never told
  duration thinks{};
};

task<void> be_member(std::shared_ptr<room> in, websocket::connection& peer) {
  in->members.push_back(&peer);
  while (true) {
    const result<websocket::message> said = co_await peer.receive();
    if (!said) break;
    if (in->thinks > duration::zero() && !co_await delay_for(in->thinks)) break;
    for (std::size_t i = 0; i < in->members.size(); ++i) {
      if (static_cast<int>(i) == in->deaf) continue;
      if (in->members[i]->try_send(said->kind, said->payload)) in->told++;
    }
  }
  std::erase(in->members, &peer);
}

stream_options broadcast_of_ten() {
  stream_options options = of_ten(10);
  options.broadcast = true;
  return options;
}

TEST(broadcasts, reach_everybody_and_count_from_the_intended_instant) {
  stream_stage stage(broadcast_of_ten());
  const auto in = std::make_shared<room>();
  stage.talk = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return be_member(in, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_EQ(seen.sent, 10U);
  EXPECT_EQ(seen.received, 100U);
  EXPECT_DOUBLE_EQ(*seen.reach, 1);
  expect_all(seen.latency.response_time, 100, round_trip);
  EXPECT_TRUE(seen.errors.empty());
}

TEST(broadcasts, each_stage_has_its_deliveries) {
  stream_options options = broadcast_of_ten();
  options.rate_per_s.reset();
  options.stages = {{.rate_per_s = 10, .length = 1s}, {.rate_per_s = 40, .length = 1s, .burst_of_per_s = 10}};
  stream_stage stage(options);
  const auto in = std::make_shared<room>();
  stage.talk = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return be_member(in, peer); };
  stage.at(1s - 1ms, [&] { in->deaf = 3; });
  const model::stream_result seen = stage.run();
  ASSERT_EQ(seen.stages.size(), 2U);
  EXPECT_EQ(seen.stages[0].sent, 10U);
  EXPECT_EQ(seen.stages[0].answered, 100U);
  EXPECT_TRUE(seen.stages[0].errors.empty());
  EXPECT_EQ(seen.stages[1].shape, "10*4/s");
  EXPECT_EQ(seen.stages[1].sent, 40U);
  EXPECT_EQ(seen.stages[1].answered, 360U);
  EXPECT_EQ(seen.stages[1].errors, (kinds{{"timed_out", 40}}));
}

TEST(broadcasts, a_second_has_deliveries) {
  stream_options options = broadcast_of_ten();
  options.length = 2s;
  options.keep_seconds = true;
  stream_stage stage(options);
  const auto in = std::make_shared<room>();
  stage.talk = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return be_member(in, peer); };
  stage.at(1s - 1ms, [&] { in->deaf = 3; });
  stage.run();
  const model::live_second heard = *told_second(stage.seconds(), 0, 2s);
  EXPECT_EQ(heard.offered, 100U);
  EXPECT_EQ(heard.answered, 100U);
  const model::live_second missed = *told_second(stage.seconds(), 1, 2s);
  EXPECT_EQ(missed.offered, 100U);
  EXPECT_EQ(missed.answered, 90U);
  EXPECT_EQ(missed.errors, (kinds{{"timed_out", 10}}));
}

TEST(broadcasts, whom_the_server_leaves_out_shows_in_the_reach) {
  stream_stage stage(broadcast_of_ten());
  const auto in = std::make_shared<room>();
  in->deaf = 3;
  stage.talk = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return be_member(in, peer); };
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.received, 90U);
  EXPECT_DOUBLE_EQ(*seen.reach, 0.9);
  EXPECT_EQ(seen.errors, (kinds{{"timed_out", 10}}));
  EXPECT_EQ(seen.latency.response_time.max(), to_ns(5s)) << "the lower bound";
}

// Nothing is sent while it does not run: the stalls are in the answers alone, which lie there unread.
TEST(broadcasts, the_generators_own_stalls_make_a_run_invalid_by_the_name_of_the_percentile) {
  stream_options options = broadcast_of_ten();
  options.rate_per_s = 2;
  options.length = 10s;
  stream_stage stage(options);
  const auto in = std::make_shared<room>();
  in->thinks = 50ms;
  stage.talk = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return be_member(in, peer); };
  for (const duration at : {1s, 3s, 5s}) stage.freeze_loop(at + 10ms, at + 210ms);
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.received, 200U);
  EXPECT_EQ(seen.stalls.count, 3U);
  EXPECT_EQ(seen.stalls.touched_requests, 30U);
  EXPECT_EQ(model::names_of(seen.stalls.touched), "p90, p95 and max") << "of 200 deliveries a p99 is not told";
  EXPECT_NEAR(seen.stalls.touched[0].measured_ns, 210e6, 1e6);
  EXPECT_NEAR(seen.stalls.touched[0].least_ns, 50.1e6, 0.1e6) << "that of the others";
  ASSERT_EQ(seen.reasons.size(), 1U) << ::testing::PrintToString(seen.reasons);
  EXPECT_TRUE(seen.reasons[0].starts_with("generator stalled 3 time(s), for up to ")) << seen.reasons[0];
  EXPECT_TRUE(seen.reasons[0].contains(": p90, p95 and max can be its own (p95 ")) << seen.reasons[0];
}

TEST(broadcasts, a_client_that_drops_is_missed_until_it_is_back) {
  stream_options options = broadcast_of_ten();
  options.length = 4s;
  stream_stage stage(options);
  const auto in = std::make_shared<room>();
  stage.talk = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return be_member(in, peer); };
  stage.at(1s + 1ms, [&] { in->members[4]->close(websocket::close_code::going_away); });
  const model::stream_result seen = stage.run();
  EXPECT_EQ(seen.due, 40U);
  EXPECT_EQ(seen.received, in->told);
  EXPECT_DOUBLE_EQ(*seen.reach, static_cast<double>(in->told) / (10.0 * static_cast<double>(seen.sent)));
  EXPECT_LT(*seen.reach, 1);
  EXPECT_GT(*seen.reach, 0.95) << "it was away for a second at most";
  EXPECT_EQ(seen.received + model::total_of(seen.errors), seen.due * 10);
  EXPECT_EQ(seen.reconnects, 1U);
}

}  // namespace
}  // namespace assay::load
