// What the server refuses: heads with two readings, heads that are too large, answers that would split, bugs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/runtime/unobserved.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct refused_case {
  std::string name;
  std::string bytes;
  int status;
};

std::string with_fields(const std::string& fields) { return "POST / HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n\r\n"; }

std::vector<refused_case> refused_cases() {
  using std::string_literals::operator""s;
  const std::string many_fields = [] {
    std::string fields = "a: b";
    for (int i = 0; i < 70; ++i) fields += "\r\na: b";
    return fields;
  }();
  return {
      {"length_and_chunked", with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked") + "0\r\n\r\n", 400},
      {"chunked_and_length", with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5") + "0\r\n\r\n", 400},
      {"two_lengths", with_fields("Content-Length: 5\r\nContent-Length: 6") + "hello", 400},
      {"two_equal_lengths", with_fields("Content-Length: 5\r\nContent-Length: 5") + "hello", 400},
      {"length_list", with_fields("Content-Length: 5, 5") + "hello", 400},
      {"signed_length", with_fields("Content-Length: +5") + "hello", 400},
      {"negative_length", with_fields("Content-Length: -5") + "hello", 400},
      {"hexadecimal_length", with_fields("Content-Length: 0x5") + "hello", 400},
      {"huge_length", with_fields("Content-Length: 18446744073709551616"), 400},
      {"spaced_length", with_fields("Content-Length: 5 5") + "hello", 400},
      {"chunked_twice", with_fields("Transfer-Encoding: chunked, chunked"), 501},
      {"chunked_fields_twice", with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 501},
      {"identity_and_chunked", with_fields("Transfer-Encoding: identity, chunked"), 501},
      {"gzip", with_fields("Transfer-Encoding: gzip"), 501},
      {"vertical_tab_chunked", with_fields("Transfer-Encoding: \vchunked"), 400},
      {"chunked_in_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bare_lf", "GET / HTTP/1.1\nHost: test\n\n", 400},
      {"bare_lf_in_field", "GET / HTTP/1.1\r\nHost: test\nX: y\r\n\r\n", 400},
      {"bare_cr", "GET / HTTP/1.1\r\nHost: te\rst\r\n\r\n", 400},
      {"obs_fold", "GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n b\r\n\r\n", 400},
      {"space_before_colon", "POST / HTTP/1.1\r\nHost: test\r\nContent-Length : 5\r\n\r\nhello", 400},
      {"nul_in_value", "GET / HTTP/1.1\r\nHost: te\0st\r\n\r\n"s, 400},
      {"nul_in_target", "GET /\0 HTTP/1.1\r\nHost: test\r\n\r\n"s, 400},
      {"nameless_field", "GET / HTTP/1.1\r\nHost: test\r\n: value\r\n\r\n", 400},
      {"no_colon", "GET / HTTP/1.1\r\nHost: test\r\nnonsense\r\n\r\n", 400},
      {"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"bad_host", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
      {"two_spaces", "GET  / HTTP/1.1\r\nHost: test\r\n\r\n", 400},
      {"no_version", "GET /\r\nHost: test\r\n\r\n", 400},
      {"http_2_0", "GET / HTTP/2.0\r\nHost: test\r\n\r\n", 505},
      {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"tls_hello", "\x16\x03\x01\x02\x00\x01\x00"s, 400},
      {"target_too_long", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: test\r\n\r\n", 414},
      {"endless_target", "GET /" + std::string(70'000, 'a'), 414},
      {"head_too_large", "GET / HTTP/1.1\r\nHost: test\r\nX: " + std::string(70'000, 'a'), 431},
      {"too_many_fields", with_fields(many_fields), 431},
      {"many_empty_lines", "\r\n\r\n\r\n\r\n\r\n\r\n", 400},
  };
}

class http_server_refuses : public ::testing::TestWithParam<refused_case> {};

TEST_P(http_server_refuses, once_and_closes) {
  const refused_case& bad = GetParam();
  const report seen = play({.serve = echo, .clients = {{.pieces = {{0ms, bad.bytes + get("/smuggled")}}}}});
  const client_record& client = seen.clients[0];
  EXPECT_THAT(statuses(client), ElementsAre(bad.status));
  EXPECT_FALSE(split_responses(client).at(0).keep_alive);
  EXPECT_THAT(client.bytes, Not(HasSubstr("smuggled")));
  EXPECT_FALSE(client.failure) << "it must be able to read why";
  EXPECT_EQ(client.ended_after, 0ms);
  EXPECT_EQ(seen.counters.refused_heads, 1U);
  EXPECT_EQ(seen.counters.requests, 0U);
}

TEST_P(http_server_refuses, behind_a_good_one_and_byte_by_byte) {
  const refused_case& bad = GetParam();
  if (bad.bytes.size() > 1000) return;  // the scanner's tests cut the large ones
  std::vector<piece> pieces{{0ms, get("/good")}};
  for (std::size_t i = 0; i < bad.bytes.size(); ++i) {
    pieces.push_back({std::chrono::milliseconds(i + 1), bad.bytes.substr(i, 1)});
  }
  pieces.push_back({500ms, get("/smuggled")});
  const client_record seen = play_one(echo, pieces);
  EXPECT_THAT(statuses(seen), ElementsAre(200, bad.status));
  EXPECT_FALSE(seen.failure);
}

INSTANTIATE_TEST_SUITE_P(cases, http_server_refuses, ::testing::ValuesIn(refused_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(http_server, takes_a_head_cut_anywhere) {
  const std::string request = get("/cut?here=1", "X-Field: value\r\nConnection: close\r\n");
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    SCOPED_TRACE(cut);
    const client_record seen = play_one(answer_target, {{0ms, request.substr(0, cut)}, {1s, request.substr(cut)}});
    ASSERT_THAT(statuses(seen), ElementsAre(200));
    EXPECT_EQ(split_responses(seen).at(0).body, "/cut?here=1");
    EXPECT_EQ(seen.ended_after, 1s);
  }
}

TEST(http_server, takes_a_head_byte_by_byte) {
  const std::string request = get("/slow", "X-Field: value\r\n");
  std::vector<piece> pieces;
  for (std::size_t i = 0; i < request.size(); ++i) pieces.push_back({i * 10ms, request.substr(i, 1)});
  EXPECT_THAT(statuses(play_one(answer_target, pieces)), ElementsAre(200));
}

TEST(http_server, lingers_for_a_bounded_time_only) {
  server_limits limits;
  limits.linger_timeout = 2s;
  std::vector<piece> flood{{0ms, "no request\r\n\r\n"}};
  for (int i = 1; i < 1000; ++i) flood.push_back({i * 10ms, std::string(60'000, 'x')});
  const report seen = play({.serve = echo,
                            .limits = limits,
                            .network = distant(1ms),
                            .clients = {{.pieces = flood, .read_from = 20s}},
                            .drain_at = 1s});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(400));
  EXPECT_GE(seen.server_ended_after, 2s);
  EXPECT_LE(seen.server_ended_after, 2s + 10ms) << "the client would have gone on for ten seconds";
}

TEST(http_server, a_refused_client_that_stays_holds_no_lent_buffer) {
  std::size_t lent = 1;
  const auto look = [&lent](sim_io& network, loop&) { lent = network.lent_buffers(); };
  const client_script stays{.pieces = {{0ms, "no request\r\n\r\n" + get("/b")}}, .read_from = 10s};
  const report seen = play({.serve = echo, .clients = {stays}, .events = {{1s, look}}});
  EXPECT_EQ(lent, 0U) << "malformed requests would be a cheap way to starve the loop";
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(400));
}

struct split_case {
  std::string name;
  std::function<void(response&)> spoil;
};

std::vector<split_case> split_cases() {
  const auto with_header = [](std::string name, std::string value) {
    return [name, value](response& reply) { reply.headers.emplace_back(name, value); };
  };
  return {
      {"crlf_in_value", with_header("location", "/a\r\nset-cookie: b")},
      {"lf_in_value", with_header("location", "/a\nb")},
      {"cr_in_value", with_header("location", "/a\rb")},
      {"nul_in_value", with_header("location", std::string("/a\0b", 4))},
      {"crlf_in_name", with_header("a\r\nb", "c")},
      {"colon_in_name", with_header("a:", "c")},
      {"empty_name", with_header("", "c")},
      {"own_length", with_header("Content-Length", "0")},
      {"own_framing", with_header("Transfer-Encoding", "chunked")},
      {"own_connection", with_header("Connection", "keep-alive")},
      {"crlf_in_content_type", with_header("content-type", "text/plain\r\n\r\nHTTP/1.1 200 OK")},
      {"status_99", [](response& reply) { reply.status = 99; }},
      {"status_100", [](response& reply) { reply.status = 100; }},
      {"status_1000", [](response& reply) { reply.status = 1000; }},
  };
}

class http_server_response : public ::testing::TestWithParam<split_case> {};

TEST_P(http_server_response, that_would_split_is_not_sent) {
  const handler spoiled = [spoil = GetParam().spoil](this auto, request&) -> task<response> {
    response reply = response::text("secret");
    spoil(reply);
    co_return reply;
  };
  const report seen = play({.serve = spoiled, .clients = {{.pieces = {{0ms, get("/") + get("/")}}}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(500));
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).keep_alive);
  EXPECT_THAT(seen.clients[0].bytes, Not(HasSubstr("secret")));
  EXPECT_EQ(seen.counters.handler_exceptions, 1U);
}

INSTANTIATE_TEST_SUITE_P(cases, http_server_response, ::testing::ValuesIn(split_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(http_server, a_handler_that_throws_is_a_500_and_the_end_of_the_connection) {
  const report seen =
      play({.serve = answer_target,
            .clients = {{.pieces = {{0ms, get("/throw") + get("/b")}}}, {.pieces = {{1s, get("/c")}}}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(500));
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).keep_alive);
  EXPECT_THAT(seen.clients[0].bytes, Not(HasSubstr("a bug in the service"))) << "that is for the log";
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(200)) << "the others do not notice";
  EXPECT_EQ(seen.counters.handler_exceptions, 1U);
}

// A reporter is a plain function, so that what it has heard is here.
std::string heard_of_bug;
void hear(const unobserved_failure& lost) noexcept {
  heard_of_bug = std::string(lost.during) + ": " + describe(lost) + " in " + lost.where.file_name();
}

task<response> unsendable(request&) {
  response reply = response::text("text");
  reply.headers.emplace_back("content-length", "1");
  co_return reply;
}

TEST(http_server, a_bug_of_a_handler_is_reported_with_its_text_and_its_place) {
  set_failure_reporter(&hear);
  std::ignore = play_one(answer_target, {{0ms, get("/throw?secret=1")}});
  EXPECT_THAT(heard_of_bug, ::testing::StartsWith("GET /throw: a bug in the service in "));
  EXPECT_THAT(heard_of_bug, HasSubstr("stack/http/server.cpp")) << "where its task was spawned";
  std::ignore = play_one(unsendable, {{0ms, get("/b")}});
  EXPECT_THAT(heard_of_bug, HasSubstr("GET /b: a response that cannot be sent: invalid_argument"));
  set_failure_reporter(nullptr);
}

task<result<void>> throws_half_way(body_sink& sink) {
  std::ignore = co_await sink.write("half");
  throw std::runtime_error("a bug in the stream");
}

TEST(http_server, a_stream_that_throws_is_cut) {
  const handler streams = [](this auto, request&) -> task<response> {
    response reply;
    reply.stream = throws_half_way;
    co_return reply;
  };
  const report seen = play({.serve = streams, .clients = {{.pieces = {{0ms, get("/") + get("/")}}}}});
  ASSERT_EQ(split_responses(seen.clients[0]).size(), 1U);
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).complete);
  EXPECT_EQ(seen.counters.handler_exceptions, 1U);
}

}  // namespace
}  // namespace assay::http::testing
