// What a well-behaved server may answer, delivered whole, in small pieces, through the queue, and from far away.
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;

struct delivery {
  const char* name;
  sim_options network = {};
};

const std::array deliveries = {
    delivery{.name = "whole"},
    delivery{.name = "in_pieces", .network = {.faults = {.short_read = 1, .short_write = 1}}},
    delivery{.name = "deferred", .network = {.faults = {.deferred = 1}}},
    delivery{.name = "from_far", .network = {.latency = 70ms, .faults = {}}},
    delivery{.name = "tiny_buffers", .network = {.buffer_bytes = 1, .faults = {.no_buffers = 0.1}}},
};

struct good_answer {
  const char* name;
  std::string bytes;
  std::string body;
  bool reused = true;
  int status = 200;
  std::string verb = "GET";
  bool server_closes = false;
};

std::string interim(int count) {
  std::string bytes;
  for (int index = 0; index < count; ++index) bytes += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  return bytes;
}

std::vector<good_answer> good_answers() {
  const std::string large(100'000, 'x');
  return {
      {"length", ok("hello"), "hello"},
      {"length_zero", ok(""), ""},
      {"large", ok(large), large},
      {"body_that_looks_like_a_head", ok(ok("no")), ok("no")},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!"},
      {"chunked_empty", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
      {"chunked_with_extension_and_trailer",
       "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0;z\r\nSum: 1\r\n\r\n", "abc"},
      {"until_close", "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", false, 200, "GET", true},
      {"until_close_empty", "HTTP/1.1 200 OK\r\n\r\n", "", false, 200, "GET", true},
      {"http_1_0_until_close", "HTTP/1.0 200 OK\r\n\r\nold", "old", false, 200, "GET", true},
      {"http_1_0_length", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", "old", false},
      {"http_1_0_keep_alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold", "old"},
      {"connection_close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nby", "by", false},
      {"connection_list", "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nby", "by", false},
      {"head", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "", true, 200, "HEAD"},
      {"head_chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", true, 200, "HEAD"},
      {"head_without_framing", "HTTP/1.1 200 OK\r\n\r\n", "", true, 200, "HEAD"},
      {"no_content", "HTTP/1.1 204 No Content\r\n\r\n", "", true, 204},
      {"no_content_that_claims_some", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "", false, 204},
      {"not_modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n", "", true, 304},
      {"one_interim", "HTTP/1.1 100 Continue\r\n\r\n" + ok("then"), "then"},
      {"sixteen_interim", interim(16) + ok("at last"), "at last"},
      {"error_status", "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", "busy", true, 503},
      {"status_beyond_599", "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", "", true, 999},
      {"without_reason", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n1", "1"},
      {"bytes_after_the_answer", ok("mine") + ok("whose?"), "mine", false},
      {"one_byte_after_the_answer", ok("mine") + "H", "mine", false},
      {"post", ok("made"), "made", true, 200, "POST"},
      {"connect", "HTTP/1.1 200 OK\r\n\r\n", "", false, 200, "CONNECT"},
  };
}

class good_answer_test : public testing::TestWithParam<std::tuple<good_answer, delivery>> {};

TEST_P(good_answer_test, is_understood_and_decides_about_reuse) {
  const auto& [answer, how] = GetParam();
  world stage(how.network);
  script first = {read_request(), sends(answer.bytes)};
  if (answer.server_closes) first.push_back(closes());
  first.insert(first.end(), {read_request(), sends(ok("second"))});
  stage.server.scripts = {first, {read_request(), sends(ok("second"))}};

  const std::string target = answer.verb == "CONNECT" ? "shop.test:80" : "/";
  const auto outcomes = stage.exchange({{.verb = answer.verb, .target = target}, {.target = "/next"}});

  EXPECT_EQ(outcomes[0].status(), answer.status) << outcomes[0].body();
  EXPECT_EQ(outcomes[0].body(), answer.body);
  EXPECT_EQ(outcomes[1].body(), "second");
  EXPECT_EQ(stage.server.accepted, answer.reused ? 1U : 2U);
  EXPECT_EQ(stage.counters().reused, answer.reused ? 1U : 0U);
  EXPECT_EQ(stage.counters().resent, 0U);
  EXPECT_EQ(stage.server.requests.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(all, good_answer_test,
                         testing::Combine(testing::ValuesIn(good_answers()), testing::ValuesIn(deliveries)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
                         });

TEST(client_exchange, gives_every_header_in_order) {
  world stage;
  stage.server.scripts = {{read_request(), sends("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Empty:\r\nset-cookie: \t b=2 "
                                                 "\r\nContent-Length: 0\r\n\r\n")}};
  const auto outcomes = stage.exchange({{.target = "/"}});
  ASSERT_TRUE(outcomes[0].got);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"Set-Cookie", "a=1"}, {"X-Empty", ""}, {"set-cookie", "b=2"}, {"Content-Length", "0"}};
  EXPECT_EQ(outcomes[0].got->headers, expected);
  EXPECT_EQ(outcomes[0].got->header("SET-COOKIE"), "a=1");
  EXPECT_EQ(outcomes[0].got->header("absent"), "");
}

TEST(client_exchange, headers_of_an_interim_response_are_not_those_of_the_final_one) {
  world stage;
  stage.server.scripts = {{read_request(), sends(interim(1) + ok("x"))}};
  const auto outcomes = stage.exchange({{.target = "/"}});
  ASSERT_TRUE(outcomes[0].got);
  EXPECT_EQ(outcomes[0].got->header("link"), "");
}

TEST(client_exchange, twenty_requests_share_one_connection) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("hi")), again()}};
  const auto outcomes = stage.exchange(std::vector<client_request>(20), 1s);
  for (const outcome& each : outcomes) EXPECT_EQ(each.body(), "hi");
  EXPECT_EQ(stage.server.accepted, 1U);
  EXPECT_EQ(stage.counters().connects, 1U);
  EXPECT_EQ(stage.counters().requests, 20U);
  EXPECT_EQ(stage.counters().reused, 19U);
}

