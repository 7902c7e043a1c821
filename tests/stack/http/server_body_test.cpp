// Request bodies: both framings, Expect, what a handler leaves unread, and the limits.
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

constexpr std::string_view expect = "expect: 100-continue\r\n";

std::string head_of(const std::string& whole) { return whole.substr(0, whole.find("\r\n\r\n") + 4); }
std::string body_of(const std::string& whole) { return whole.substr(whole.find("\r\n\r\n") + 4); }

TEST(http_server_body, with_a_length) {
  const client_record seen = play_one(echo, {{0ms, post("/", "hello") + post("/", "") + post("/", "again")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 3U);
  EXPECT_EQ(responses[0].body, "hello");
  EXPECT_EQ(responses[1].body, "");
  EXPECT_EQ(responses[2].body, "again");
}

TEST(http_server_body, in_chunks_at_any_cut) {
  const std::string request = post_chunked("/", {"one,", "two and a bit more than that,", "three"});
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    SCOPED_TRACE(cut);
    const client_record seen =
        play_one(echo, {{0ms, request.substr(0, cut)}, {1ms, request.substr(cut) + get("/", "connection: close\r\n")}});
    const auto responses = split_responses(seen);
    ASSERT_EQ(responses.size(), 2U);
    EXPECT_EQ(responses[0].body, "one,two and a bit more than that,three");
    EXPECT_EQ(seen.ended_after, 1ms);
  }
}

TEST(http_server_body, larger_than_any_buffer) {
  const std::string large(300'000, 'x');
  const client_record seen = play_one(echo, {{0ms, post("/", large)}, {1s, post_chunked("/", {large, large})}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].body, large);
  EXPECT_EQ(responses[1].body, large + large);
}

TEST(http_server_body, what_the_handler_leaves_is_skipped) {
  const std::string unread(20'000, 'x');
  const client_record seen =
      play_one(answer_target, {{0ms, post("/a", unread) + post_chunked("/b", {unread, "and more"}) + get("/c")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 3U);
  EXPECT_EQ(responses[2].body, "/c");
}

task<response> read_one_piece(request& asked) {
  const result<std::string_view> first = co_await asked.read();
  co_return response::text(first ? std::string(first->substr(0, 3)) : "failed");
}

TEST(http_server_body, what_the_handler_reads_half_is_skipped) {
  const std::string body = "abc" + std::string(20'000, 'x');
  const client_record seen = play_one(read_one_piece, {{0ms, post("/", body) + post_chunked("/", {body}) + get("/")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 3U);
  EXPECT_EQ(responses[1].body, "abc");
  EXPECT_EQ(responses[2].body, "");
}

TEST(http_server_body, too_much_to_skip_ends_the_connection) {
  server_limits limits;
  limits.max_skipped_body_bytes = 1000;
  const std::string unread(1001, 'x');
  const client_record by_length = play_one(answer_target, {{0ms, post("/a", unread) + get("/b")}}, limits);
  EXPECT_THAT(statuses(by_length), ElementsAre(200));
  EXPECT_FALSE(split_responses(by_length).at(0).keep_alive) << "known in time to be said";
  EXPECT_FALSE(by_length.failure);

  const client_record chunked = play_one(answer_target, {{0ms, post_chunked("/a", {unread}) + get("/b")}}, limits);
  EXPECT_THAT(statuses(chunked), ElementsAre(200));
  EXPECT_FALSE(chunked.failure) << "closing with bytes unread would reset the answer away";
}

TEST(http_server_body, continues_when_the_handler_reads) {
  const std::string request = post("/", "hello", expect);
  const client_record seen = play_one(echo, {{0ms, head_of(request)}, {1s, body_of(request)}, {2s, get("/")}});
  EXPECT_THAT(statuses(seen), ElementsAre(100, 200, 200));
  EXPECT_EQ(split_responses(seen).at(1).body, "hello");
  EXPECT_EQ(seen.when("100 Continue"), 0ms);
}

TEST(http_server_body, does_not_continue_when_the_handler_does_not_read) {
  const std::string request = post("/a", "hello", expect);
  const client_record seen = play_one(answer_target, {{0ms, head_of(request)}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].status, 200);
  EXPECT_FALSE(responses[0].keep_alive) << "whether the body still comes is not known";
  EXPECT_EQ(seen.when("/a"), 0ms);
}

TEST(http_server_body, http_1_0_is_not_told_to_continue) {
  const client_record seen =
      play_one(echo, {{0ms, "POST / HTTP/1.0\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"}, {1s, "ab"}});
  EXPECT_THAT(statuses(seen), ElementsAre(200));
  EXPECT_EQ(split_responses(seen).at(0).body, "ab");
}

TEST(http_server_body, too_large_is_refused_before_the_handler_runs) {
  server_limits limits;
  limits.max_body_bytes = 10;
  EXPECT_THAT(statuses(play_one(echo, {{0ms, post("/", "0123456789") + get("/")}}, limits)), ElementsAre(200, 200));

  const std::string request = post("/", "0123456789a", expect);
  const client_record seen = play_one(echo, {{0ms, head_of(request)}}, limits);
  EXPECT_THAT(statuses(seen), ElementsAre(413)) << "and no 100";
  EXPECT_FALSE(split_responses(seen).at(0).keep_alive);

  EXPECT_THAT(statuses(play_one(answer_target, {{0ms, request}}, limits)), ElementsAre(413)) << "whoever would answer";

  const client_record impatient = play_one(echo, {{0ms, post("/", std::string(100'000, 'x')) + get("/")}}, limits);
  EXPECT_THAT(statuses(impatient), ElementsAre(413));
  EXPECT_FALSE(impatient.failure) << "it must be able to read why";
}

TEST(http_server_body, too_many_chunks_are_refused_where_they_exceed) {
  server_limits limits;
  limits.max_body_bytes = 10;
  const client_record fits = play_one(echo, {{0ms, post_chunked("/", {"01234", "56789"}) + get("/")}}, limits);
  EXPECT_THAT(statuses(fits), ElementsAre(200, 200));

  const client_record seen = play_one(echo, {{0ms, post_chunked("/", {"01234", "56789", "a"}) + get("/")}}, limits);
  EXPECT_THAT(statuses(seen), ElementsAre(413));
  EXPECT_FALSE(split_responses(seen).at(0).keep_alive);
  EXPECT_FALSE(seen.failure);
}

TEST(http_server_body, malformed_chunks_are_the_clients_fault) {
  for (const std::string_view bad :
       {"5\r\nhelloX", "-5\r\nhello\r\n", "0x5\r\nhello\r\n", "5\nhello\r\n", " 5\r\nhello", "10000000000000000\r\n",
        "5;\x01=1\r\nhello\r\n0\r\n\r\n", "\r\n", "0\r\nname : value\r\n\r\n", "0\r\n\nGET / HTTP/1.1\r\n"}) {
    SCOPED_TRACE(bad);
    const std::string head = "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    const client_record read = play_one(echo, {{0ms, head + std::string(bad) + get("/smuggled")}});
    EXPECT_THAT(statuses(read), ElementsAre(400));
    EXPECT_FALSE(split_responses(read).at(0).keep_alive);
    EXPECT_EQ(read.ended_after, 0ms) << "the end is told at once";

    const client_record skipped = play_one(answer_target, {{0ms, head + std::string(bad) + get("/smuggled")}});
    EXPECT_THAT(statuses(skipped), ElementsAre(200));
    EXPECT_THAT(skipped.bytes, Not(HasSubstr("/smuggled")));
    EXPECT_EQ(skipped.ended_after, 0ms);
    EXPECT_FALSE(skipped.failure);
  }
}

TEST(http_server_body, a_client_that_goes_away_is_heard) {
  const std::string request = post("/", "hello");
  const report seen =
      play({.serve = echo,
            .clients = {{.pieces = {{0ms, request.substr(0, request.size() - 1)}}, .end_after_pieces = true}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(400));
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).keep_alive);
}

// Reads and answers at the same time, piece by piece.
task<response> echo_streamed(request& asked) {
  response reply;
  reply.stream = [&asked](this auto, body_sink& sink) -> task<result<void>> {
    while (true) {
      const result<std::string_view> piece = co_await asked.read();
      if (!piece) co_return std::unexpected(piece.error());
      if (piece->empty()) co_return result<void>{};
      const result<void> sent = co_await sink.write(*piece);
      if (!sent) co_return std::unexpected(sent.error());
    }
  };
  co_return reply;
}

TEST(http_server_body, a_stream_that_reads_continues_before_its_head) {
  const std::string request = post("/", "hello", expect);
  const client_record seen = play_one(echo_streamed, {{0ms, head_of(request)}, {1s, body_of(request) + get("/")}});
  EXPECT_THAT(statuses(seen), ElementsAre(100, 200, 200));
  EXPECT_EQ(seen.when("100 Continue"), 0ms);
  EXPECT_EQ(split_responses(seen).at(1).body, "hello");
}

TEST(http_server_body, a_stream_that_has_written_cannot_continue_any_more) {
  const handler writes_first = [](this auto, request& asked) -> task<response> {
    response reply;
    reply.stream = [&asked](this auto, body_sink& sink) -> task<result<void>> {
      std::ignore = co_await sink.write("first,");
      const result<std::string> body = co_await asked.read_all();
      co_return co_await sink.write(body ? *body : "nothing");
    };
    co_return reply;
  };
  const std::string request = post("/", "hello", expect);
  const client_record seen = play_one(writes_first, {{0ms, head_of(request)}, {1s, body_of(request)}});
  EXPECT_THAT(statuses(seen), ElementsAre(200));
  EXPECT_EQ(split_responses(seen).at(0).body, "first,hello");
}

TEST(http_server_body, a_handler_that_waits_holds_no_lent_buffer) {
  std::size_t lent = 1;
  const auto look = [&lent](sim_io& network, loop&) { lent = network.lent_buffers(); };
  const report seen = play({.serve = answer_target,
                            .clients = {{.pieces = {{0ms, post("/sleep", "unread") + get("/b")}}}},
                            .events = {{50ms, look}}});
  EXPECT_EQ(lent, 0U) << "a few slow requests would starve every connection of the loop";
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200, 200));
}

TEST(http_server_body, a_stream_whose_source_fails_at_once_has_a_status) {
  const std::string head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
  const client_record seen = play_one(echo_streamed, {{0ms, head + "nonsense\r\n" + get("/")}});
  EXPECT_THAT(statuses(seen), ElementsAre(400));
  EXPECT_FALSE(split_responses(seen).at(0).keep_alive);
}

TEST(http_server_body, streams_both_ways_at_once) {
  const std::string request = post_chunked("/", {"first", "second"});
  const std::size_t cut = request.find("6\r\nsecond");
  const client_record seen =
      play_one(echo_streamed, {{0ms, request.substr(0, cut)}, {1s, request.substr(cut) + get("/")}});
  const auto responses = split_responses(seen);
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].body, "firstsecond");
  EXPECT_EQ(seen.when("first"), 0ms);
  EXPECT_EQ(seen.when("second"), 1s);
}

TEST(http_server_body, a_streamed_echo_larger_than_all_windows_does_not_hang) {
  const std::string large(900'000, 'x');
  const client_record seen = play_one(echo_streamed, {{0ms, post("/", large) + get("/")}});
  ASSERT_EQ(split_responses(seen).size(), 2U) << "and the connection is kept: all was read";
  EXPECT_EQ(split_responses(seen).at(0).body, large);
}

}  // namespace
}  // namespace assay::http::testing
