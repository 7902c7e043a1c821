// Servers that break the protocol, by mistake or by intent: each kind fails with its own error, at once, in bounded
// memory, and its connection is never used again.
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

struct hostile {
  const char* name;
  std::string bytes;
  errc expected = errc::protocol;
  bool server_closes = false;
};

std::string with_field(const std::string& line) { return "HTTP/1.1 200 OK\r\n" + line + "\r\n\r\nhello"; }
std::string chunked(const std::string& body) { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body; }
std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int index = 0; index < count; ++index) all += text;
  return all;
}

std::vector<hostile> cut_short() {
  return {
      {"nothing", "", errc::closed, true},
      {"one_byte", "H", errc::closed, true},
      {"half_a_status_line", "HTTP/1.1 2", errc::closed, true},
      {"half_a_header", "HTTP/1.1 200 OK\r\nContent-Le", errc::closed, true},
      {"no_empty_line", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", errc::closed, true},
      {"half_the_final_crlf", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r", errc::closed, true},
      {"interim_only", "HTTP/1.1 100 Continue\r\n\r\n", errc::closed, true},
      {"body_absent", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", errc::closed, true},
      {"body_short_by_one", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345678", errc::closed, true},
      {"chunk_size_cut", chunked("5"), errc::closed, true},
      {"chunk_cut", chunked("5\r\nhel"), errc::closed, true},
      {"last_chunk_absent", chunked("5\r\nhello\r\n"), errc::closed, true},
      {"end_of_chunks_cut", chunked("5\r\nhello\r\n0\r\n"), errc::closed, true},
      {"trailer_cut", chunked("0\r\nSum: 1\r\n"), errc::closed, true},
  };
}

std::vector<hostile> other_protocols() {
  return {
      {"garbage", "\x8f\x02qwertyuiop\xff\xff"s},
      {"tls_alert", "\x15\x03\x01\x00\x02\x02\x46"s},
      {"tls_hello", "\x16\x03\x03\x00\x31\x02\x00"s},
      {"http2_settings", "\x00\x00\x12\x04\x00\x00\x00\x00\x00"s},
      {"http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"ssh", "SSH-2.0-OpenSSH_9.2\r\n"},
      {"smtp", "220 mail ESMTP\r\n"},
      {"icy", "ICY 200 OK\r\n\r\n"},
      {"a_request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"http_0_9", "<html>hello</html>"},
      {"empty_line_first", "\r\n" + ok("x")},
      {"lower_case", "http/1.1 200 OK\r\n\r\n"},
  };
}

std::vector<hostile> bad_heads() {
  return {
      {"version_2", "HTTP/2.0 200 OK\r\n\r\n"},
      {"version_1_2", "HTTP/1.2 200 OK\r\n\r\n"},
      {"version_with_letter", "HTTP/1.x 200 OK\r\n\r\n"},
      {"version_long", "HTTP/1.10 200 OK\r\n\r\n"},
      {"status_99", "HTTP/1.1 099 OK\r\n\r\n"},
      {"status_1000", "HTTP/1.1 1000 OK\r\n\r\n"},
      {"status_abc", "HTTP/1.1 abc OK\r\n\r\n"},
      {"status_negative", "HTTP/1.1 -20 OK\r\n\r\n"},
      {"status_two_digits", "HTTP/1.1 20 OK\r\n\r\n"},
      {"status_absent", "HTTP/1.1\r\n\r\n"},
      {"two_spaces", "HTTP/1.1  200 OK\r\n\r\n"},
      {"control_in_reason", "HTTP/1.1 200 O\x01K\r\n\r\n"},
      {"bare_lf_in_status_line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"},
      {"bare_lf_in_header", with_field("A: b\nContent-Length: 5")},
      {"bare_lf_at_the_end", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\n"},
      {"bare_cr", with_field("A: b\rc")},
      {"nul_in_status_line", "HTTP/1.1 200 O\0K\r\n\r\n"s},
      {"nul_in_header", "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"s},
      {"obs_fold", with_field("A: b\r\n c\r\nContent-Length: 5")},
      {"space_before_colon", with_field("Content-Length : 5")},
      {"no_colon", with_field("Content-Length 5")},
      {"no_name", with_field(": 5")},
      {"65_fields", with_field(repeated("A: b\r\n", 64) + "Content-Length: 5")},
      {"upgrade_not_asked_for", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"},
      {"interim_17_times", repeated("HTTP/1.1 100 Continue\r\n\r\n", 17) + ok("x")},
      {"interim_with_a_body", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello" + ok("x")},
  };
}

std::vector<hostile> bad_framing() {
  return {
      {"length_and_chunked", with_field("Content-Length: 5\r\nTransfer-Encoding: chunked")},
      {"two_equal_lengths", with_field("Content-Length: 5\r\nContent-Length: 5")},
      {"two_lengths", with_field("Content-Length: 5\r\nContent-Length: 6")},
      {"list_of_lengths", with_field("Content-Length: 5, 5")},
      {"length_plus", with_field("Content-Length: +5")},
      {"length_minus", with_field("Content-Length: -5")},
      {"length_hex", with_field("Content-Length: 0x5")},
      {"length_with_space", with_field("Content-Length: 5 5")},
      {"length_empty", with_field("Content-Length:")},
      {"length_2_to_63", with_field("Content-Length: 9223372036854775808")},
      {"length_2_to_64", with_field("Content-Length: 18446744073709551616")},
      {"gzip", with_field("Transfer-Encoding: gzip")},
      {"gzip_chunked", with_field("Transfer-Encoding: gzip, chunked")},
      {"chunked_twice", with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
      {"chunked_in_1_0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"chunk_size_letters", chunked("zz\r\n")},
      {"chunk_size_negative", chunked("-1\r\nx\r\n")},
      {"chunk_size_0x", chunked("0x1\r\nx\r\n")},
      {"chunk_size_empty", chunked("\r\n")},
      {"chunk_size_huge", chunked("fffffffffffffffff\r\n")},
      {"chunk_without_crlf", chunked("5\r\nhelloX")},
      {"chunk_ends_in_lf", chunked("5\r\nhello\n")},
      {"chunk_line_ends_in_lf", chunked("5\nhello\r\n")},
      {"chunk_line_long", chunked("5;a=" + std::string(300, 'a'))},
      {"chunk_size_zeros", chunked(std::string(300, '0'))},
      {"trailers_large", chunked("0\r\n" + repeated("A: " + std::string(1000, 'b') + "\r\n", 10))},
      {"trailer_folded", chunked("0\r\nA: b\r\n c\r\n\r\n")},
      {"trailer_with_nul", chunked("0\r\nA: \0\r\n\r\n"s)},
  };
}

class hostile_test : public testing::TestWithParam<hostile> {
 protected:
  // What came out of it, and that a request after it goes to a fresh connection.
  static outcome answer_with(const hostile& kind, const sim_options& network) {
    world stage(network);
    script first = {read_request(), sends(kind.bytes)};
    if (kind.server_closes) first.push_back(closes());
    stage.server.scripts = {first, {read_request(), sends(ok("fresh"))}};
    const auto outcomes = stage.exchange({{.verb = "GET"}, {.verb = "POST"}});
    EXPECT_EQ(outcomes[1].body(), "fresh");
    EXPECT_EQ(stage.server.accepted, 2U);
    EXPECT_EQ(stage.counters().reused, 0U);
    EXPECT_EQ(stage.counters().resent, 0U);
    return outcomes[0];
  }
};

TEST_P(hostile_test, fails_with_its_own_error_at_once) {
  const outcome got = answer_with(GetParam(), {});
  EXPECT_EQ(got.failure(), label(GetParam().expected));
  EXPECT_EQ(got.took, 0ns);
  ASSERT_FALSE(got.got);
  EXPECT_STRNE(got.got.error().what, "");
}

TEST_P(hostile_test, fails_the_same_way_in_small_pieces) {
  const outcome got = answer_with(GetParam(), {.latency = 1ms, .buffer_bytes = 1, .faults = {.deferred = 0.5}});
  EXPECT_EQ(got.failure(), label(GetParam().expected));
  EXPECT_LT(got.took, 1s);
}

INSTANTIATE_TEST_SUITE_P(cut_short, hostile_test, testing::ValuesIn(cut_short()), named());
INSTANTIATE_TEST_SUITE_P(other_protocol, hostile_test, testing::ValuesIn(other_protocols()), named());
INSTANTIATE_TEST_SUITE_P(bad_head, hostile_test, testing::ValuesIn(bad_heads()), named());
INSTANTIATE_TEST_SUITE_P(bad_framing, hostile_test, testing::ValuesIn(bad_framing()), named());

// --- without end ---------------------------------------------------------------------------------------------------

struct endless {
  const char* name;
  std::string start;
  std::string then;  // again and again, a mebibyte in all
  errc expected = errc::protocol;
  std::size_t allowed_bytes = 64 * 1024;  // what the client may take of it
};

class endless_test : public testing::TestWithParam<endless> {};

TEST_P(endless_test, is_refused_at_its_limit) {
  world stage;
  stage.limits.max_body_bytes = 100'000;
  const endless& kind = GetParam();
  stage.server.scripts = {{read_request(), sends(kind.start), floods(kind.then, (1 << 20) / kind.then.size())},
                          {read_request(), sends(ok("fresh"))}};
  const auto outcomes = stage.exchange({{.verb = "GET"}, {.verb = "GET"}});
  EXPECT_EQ(outcomes[0].failure(), label(kind.expected));
  EXPECT_EQ(outcomes[1].body(), "fresh");
  // Beyond what the client took there is only what the network holds.
  EXPECT_LE(stage.server.sent_bytes, kind.allowed_bytes + sim_options{}.window_bytes + 4096);
}

INSTANTIATE_TEST_SUITE_P(
    all, endless_test,
    testing::Values(endless{"reason", "HTTP/1.1 200 ", std::string(1024, 'a')},
                    endless{"headers", "HTTP/1.1 200 OK\r\n", "Filler: " + std::string(1014, 'a') + "\r\n"},
                    endless{"header_name", "HTTP/1.1 200 OK\r\n", std::string(1024, 'a')},
                    endless{"header_value", "HTTP/1.1 200 OK\r\nA: ", std::string(1024, 'a')},
                    endless{"interim_responses", "", "HTTP/1.1 102 Processing\r\n\r\n"},
                    endless{"chunks", chunked(""), "400\r\n" + std::string(1024, 'a') + "\r\n", errc::limit, 104'000},
                    endless{"small_chunks", chunked(""), "1;x=yz\r\na\r\n", errc::protocol, 64 * 1024},
                    endless{"chunk", chunked("fffffffffffffff\r\n"), std::string(1024, 'a'), errc::limit, 104'000},
                    endless{"until_close", "HTTP/1.1 200 OK\r\n\r\n", std::string(1024, 'a'), errc::limit, 104'000},
                    endless{"length", with_field("Content-Length: 9223372036854775807"), std::string(1024, 'a'),
                            errc::limit, 4096},
                    endless{"trailers", chunked("0\r\n"), "Filler: a\r\n"}),
    named());

TEST(client_hostile, a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not) {
  const auto sent = [](const std::string& answer, bool server_closes) {
    world stage;
    stage.limits.max_body_bytes = 5000;
    script steps = {read_request(), sends(answer)};
    if (server_closes) steps.push_back(closes());
    stage.server.scripts = {steps};
    return stage.exchange({{.verb = "GET"}})[0];
  };
  const std::string most(5000, 'm');
  EXPECT_EQ(sent(ok(most), false).body(), most);
  EXPECT_EQ(sent(ok(most + "x"), false).failure(), label(errc::limit));
  EXPECT_EQ(sent(chunked("1388\r\n" + most + "\r\n0\r\n\r\n"), false).body(), most);
  EXPECT_EQ(sent(chunked("1388\r\n" + most + "\r\n1\r\nx\r\n0\r\n\r\n"), false).failure(), label(errc::limit));
  EXPECT_EQ(sent("HTTP/1.1 200 OK\r\n\r\n" + most, true).body(), most);
  EXPECT_EQ(sent("HTTP/1.1 200 OK\r\n\r\n" + most + "x", true).failure(), label(errc::limit));
}

// --- bytes that belong to no request -------------------------------------------------------------------------------

TEST(client_hostile, an_answer_that_comes_twice_is_never_given_to_the_next_request) {
  for (const duration later : {0ns, duration(1ns), duration(1s)}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(ok("first")), waits(later), sends(ok("first again")), again()},
                            {read_request(), sends(ok("second"))}};
    const auto outcomes = stage.exchange({{.target = "/1"}, {.target = "/2"}}, 2s);
    EXPECT_EQ(outcomes[0].body(), "first");
    EXPECT_EQ(outcomes[1].body(), "second") << later.count();
    EXPECT_EQ(stage.server.accepted, 2U);
  }
}

TEST(client_hostile, an_answer_before_the_request_spoils_the_connection) {
  world stage;
  stage.server.scripts = {{sends(ok("early")), read_request(), sends(ok("late"))},
                          {read_request(), sends(ok("second"))}};
  const auto outcomes = stage.exchange({{.target = "/1"}, {.target = "/2"}}, 1s);
  EXPECT_EQ(outcomes[0].body(), "early");
  EXPECT_EQ(outcomes[1].body(), "second");
  EXPECT_EQ(stage.server.accepted, 2U);
}

TEST(client_hostile, what_a_server_says_to_an_idle_connection_is_no_answer) {
  world stage;
  stage.server.scripts = {
      {read_request(), sends(ok("first")), waits(1s), sends("HTTP/1.1 408 Request Timeout\r\n\r\n"), closes()},
      {read_request(), sends(ok("second"))}};
  const auto outcomes = stage.exchange({{.verb = "POST"}, {.verb = "POST"}}, 2s);
  EXPECT_EQ(outcomes[1].body(), "second");
  EXPECT_EQ(stage.counters().resent, 0U);
}

// --- connections closed or reset -----------------------------------------------------------------------------------

TEST(client_hostile, a_server_that_closes_after_each_answer_costs_nothing_but_connections) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("x")), closes()}};
  const auto outcomes = stage.exchange({{.verb = "GET"}, {.verb = "POST"}, {.verb = "GET"}}, 1s);
  for (const outcome& each : outcomes) EXPECT_EQ(each.body(), "x");
  EXPECT_EQ(stage.server.accepted, 3U);
  EXPECT_EQ(stage.counters().resent, 0U);
}

struct stale {
  const char* name;
  const char* verb;
  script first;  // after one request on the connection has been answered
  bool resent;
  errc expected = errc::closed;
};

class stale_test : public testing::TestWithParam<stale> {};

TEST_P(stale_test, is_sent_again_only_where_that_is_safe) {
  const stale& kind = GetParam();
  world stage;
  script first = {read_request(), sends(ok("first"))};
  first.insert(first.end(), kind.first.begin(), kind.first.end());
  stage.server.scripts = {first, {read_request(), sends(ok("second"))}};
  const auto outcomes = stage.exchange({{.verb = "GET"}, {.verb = kind.verb, .target = "/again"}}, 1s);
  EXPECT_EQ(stage.counters().resent, kind.resent ? 1U : 0U);
  EXPECT_EQ(stage.server.accepted, kind.resent ? 2U : 1U);
  EXPECT_EQ(outcomes[1].failure(), kind.resent ? "none" : label(kind.expected));
  if (kind.resent && kind.verb != "HEAD"s) EXPECT_EQ(outcomes[1].body(), "second");
}

const script closes_on_request = {read_request(), closes()};
const script resets_unread = {waits(2s), closes()};  // the request arrives meanwhile
const script begins_and_closes = {read_request(), sends("HTTP/1.1 2"), closes()};
const script interim_and_closes = {read_request(), sends("HTTP/1.1 100 Continue\r\n\r\n"), closes()};

INSTANTIATE_TEST_SUITE_P(
    all, stale_test,
    testing::Values(
        stale{"get", "GET", closes_on_request, true}, stale{"head", "HEAD", closes_on_request, true},
        stale{"put", "PUT", closes_on_request, true}, stale{"delete", "DELETE", closes_on_request, true},
        stale{"post", "POST", closes_on_request, false}, stale{"patch", "PATCH", closes_on_request, false},
        stale{"unknown", "PURGE", closes_on_request, false}, stale{"lower_case", "get", closes_on_request, false},
        stale{"get_reset", "GET", resets_unread, true}, stale{"post_reset", "POST", resets_unread, false, errc::reset},
        stale{"get_begun", "GET", begins_and_closes, false}, stale{"get_interim", "GET", interim_and_closes, false}),
    named());

TEST(client_hostile, a_request_is_sent_again_once_and_not_forever) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("first")), read_request(), closes()}, {read_request(), closes()}};
  const auto outcomes = stage.exchange({{.target = "/1"}, {.target = "/2"}, {.target = "/3"}}, 1s);
  EXPECT_EQ(outcomes[1].failure(), label(errc::closed));
  EXPECT_EQ(outcomes[2].failure(), label(errc::closed));
  EXPECT_EQ(stage.counters().resent, 1U);
  EXPECT_EQ(stage.server.requests.size(), 4U);  // /1, /2, /2, and /3 on a connection that was fresh
}

TEST(client_hostile, a_reset_before_the_answer_is_a_reset) {
  world stage;
  stage.server.scripts = {{waits(1s), closes()}};
  const auto outcomes = stage.exchange({{.verb = "GET"}});
  EXPECT_EQ(outcomes[0].failure(), label(errc::reset));
  EXPECT_EQ(outcomes[0].took, 1s);
}

}  // namespace
}  // namespace assay::http::client_test
