// Every wait of the server ends, and when. Virtual time, so to the nanosecond.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a handler, or its stream, was told at its end.
struct verdict {
  instant at{};
  std::optional<error> failure;
};

task<verdict> now_with(const result<void>& outcome) {
  const context& ctx = co_await this_context();
  verdict told{.at = ctx.on->now(), .failure = {}};
  if (!outcome) told.failure = outcome.error();
  co_return told;
}

TEST(http_server_deadline, a_slow_head_is_408_at_exactly_head_timeout) {
  std::vector<piece> pieces;
  const std::string request = get("/" + std::string(100, 'a'));
  for (std::size_t i = 0; i < request.size(); ++i) pieces.push_back({5s + i * 1s, request.substr(i, 1)});
  const report seen = play({.serve = answer_target, .clients = {{.pieces = pieces}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(408));
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).keep_alive);
  EXPECT_EQ(seen.clients[0].when("408"), 5s + 10s) << "from the first byte, however many follow";
  EXPECT_EQ(seen.counters.timeouts(), 1U);
  EXPECT_EQ(seen.counters.requests, 0U);
}

TEST(http_server_deadline, a_head_begun_behind_another_has_the_same_limit) {
  server_limits limits;
  limits.idle_timeout = limits.head_timeout;  // must not be taken for one another
  const client_record seen =
      play_one(answer_target, {{0ms, get("/a") + "GE"}, {5s, "T"}, {9s, " /b HTTP/1.1\r\n"}}, limits);
  EXPECT_THAT(statuses(seen), ElementsAre(200, 408));
  EXPECT_EQ(seen.when("408"), 10s);
}

TEST(http_server_deadline, an_idle_connection_is_closed_silently) {
  const report seen = play({.serve = answer_target, .clients = {{.pieces = {}, .connect_at = 1s}}});
  EXPECT_THAT(seen.clients[0].bytes, IsEmpty());
  EXPECT_EQ(seen.clients[0].ended_after, 76s);
  EXPECT_EQ(seen.counters.timeouts(), 1U);
  EXPECT_EQ(seen.counters.refused_heads, 0U);
}

TEST(http_server_deadline, the_first_byte_may_come_at_the_last_moment) {
  const client_record seen =
      play_one(answer_target, {{75s - 1ns, get("/a").substr(0, 3)}, {85s - 2ns, get("/a").substr(3)}});
  EXPECT_THAT(statuses(seen), ElementsAre(200));
}

TEST(http_server_deadline, a_slow_body_is_told_to_the_handler_body_timeout_after_its_last_piece) {
  server_limits limits;
  limits.handler_timeout = 1h;
  const std::string request = post("/", "hello");
  const std::size_t cut = request.size() - 4;
  const report seen = play({.serve = echo,
                            .limits = limits,
                            .clients = {{.pieces = {{0ms, request.substr(0, cut)},
                                                    {20s, request.substr(cut, 1)},
                                                    {49s, request.substr(cut + 1, 1)}}}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(408));
  EXPECT_EQ(seen.clients[0].when("408"), 79s);
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).keep_alive);
  EXPECT_EQ(seen.clients[0].ended_after, 79s) << "no second wait for the body that stalled";
  EXPECT_EQ(seen.counters.timeouts(), 1U);
}