struct rendered {
  const char* name;
  client_request request;
  std::string bytes;
};

class request_bytes_test : public testing::TestWithParam<rendered> {};

TEST_P(request_bytes_test, are_exactly) {
  world stage({.faults = {.short_write = 1}});
  stage.server.scripts = {{read_request(), sends(ok(""))}};
  const auto outcomes = stage.exchange({GetParam().request});
  ASSERT_EQ(stage.server.requests.size(), 1U);
  EXPECT_EQ(stage.server.requests[0].text, GetParam().bytes);
  EXPECT_EQ(outcomes[0].status(), 200);
}

INSTANTIATE_TEST_SUITE_P(
    all, request_bytes_test,
    testing::Values(
        rendered{"get", {.target = "/a?b=c"}, "GET /a?b=c HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
        rendered{"fields",
                 {.headers = {{"Accept", "*/*"}, {"X-Tab", "a\tb"}}},
                 "GET / HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\nX-Tab: a\tb\r\n\r\n"},
        rendered{"own_host", {.headers = {{"host", "other"}}}, "GET / HTTP/1.1\r\nhost: other\r\n\r\n"},
        rendered{"post",
                 {.verb = "POST", .body = "a\r\n\r\nb"},
                 "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 6\r\n\r\na\r\n\r\nb"},
        rendered{"post_nothing", {.verb = "POST"}, "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n"},
        rendered{"delete_nothing", {.verb = "DELETE"}, "DELETE / HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
        rendered{"get_with_body", {.body = "q"}, "GET / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1\r\n\r\nq"}),
    named());

TEST(client_exchange, ten_megabytes_arrive_whole) {
  world stage({.latency = 1ms, .faults = {.short_read = 0.2, .short_write = 0.2}});
  stage.limits.write_timeout = 60s;
  stage.limits.response_timeout = 60s;
  stage.server.scripts = {{read_request(), sends(ok("took it")), again()}};
  std::string large(10'000'000, ' ');
  for (std::size_t index = 0; index < large.size(); ++index) large[index] = static_cast<char>('a' + index % 23);
  const auto outcomes = stage.exchange({{.verb = "PUT", .body = large}, {.target = "/after"}});
  EXPECT_EQ(outcomes[0].body(), "took it");
  EXPECT_EQ(outcomes[1].body(), "took it");
  ASSERT_EQ(stage.server.requests.size(), 2U);
  EXPECT_TRUE(stage.server.requests[0].text.ends_with("\r\n\r\n" + large));
  EXPECT_EQ(stage.server.accepted, 1U);
}

struct bad_request {
  const char* name;
  client_request request;
};

class bad_request_test : public testing::TestWithParam<bad_request> {};

TEST_P(bad_request_test, is_refused_before_anything_is_sent) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("")), again()}};
  EXPECT_FALSE(valid_request(GetParam().request));
  const auto outcomes = stage.exchange({GetParam().request});
  EXPECT_EQ(outcomes[0].failure(), label(errc::invalid_argument));
  EXPECT_EQ(stage.server.accepted, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    all, bad_request_test,
    testing::Values(bad_request{"verb_empty", {.verb = ""}}, bad_request{"verb_with_space", {.verb = "GET /x"}},
                    bad_request{"verb_with_crlf", {.verb = "GET\r\n"}}, bad_request{"target_empty", {.target = ""}},
                    bad_request{"target_with_space", {.target = "/ HTTP/1.1"}},
                    bad_request{"target_with_crlf", {.target = "/\r\nX: y"}},
                    bad_request{"target_with_nul", {.target = std::string("/\0", 2)}},
                    bad_request{"target_with_fragment", {.target = "/#a"}},
                    bad_request{"target_beyond_ascii", {.target = "/\xc3\xa4"}},
                    bad_request{"name_empty", {.headers = {{"", "x"}}}},
                    bad_request{"name_with_colon", {.headers = {{"a:", "x"}}}},
                    bad_request{"name_with_space", {.headers = {{"a ", "x"}}}},
                    bad_request{"name_with_crlf", {.headers = {{"a\r\nb", "x"}}}},
                    bad_request{"value_with_crlf", {.headers = {{"a", "x\r\nb: c"}}}},
                    bad_request{"value_with_lf", {.headers = {{"a", "x\nb: c"}}}},
                    bad_request{"value_with_cr", {.headers = {{"a", "x\r"}}}},
                    bad_request{"value_with_nul", {.headers = {{"a", std::string("\0", 1)}}}},
                    bad_request{"content_length", {.headers = {{"content-Length", "3"}}}},
                    bad_request{"transfer_encoding", {.headers = {{"Transfer-Encoding", "chunked"}}}},
                    bad_request{"connection", {.headers = {{"connection", "close"}}}}),
    named());

}  // namespace
}  // namespace assay::http::client_test
