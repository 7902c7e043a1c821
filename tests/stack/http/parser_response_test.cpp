// Response heads: what real servers send, which of them have a body, and what is refused.
#include "tests/stack/http/parser_test_support.hpp"

namespace assay::http {
namespace {

using namespace testing_support;

class malformed_response : public ::testing::TestWithParam<refused_row> {};

TEST_P(malformed_response, is_refused_for_its_own_reason) {
  response_head head;
  EXPECT_EQ(response_verdict(GetParam().text, head), GetParam().error);
}

constexpr refused_row refused_rows[] = {
    {"TlsAlert", "\x15\x03\x03\x00\x02\x02\x28"sv, parse_error::bad_version},
    {"SshBanner", "SSH-2.0-OpenSSH_9.2\r\n", parse_error::bad_version},
    {"IcyBanner", "ICY 200 OK\r\n\r\n", parse_error::bad_version},
    {"Http09Body", "<html>", parse_error::bad_version},
    {"EmptyLineBefore", "\r\nHTTP/1.1 200 OK\r\n\r\n", parse_error::bad_version},
    {"LowerCase", "http/1.1 200 OK\r\n\r\n", parse_error::bad_version},
    {"VersionWithoutMinor", "HTTP/1 200 OK\r\n\r\n", parse_error::bad_version},
    {"VersionAlone", "HTTP/1.1\r\n\r\n", parse_error::bad_version},
    {"TabAfterVersion", "HTTP/1.1\t200 OK\r\n\r\n", parse_error::bad_version},
    {"Http20", "HTTP/2.0 200 OK\r\n\r\n", parse_error::unsupported_version},
    {"Http12", "HTTP/1.2 200 OK\r\n\r\n", parse_error::unsupported_version},
    {"StatusMissing", "HTTP/1.1 \r\n\r\n", parse_error::bad_status},
    {"StatusAfterTwoSpaces", "HTTP/1.1  200 OK\r\n\r\n", parse_error::bad_status},
    {"StatusOfTwoDigits", "HTTP/1.1 20 OK\r\n\r\n", parse_error::bad_status},
    {"StatusOfFourDigits", "HTTP/1.1 2000 OK\r\n\r\n", parse_error::bad_status},
    {"StatusBelow100", "HTTP/1.1 099 Low\r\n\r\n", parse_error::bad_status},
    {"StatusSigned", "HTTP/1.1 +20 OK\r\n\r\n", parse_error::bad_status},
    {"StatusInHex", "HTTP/1.1 2aa OK\r\n\r\n", parse_error::bad_status},
    {"StatusGluedToPhrase", "HTTP/1.1 200OK\r\n\r\n", parse_error::bad_status},
    {"TabAfterStatus", "HTTP/1.1 200\tOK\r\n\r\n", parse_error::bad_status},
    {"ControlInPhrase", "HTTP/1.1 200 O\x01K\r\n\r\n", parse_error::bad_reason},
    {"DelInPhrase", "HTTP/1.1 200 OK\x7f\r\n\r\n", parse_error::bad_reason},
    {"NulInPhrase", "HTTP/1.1 200 O\0K\r\n\r\n"sv, parse_error::nul_byte},
    {"BareLfAfterPhrase", "HTTP/1.1 200 OK\n\r\n", parse_error::bare_lf},
    {"BareCrAfterStatus", "HTTP/1.1 200\rX: y\r\n\r\n", parse_error::bare_cr},
};

INSTANTIATE_TEST_SUITE_P(refused, malformed_response, ::testing::ValuesIn(refused_rows), row_name{});

struct body_row {
  std::string_view name;
  std::string_view text;
  method request_method;
  body_kind kind;
  std::uint64_t length;
  bool keep_alive;
};

class response_body : public ::testing::TestWithParam<body_row> {};

TEST_P(response_body, is_framed_as_rfc_9112_section_6_3_says) {
  const body_row& row = GetParam();
  response_head head;
  ASSERT_EQ(response_verdict(row.text, head, row.request_method), std::nullopt);
  EXPECT_EQ(head.body.kind, row.kind);
  EXPECT_EQ(head.body.length, row.length);
  EXPECT_EQ(head.keep_alive, row.keep_alive);
  EXPECT_FALSE(head.upgrade);
}

constexpr body_row body_rows[] = {
    {"Nginx",
     "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Tue, 14 May 2024 09:00:00 GMT\r\nContent-Type: "
     "text/html\r\nContent-Length: 612\r\nLast-Modified: Tue, 11 Apr 2023 01:45:34 GMT\r\nConnection: "
     "keep-alive\r\nETag: \"6434bbbe-264\"\r\nAccept-Ranges: bytes\r\n\r\n",
     method::get, body_kind::length, 612, true},
    {"Node",
     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Tue, 14 May 2024 09:00:00 "
     "GMT\r\nConnection: "
     "keep-alive\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n",
     method::get, body_kind::chunked, 0, true},
    {"PythonHttpServer",
     "HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\nDate: Tue, 14 May 2024 09:00:00 "
     "GMT\r\nContent-type: "
     "text/html; charset=utf-8\r\nContent-Length: 297\r\n\r\n",
     method::get, body_kind::length, 297, false},
    {"PythonUvicorn",
     "HTTP/1.1 200 OK\r\ndate: Tue, 14 May 2024 09:00:00 GMT\r\nserver: uvicorn\r\ncontent-length: 2\r\n"
     "content-type: application/json\r\n\r\n",
     method::get, body_kind::length, 2, true},
    {"GoNetHttp",
     "HTTP/1.1 200 OK\r\nDate: Tue, 14 May 2024 09:00:00 GMT\r\nContent-Length: 5\r\nContent-Type: "
     "text/plain; "
     "charset=utf-8\r\n\r\n",
     method::get, body_kind::length, 5, true},
    {"Rfc9110Section3Point9",
     "HTTP/1.1 200 OK\r\nDate: Mon, 27 Jul 2009 12:28:53 GMT\r\nServer: Apache\r\nLast-Modified: Wed, 22 Jul "
     "2009 "
     "19:15:56 GMT\r\nETag: \"34aa387-d-1568eb00\"\r\nAccept-Ranges: bytes\r\nContent-Length: 51\r\nVary: "
     "Accept-Encoding\r\nContent-Type: text/plain\r\n\r\n",
     method::get, body_kind::length, 51, true},
    {"UntilClose", "HTTP/1.1 200 OK\r\n\r\n", method::get, body_kind::until_close, 0, false},
    {"UntilCloseDespiteKeepAlive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", method::get,
     body_kind::until_close, 0, false},
    {"LengthZero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", method::get, body_kind::none, 0, true},
    {"LengthAndClose", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", method::get,
     body_kind::length, 5, false},
    {"Http10KeepAlive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\n", method::get,
     body_kind::length, 5, true},
    {"HeadWithLength", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method::head, body_kind::none, 0, true},
    {"HeadWithChunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", method::head, body_kind::none, 0,
     true},
    {"HeadWithNeither", "HTTP/1.1 200 OK\r\n\r\n", method::head, body_kind::none, 0, true},
    {"Continue", "HTTP/1.1 100 Continue\r\n\r\n", method::post, body_kind::none, 0, true},
    {"EarlyHints", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n", method::get, body_kind::none, 0,
     true},
    {"SwitchingWithoutItsFields", "HTTP/1.1 101 Switching Protocols\r\n\r\n", method::get, body_kind::none, 0, true},
    {"NoContent", "HTTP/1.1 204 No Content\r\n\r\n", method::get, body_kind::none, 0, true},
    {"NoContentWithLengthZero", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", method::get, body_kind::none, 0,
     true},
    {"NoContentWithLength", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", method::get, body_kind::none, 0,
     false},
    {"NoContentWithChunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", method::get,
     body_kind::none, 0, false},
    {"NotModifiedWithLength", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", method::get, body_kind::none, 0,
     true},
    {"ConnectAccepted", "HTTP/1.1 200 Connection established\r\n\r\n", method::connect, body_kind::none, 0, false},
    {"ConnectAcceptedWithFraming", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     method::connect, body_kind::none, 0, false},
    {"ConnectRefused", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\n", method::connect,
     body_kind::length, 5, true},
    {"UpgradeFieldsOn200", "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 5\r\n\r\n",
     method::get, body_kind::length, 5, true},
};

INSTANTIATE_TEST_SUITE_P(accepted, response_body, ::testing::ValuesIn(body_rows), row_name{});

TEST(status_line, is_read_with_and_without_a_phrase) {
  response_head head;
  ASSERT_EQ(response_verdict("HTTP/1.1 404 Not Found\r\n\r\n", head), std::nullopt);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Found");
  EXPECT_EQ(head.version_minor, 1);
  ASSERT_EQ(response_verdict("HTTP/1.0 999 \x80\t! \r\n\r\n", head), std::nullopt);
  EXPECT_EQ(head.status, 999);
  EXPECT_EQ(head.reason, "\x80\t! ");
  EXPECT_EQ(head.version_minor, 0);
  ASSERT_EQ(response_verdict("HTTP/1.1 200 \r\n\r\n", head), std::nullopt);
  EXPECT_EQ(head.reason, "");
  ASSERT_EQ(response_verdict("HTTP/1.1 200\r\n\r\n", head), std::nullopt);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.reason, "");
}

TEST(response_upgrade, is_101_with_both_fields) {
  response_head head;
  ASSERT_EQ(
      response_verdict("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", head),
      std::nullopt);
  EXPECT_TRUE(head.upgrade);
  EXPECT_EQ(head.body.kind, body_kind::none);
}

TEST(parse_response_head, refuses_bytes_that_are_not_exactly_one_head) {
  response_head head;
  for (const std::string_view text : {""sv, "\r\n\r\n"sv, "HTTP/1.1 200 OK\r\n"sv, "HTTP/1.1 200 OK\r\n\r\nbody"sv,
                                      "HTTP/1.1 200 OK\r\n\r\n\r\n\r\n"sv}) {
    EXPECT_FALSE(parse_response_head(text, method::get, {}, head).has_value()) << text;
  }
}

TEST(parse_response_head, counts_fields_and_bytes_like_a_request) {
  const std::string_view text = "HTTP/1.1 200 OK\r\na: b\r\nc: d\r\n\r\n";
  response_head head;
  const auto verdict = [&](const parse_limits& limits) { return parse_response_head(text, method::get, limits, head); };
  EXPECT_TRUE(verdict({.max_head_bytes = text.size(), .max_header_fields = 2}).has_value());
  EXPECT_EQ(verdict({.max_head_bytes = text.size() - 1}).error(), parse_error::head_too_large);
  EXPECT_EQ(verdict({.max_header_fields = 1}).error(), parse_error::too_many_headers);
}

}  // namespace
}  // namespace assay::http