TEST(http_server_deadline, a_body_that_nobody_reads_may_not_stall_either) {
  const std::string request = post("/a", "hello");
  const report seen =
      play({.serve = answer_target, .clients = {{.pieces = {{0ms, request.substr(0, request.size() - 1)}}}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_EQ(seen.clients[0].when("200"), 0ms) << "the answer does not wait for the rest";
  EXPECT_EQ(seen.clients[0].ended_after, 30s);
  EXPECT_EQ(seen.counters.timeouts(), 1U);
}

TEST(http_server_deadline, handler_timeout_is_the_deadline_of_its_context) {
  verdict told;
  instant deadline;
  const handler sleeps = [&told, &deadline](this auto, request&) -> task<response> {
    deadline = (co_await this_context()).deadline;
    told = co_await now_with(co_await delay_for(1h));
    co_return response::from(told.failure.value());
  };
  const client_record seen = play_one(sleeps, {{1s, get("/")}});
  EXPECT_THAT(statuses(seen), ElementsAre(504));
  EXPECT_EQ(seen.when("504"), 31s);
  EXPECT_EQ(told.at, deadline);
  EXPECT_EQ(told.failure.value().code, errc::timed_out);
}

TEST(http_server_deadline, handler_timeout_ends_reading_too) {
  server_limits limits;
  limits.handler_timeout = 3s;
  const std::string request = post("/", "hello");
  const client_record seen = play_one(echo, {{0ms, request.substr(0, request.size() - 1)}}, limits);
  EXPECT_EQ(seen.when("408"), 3s);
  EXPECT_EQ(seen.ended_after, 3s);
}

// Streams without end, and remembers how it ended.
handler streams_until(verdict& told) {
  return [&told](this auto, request&) -> task<response> {
    response reply;
    reply.stream = [&told](this auto, body_sink& sink) -> task<result<void>> {
      const std::string block(10'000, 'x');
      result<void> sent;
      while (sent) sent = co_await sink.write(block);
      told = co_await now_with(sent);
      co_return std::unexpected(sent.error());
    };
    co_return reply;
  };
}

TEST(http_server_deadline, write_timeout_cuts_a_reader_that_does_not_read) {
  verdict told;
  const report seen = play(
      {.serve = streams_until(told), .clients = {{.pieces = {{0ms, get("/")}}, .read_from = 100s}, {.pieces = {}}}});
  EXPECT_EQ(told.at.time_since_epoch(), 1000s + 30s);  // simulated time begins at 1000 s
  EXPECT_EQ(told.failure.value().code, errc::timed_out);
  EXPECT_EQ(split_responses(seen.clients[0]).size(), 1U);
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).complete);
  EXPECT_EQ(seen.counters.timeouts(), 2U) << "and the idle one";
}

TEST(http_server_deadline, a_reader_that_never_reads_costs_bounded_memory) {
  server_limits limits;
  limits.max_unsent_bytes = 50'000;
  verdict told;
  std::size_t produced = 0;
  const handler counts = [&produced, &told](this auto, request&) -> task<response> {
    response reply;
    reply.stream = [&produced, &told](this auto, body_sink& sink) -> task<result<void>> {
      const std::string block(1000, 'x');
      result<void> sent;
      for (; sent; produced += block.size()) sent = co_await sink.write(block);
      told = co_await now_with(sent);
      co_return std::unexpected(sent.error());
    };
    co_return reply;
  };
  const sim_options network;
  std::ignore = play({.serve = counts,
                      .limits = limits,
                      .network = network,
                      .clients = {{.pieces = {{0ms, get("/")}}, .read_from = 100s}}});
  EXPECT_GT(produced, network.window_bytes);
  EXPECT_LT(produced, network.window_bytes + 2 * limits.max_unsent_bytes);
}

TEST(http_server_deadline, a_pipelining_reader_that_never_reads_is_not_answered_without_end) {
  const std::string many = [] {
    std::string requests;
    for (int i = 0; i < 5000; ++i) requests += get("/" + std::string(300, 'a'));
    return requests;
  }();
  server_limits limits;
  limits.max_unsent_bytes = 50'000;
  const report seen =
      play({.serve = answer_target, .limits = limits, .clients = {{.pieces = {{0ms, many}}, .read_from = 100s}}});
  EXPECT_LT(seen.counters.requests, 1000U) << "5000 were sent";
  EXPECT_EQ(seen.counters.timeouts(), 1U);
}

TEST(http_server_deadline, a_reader_that_comes_back_in_time_gets_everything) {
  const std::string large(1'000'000, 'x');
  const handler answers = [&large](this auto, request&) -> task<response> { co_return response::text(large); };
  const report seen = play({.serve = answers, .clients = {{.pieces = {{0ms, get("/") + get("/")}}, .read_from = 29s}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200, 200));
  EXPECT_EQ(split_responses(seen.clients[0]).at(1).body, large);
}

}  // namespace
}  // namespace assay::http::testing
