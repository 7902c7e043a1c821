// Keep-alive, pipelining and the framing of responses, in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string get_1_0 = "GET /old HTTP/1.0\r\n\r\n";
const std::string get_1_0_keep = "GET /old HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";

task<response> answer_status(request& asked) {
  co_return response::text("a body that some statuses forbid", asked.path() == "/304" ? 304 : 204);
}

task<result<void>> three_pieces(body_sink& sink) {
  for (const std::string_view piece : {"one,", "", "two,", "three"}) {
    const result<void> sent = co_await sink.write(piece);
    if (!sent) co_return std::unexpected(sent.error());
    std::ignore = co_await delay_for(10ms);
  }
  co_return result<void>{};
}

task<response> stream_three(request& asked) {
  response reply;
  if (asked.path() == "/204") reply.status = 204;
  reply.stream = three_pieces;
  co_return reply;
}

TEST(http_server, keeps_the_connection_and_closes_it_silently_when_idle) {
  const client_record seen = play_one(answer_target, {{0ms, get("/a")}, {40s, get("/b")}, {80s, get("/c")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 3U);
  EXPECT_EQ(responses[2].body, "/c");
  EXPECT_TRUE(responses[2].keep_alive);
  EXPECT_EQ(responses[2].header("connection"), "");
  EXPECT_EQ(responses[2].header("date").size(), 29U);
  EXPECT_EQ(seen.ended_after, 80s + 75s);
  EXPECT_FALSE(seen.failure);
}

TEST(http_server, closes_after_connection_close) {
  const client_record seen = play_one(answer_target, {{0ms, get("/a", "Connection: close\r\n")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].header("connection"), "close");
  EXPECT_EQ(seen.ended_after, 0ms);
}

TEST(http_server, http_1_0_closes_unless_asked_to_keep) {
  const client_record closed = play_one(answer_target, {{0ms, get_1_0}});
  EXPECT_EQ(split_responses(closed).at(0).header("connection"), "close");
  EXPECT_EQ(closed.ended_after, 0ms);

  const client_record kept = play_one(answer_target, {{0ms, get_1_0_keep}, {1s, get_1_0_keep}});
  ASSERT_THAT(statuses(kept), ElementsAre(200, 200));
  EXPECT_EQ(split_responses(kept).at(0).header("connection"), "keep-alive");
  EXPECT_EQ(kept.ended_after, 76s);
}

TEST(http_server, answers_pipelined_requests_in_order_and_together) {
  const client_record seen =
      play_one(answer_target, {{0ms, get("/a") + get("/b") + post("/c", "ignored") + get("/d")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 4U);
  EXPECT_EQ(responses[0].body + responses[1].body + responses[2].body + responses[3].body, "/a/b/c/d");
  EXPECT_EQ(seen.arrivals.size(), 1U) << "four answers, one send";
}

TEST(http_server, a_handler_that_waits_does_not_hold_back_the_answers_before_it) {
  const client_record seen = play_one(answer_target, {{0ms, get("/first") + get("/sleep") + get("/last")}});
  ASSERT_THAT(statuses(seen), ElementsAre(200, 200, 200));
  EXPECT_EQ(seen.when("/first"), 0ms);
  EXPECT_EQ(seen.when("/sleep"), 100ms);
  EXPECT_EQ(seen.when("/last"), 100ms);
}

TEST(http_server, a_pipelined_request_behind_connection_close_is_not_answered) {
  const client_record seen = play_one(answer_target, {{0ms, get("/close") + get("/b")}});
  EXPECT_THAT(statuses(seen), ElementsAre(200));
  EXPECT_FALSE(split_responses(seen).at(0).keep_alive);
  EXPECT_FALSE(seen.failure) << "the answer must not be lost to a reset";
}

TEST(http_server, what_was_pipelined_behind_the_last_answer_does_not_reset_it) {
  server_limits limits;
  limits.max_requests_per_connection = 1;
  // More than one receive, so that bytes are unread when the server has answered.
  std::string behind;
  while (behind.size() < 20'000) behind += get("/b");
  const client_record seen = play_one(answer_target, {{0ms, get("/a") + behind}}, limits);
  EXPECT_THAT(statuses(seen), ElementsAre(200));
  EXPECT_FALSE(split_responses(seen).at(0).keep_alive);
  EXPECT_FALSE(seen.failure);
}

TEST(http_server, half_a_connection_is_enough_for_an_answer) {
  const report seen = play({.serve = answer_target,
                            .limits = {.serve_half_closed = true},
                            .clients = {{.pieces = {{0ms, get("/sleep")}}, .end_after_pieces = true}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_EQ(seen.clients[0].ended_after, 100ms);
}

TEST(http_server, head_has_the_length_and_not_the_body) {
  const client_record seen = play_one(answer_target, {{0ms, "HEAD /abc HTTP/1.1\r\nhost: a\r\n\r\n" + get("/d")}});
  const auto responses = split_responses(seen, {method::head, method::get});
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].header("content-length"), "4");
  EXPECT_EQ(responses[1].body, "/d");
}

TEST(http_server, statuses_without_a_body_have_none) {
  const client_record seen = play_one(answer_status, {{0ms, get("/204") + get("/304") + get("/204")}});
  EXPECT_THAT(statuses(seen), ElementsAre(204, 304, 204));
  EXPECT_THAT(seen.bytes, Not(HasSubstr("forbid")));
  EXPECT_THAT(seen.bytes, Not(HasSubstr("content-length")));
}

task<result<void>> late_piece(body_sink& sink) {
  std::ignore = co_await delay_for(50ms);
  std::ignore = co_await sink.write("");
  std::ignore = co_await delay_for(50ms);
  co_return co_await sink.write("late");
}

TEST(http_server, a_stream_that_waits_does_not_hold_back_the_answers_before_it) {
  const handler mixed = [](this auto, request& asked) -> task<response> {
    if (asked.path() == "/first") co_return response::text("first");
    response reply;
    reply.stream = late_piece;
    co_return reply;
  };
  const client_record seen = play_one(mixed, {{0ms, get("/first") + get("/")}});
  EXPECT_EQ(seen.when("first"), 0ms);
  EXPECT_EQ(seen.when("transfer-encoding: chunked"), 50ms) << "an empty piece sends the head";
  EXPECT_EQ(seen.when("late"), 100ms);
}

TEST(http_server, streams_in_chunks) {
  const client_record seen = play_one(stream_three, {{0ms, get("/") + get("/")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].header("transfer-encoding"), "chunked");
  EXPECT_EQ(responses[0].header("content-length"), "");
  EXPECT_EQ(responses[1].body, "one,two,three");
  EXPECT_TRUE(responses[1].complete);
  EXPECT_EQ(seen.when("one,"), 0ms);
  EXPECT_EQ(seen.when("three"), 30ms);
}

TEST(http_server, streams_to_http_1_0_until_the_end) {
  const client_record seen = play_one(stream_three, {{0ms, get_1_0_keep}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].header("connection"), "close");
  EXPECT_EQ(responses[0].header("transfer-encoding"), "");
  EXPECT_EQ(responses[0].body, "one,two,three");
  EXPECT_EQ(seen.ended_after, 40ms);
}

// An endless stream behind HEAD would never end: nobody takes it, and nothing makes it wait.
task<result<void>> again_and_again(body_sink& sink) {
  while (true) {
    const result<void> sent = co_await sink.write("again ");
    if (!sent) co_return std::unexpected(sent.error());
  }
}

task<response> stream_again_and_again(request& asked) {
  response reply;
  reply.status = asked.path() == "/204" ? 204 : 200;
  reply.stream = again_and_again;
  co_return reply;
}

TEST(http_server, does_not_run_a_stream_that_nobody_is_sent) {
  const client_record seen =
      play_one(stream_again_and_again, {{0ms, "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n" + get("/204")}});
  const auto responses = split_responses(seen, {method::head, method::get});
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].header("transfer-encoding"), "chunked");
  EXPECT_EQ(responses[1].status, 204);
  EXPECT_EQ(responses[1].header("transfer-encoding"), "") << "RFC 9112 section 6.1";
}

task<result<void>> fails_half_way(body_sink& sink) {
  std::ignore = co_await sink.write("half");
  co_return std::unexpected(error{.code = errc::system, .what = "the source broke"});
}

task<response> stream_half(request&) {
  response reply;
  reply.stream = fails_half_way;
  co_return reply;
}

TEST(http_server, a_stream_that_fails_is_visibly_cut) {
  const client_record seen = play_one(stream_half, {{0ms, get("/") + get("/")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].body, "half");
  EXPECT_FALSE(responses[0].complete);
}

task<response> show_target(request& asked) {
  co_return response::text(std::string(asked.path()) + " and " + std::string(asked.query()));
}

TEST(http_server, the_path_of_an_absolute_target_is_its_path) {
  const auto body_of = [](std::string_view target) {
    return split_responses(play_one(show_target, {{0ms, get(target)}})).at(0).body;
  };
  EXPECT_EQ(body_of("/a/b?c=d"), "/a/b and c=d");
  EXPECT_EQ(body_of("http://test/a?b"), "/a and b");
  EXPECT_EQ(body_of("http://test?b=http://c/d"), "/ and b=http://c/d");
  EXPECT_EQ(body_of("/a://b"), "/a://b and ");
}

TEST(http_server, counts_what_it_serves) {
  const report seen = play({.serve = answer_target,
                            .clients = {{.pieces = {{0ms, get("/a") + get("/b")}}}, {.pieces = {{0ms, get("/c")}}}}});
  EXPECT_EQ(seen.counters.connections, 2U);
  EXPECT_EQ(seen.counters.requests, 3U);
  EXPECT_EQ(seen.counters.refused_heads, 0U);
  EXPECT_EQ(seen.counters.timeouts(), 2U) << "both were idle to the end";
}

}  // namespace
}  // namespace assay::http::testing
