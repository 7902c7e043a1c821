// How a server ends, and how many it serves at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/http/sse.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Sleeps for an hour, and answers with how that ended.
task<response> sleep_long(request&) {
  const result<void> slept = co_await delay_for(1h);
  if (!slept) co_return response::from(slept.error());
  co_return response::text("slept");
}

TEST(http_server_drain, an_idle_connection_ends_at_once) {
  const report seen =
      play({.serve = answer_target, .clients = {{.pieces = {}}, {.pieces = {{0ms, get("/a")}}}}, .drain_at = 5s});
  EXPECT_THAT(seen.clients[0].bytes, IsEmpty());
  EXPECT_EQ(seen.clients[0].ended_after, 5s);
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(200));
  EXPECT_EQ(seen.clients[1].ended_after, 5s);
  EXPECT_EQ(seen.server_ended_after, 5s);
  EXPECT_EQ(seen.counters.cut, 0U);
}

TEST(http_server_drain, a_busy_connection_finishes_and_says_close) {
  const report seen = play({.serve = answer_target, .clients = {{.pieces = {{0ms, get("/sleep")}}}}, .drain_at = 50ms});
  ASSERT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).keep_alive);
  EXPECT_EQ(seen.clients[0].ended_after, 100ms);
  EXPECT_EQ(seen.server_ended_after, 100ms);
  EXPECT_EQ(seen.counters.cut, 0U);
}

TEST(http_server_drain, nobody_new_is_let_in) {
  const report seen =
      play({.serve = answer_target,
            .clients = {{.pieces = {{0ms, get("/sleep")}}}, {.pieces = {{60ms, get("/late")}}, .connect_at = 60ms}},
            .drain_at = 50ms});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  ASSERT_TRUE(seen.clients[1].failure);
  EXPECT_EQ(seen.clients[1].failure->code, errc::refused);
}

TEST(http_server_drain, a_head_half_here_is_waited_for) {
  const std::string request = get("/a");
  const report seen = play({.serve = answer_target,
                            .clients = {{.pieces = {{0ms, request.substr(0, 5)}, {2s, request.substr(5)}}}},
                            .drain_at = 1s});
  ASSERT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).keep_alive);
  EXPECT_EQ(seen.server_ended_after, 2s);
}

task<result<void>> stream_for_100_ms(body_sink& sink) {
  for (int i = 0; i < 10; ++i) {
    const result<void> sent = co_await sink.write("piece");
    if (!sent) co_return std::unexpected(sent.error());
    std::ignore = co_await delay_for(10ms);
  }
  co_return result<void>{};
}

task<response> stream_a_while(request&) {
  response reply;
  reply.stream = stream_for_100_ms;
  co_return reply;
}

TEST(http_server_drain, a_stream_begun_as_keep_alive_ends_the_connection_with_itself) {
  const report seen = play({.serve = stream_a_while, .clients = {{.pieces = {{0ms, get("/")}}}}, .drain_at = 50ms});
  ASSERT_EQ(split_responses(seen.clients[0]).size(), 1U);
  EXPECT_TRUE(split_responses(seen.clients[0]).at(0).complete);
  EXPECT_EQ(seen.clients[0].ended_after, 100ms) << "not when drain_timeout cuts it";
  EXPECT_EQ(seen.server_ended_after, 100ms);
  EXPECT_EQ(seen.counters.cut, 0U);
}

TEST(http_server_drain, a_body_skipped_meanwhile_does_not_hold_it) {
  const std::string request = post("/a", "hello");
  const report seen = play({.serve = answer_target,
                            .clients = {{.pieces = {{0ms, request.substr(0, request.size() - 1)},
                                                    {2s, request.substr(request.size() - 1)}}}},
                            .drain_at = 1s});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_EQ(seen.server_ended_after, 2s);
}

TEST(http_server_drain, stragglers_are_cut_and_counted) {
  server_limits limits;
  limits.handler_timeout = 2h;
  const report seen = play({.serve = sleep_long,
                            .limits = limits,
                            .clients = {{.pieces = {{0ms, get("/")}}}, {.pieces = {{0ms, get("/")}}}, {.pieces = {}}},
                            .drain_at = 5s});
  EXPECT_EQ(seen.clients[0].ended_after, 15s);
  EXPECT_EQ(seen.clients[2].ended_after, 5s);
  EXPECT_EQ(seen.server_ended_after, 15s);
  EXPECT_EQ(seen.counters.cut, 2U);
}

task<result<void>> endless(body_sink& sink) {
  while (true) {
    const result<void> sent = co_await sink.write(std::string(1000, 'x'));
    if (!sent) co_return std::unexpected(sent.error());
  }
}

task<response> stream_endlessly(request&) {
  response reply;
  reply.stream = endless;
  co_return reply;
}

TEST(http_server_drain, an_endless_stream_to_a_willing_reader_is_cut) {
  const report seen = play({.serve = stream_endlessly,
                            .network = distant(10ms),
                            .clients = {{.pieces = {{0ms, get("/")}}}},
                            .drain_at = 100ms});
  EXPECT_GE(seen.server_ended_after, 100ms + 10s);
  EXPECT_LT(seen.server_ended_after, 100ms + 11s);
  EXPECT_EQ(seen.counters.cut, 1U);
}

// Feeds that end when they are told to.
struct newsroom {
  using feed = std::shared_ptr<channel<sent_event>>;
  std::vector<feed> followed;
  int told = 0;

  static task<result<void>> follow(feed mine, body_sink& to) { co_return co_await send_events(to, *mine); }
  static task<response> show(newsroom* self) {
    const feed mine = self->followed.emplace_back(std::make_shared<channel<sent_event>>(1));
    co_return event_response([mine] ASSAY_CORO_WRAPPER(body_sink & to) { return follow(mine, to); });
  }
  void close() {
    told++;
    for (const feed& each : followed) each->close();
  }
};

TEST(http_server_drain, what_never_ends_by_itself_is_told_once_when_the_door_closes) {
  newsroom all;
  const handler shows = [&all] ASSAY_CORO_WRAPPER(request&) { return newsroom::show(&all); };
  const report seen = play({.serve = shows,
                            .on_drain = [&all] { all.close(); },
                            .clients = {{.pieces = {{0ms, get("/")}}}, {.pieces = {{2s, get("/")}}, .connect_at = 2s}},
                            .drain_at = 1s,
                            .drain_delay = 3s});
  for (const client_record& each : seen.clients) {
    ASSERT_EQ(split_responses(each).size(), 1U);
    EXPECT_TRUE(split_responses(each).at(0).complete);
    EXPECT_EQ(each.ended_after, 4s) << "who comes during the delay as well";
  }
  EXPECT_EQ(seen.server_ended_after, 4s);
  EXPECT_EQ(seen.counters.cut, 0U);
  EXPECT_EQ(all.told, 1);
}

TEST(http_server_drain, a_reader_that_does_not_read_is_cut_in_time) {
  const std::string large(1'000'000, 'x');
  const handler answers = [&large](this auto, request&) -> task<response> { co_return response::text(large); };
  const client_script reads_late{.pieces = {{0ms, get("/")}}, .read_from = 100s};
  const report drained = play({.serve = answers, .clients = {reads_late}, .drain_at = 1s});
  EXPECT_EQ(drained.server_ended_after, 11s) << "not when write_timeout ends";
  EXPECT_EQ(drained.counters.cut, 1U);

  const auto cut_all = [](sim_io&, loop& on) { on.root().cancel->cancel(cancel_reason::shutdown); };
  const report cut = play({.serve = answers, .clients = {reads_late}, .drain_at = 1s, .events = {{2s, cut_all}}});
  EXPECT_EQ(cut.server_ended_after, 2s);
  EXPECT_EQ(cut.counters.cut, 1U);
}

TEST(http_server_drain, a_second_request_to_stop_cuts_at_once_and_is_counted) {
  server_limits limits;
  limits.handler_timeout = 2h;
  const auto cut_all = [](sim_io&, loop& on) { on.root().cancel->cancel(cancel_reason::shutdown); };
  const report seen = play({.serve = sleep_long,
                            .limits = limits,
                            .clients = {{.pieces = {{0ms, get("/")}}}, {.pieces = {}}},
                            .drain_at = 5s,
                            .events = {{6s, cut_all}}});
  EXPECT_EQ(seen.server_ended_after, 6s);
  EXPECT_EQ(seen.counters.cut, 1U) << "the exit code of serve() depends on it";
}

TEST(http_server, beyond_max_connections_clients_wait) {
  server_limits limits;
  limits.max_connections = 2;
  const report seen = play({.serve = answer_target,
                            .limits = limits,
                            .clients = {{.pieces = {{0ms, get("/a")}}, .leave_at = 10s},
                                        {.pieces = {{0ms, get("/b")}}, .leave_at = 20s},
                                        {.pieces = {{0ms, get("/c")}}, .leave_at = 30s},
                                        {.pieces = {{0ms, get("/d")}}, .leave_at = 30s}}});
  EXPECT_EQ(seen.clients[1].when("/b"), 0s);
  EXPECT_EQ(seen.clients[2].when("/c"), 10s);
  EXPECT_EQ(seen.clients[3].when("/d"), 20s);
}

TEST(http_server, waits_while_the_process_is_out_of_descriptors) {
  sim_options crowded;
  crowded.faults.max_sockets = 3;  // the listener and the two clients: none is left to accept with
  const auto relief = [](sim_io& network, loop&) { network.set_faults({}); };
  const report seen = play({.serve = answer_target,
                            .network = crowded,
                            .clients = {{.pieces = {{0ms, get("/a")}}}, {.pieces = {{0ms, get("/b")}}}},
                            .events = {{1s, relief}}});
  for (const client_record& each : seen.clients) {
    ASSERT_THAT(statuses(each), ElementsAre(200));
    EXPECT_GE(each.arrivals.at(0).at, 1s);
    EXPECT_LE(each.arrivals.at(0).at, 1s + 50ms);
  }
}

}  // namespace
}  // namespace assay::http::testing
