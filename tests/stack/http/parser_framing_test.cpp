// Where a request's body ends: every known way to make two readers disagree about it is refused.
#include "tests/stack/http/parser_test_support.hpp"

namespace assay::http {
namespace {

using namespace testing_support;

class smuggling : public ::testing::TestWithParam<refused_row> {};

TEST_P(smuggling, is_refused_for_its_own_reason) {
  request_head head;
  EXPECT_EQ(request_verdict(GetParam().text, head), GetParam().error);
}

constexpr refused_row smuggling_rows[] = {
    {"ClTe", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
     parse_error::content_length_and_transfer_encoding},
    {"TeCl", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nG\r\n",
     parse_error::content_length_and_transfer_encoding},
    {"ClZeroTe", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
     parse_error::content_length_and_transfer_encoding},
    {"ClWithUnknownTe", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: xchunked\r\n\r\n",
     parse_error::content_length_and_transfer_encoding},
    {"TeTwice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeTwiceSecondUnknown",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeTwiceFirstUnknown",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeChunkedChunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeGzipChunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeChunkedNotFinal", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeIdentity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TePrefixed", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeQuoted", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeWithParameter", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeWithTrailingComma", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeEmpty", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", parse_error::unknown_transfer_encoding},
    {"TeWithHighByte", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\xa0\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeWithVerticalTab",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n",
     parse_error::bad_header_value},
    {"TeSpaceBeforeColon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
     parse_error::space_before_colon},
    {"TeTabBeforeColon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n",
     parse_error::space_before_colon},
    {"TeFolded", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", parse_error::obs_fold},
    {"TeAfterBareLf", "POST / HTTP/1.1\r\nHost: a\r\nX: x\nTransfer-Encoding: chunked\r\n\r\n", parse_error::bare_lf},
    {"TeAfterBareCr", "POST / HTTP/1.1\r\nHost: a\r\nX: x\rTransfer-Encoding: chunked\r\n\r\n", parse_error::bare_cr},
    {"TeInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", parse_error::transfer_encoding_in_http_1_0},
    {"TeAndClInHttp10", "POST / HTTP/1.0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
     parse_error::transfer_encoding_in_http_1_0},
    {"ClTwiceDiffering", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\nContent-Length: 7\r\n\r\n",
     parse_error::conflicting_content_length},
    {"ClTwiceEqual", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
     parse_error::conflicting_content_length},
    {"ClListEqual", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
     parse_error::conflicting_content_length},
    {"ClListDiffering", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,6\r\n\r\n",
     parse_error::conflicting_content_length},
    {"ClPlus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", parse_error::bad_content_length},
    {"ClMinus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", parse_error::bad_content_length},
    {"ClMinusZero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -0\r\n\r\n", parse_error::bad_content_length},
    {"ClEmpty", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", parse_error::bad_content_length},
    {"ClBlank", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \t \r\n\r\n", parse_error::bad_content_length},
    {"ClHex", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", parse_error::bad_content_length},
    {"ClSpaceInside", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 0\r\n\r\n", parse_error::bad_content_length},
    {"ClUnderscore", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n", parse_error::bad_content_length},
    {"ClFraction", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5.0\r\n\r\n", parse_error::bad_content_length},
    {"ClExponent", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5e1\r\n\r\n", parse_error::bad_content_length},
    {"ClQuoted", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \"5\"\r\n\r\n", parse_error::bad_content_length},
    {"ClFullWidthDigit", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \xef\xbc\x95\r\n\r\n",
     parse_error::bad_content_length},
    {"ClTwoToThe63", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n",
     parse_error::bad_content_length},
    {"ClTwoToThe64PlusFive", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n",
     parse_error::bad_content_length},
    {"ClSpaceBeforeColon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n", parse_error::space_before_colon},
    {"ClWithNul", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\0\r\n\r\n"sv, parse_error::nul_byte},
    {"ClFolded", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n 0\r\n\r\n", parse_error::obs_fold},
};

INSTANTIATE_TEST_SUITE_P(requests, smuggling, ::testing::ValuesIn(smuggling_rows), row_name{});

// The same tricks from a server that was itself fooled.
class response_smuggling : public ::testing::TestWithParam<refused_row> {};

TEST_P(response_smuggling, is_refused_for_its_own_reason) {
  response_head head;
  EXPECT_EQ(response_verdict(GetParam().text, head), GetParam().error);
}

constexpr refused_row response_rows[] = {
    {"ClTe", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n",
     parse_error::content_length_and_transfer_encoding},
    {"ClTwiceDiffering", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 7\r\n\r\n",
     parse_error::conflicting_content_length},
    {"ClTwiceEqual", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 6\r\n\r\n",
     parse_error::conflicting_content_length},
    {"ClBad", "HTTP/1.1 200 OK\r\nContent-Length: six\r\n\r\n", parse_error::bad_content_length},
    {"TeGzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", parse_error::unknown_transfer_encoding},
    {"TeGzipChunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
     parse_error::unknown_transfer_encoding},
    {"TeInHttp10", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", parse_error::transfer_encoding_in_http_1_0},
    {"ClTeToHead304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n",
     parse_error::content_length_and_transfer_encoding},
    {"FoldedField", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", parse_error::obs_fold},
    {"BareLf", "HTTP/1.1 200 OK\nContent-Length: 6\r\n\r\n", parse_error::bare_lf},
};

INSTANTIATE_TEST_SUITE_P(responses, response_smuggling, ::testing::ValuesIn(response_rows), row_name{});

struct framed_row {
  std::string_view name;
  std::string_view fields;
  body_kind kind;
  std::uint64_t length;
};

class request_framing : public ::testing::TestWithParam<framed_row> {};

TEST_P(request_framing, follows_the_fields) {
  const std::string text = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(GetParam().fields) + "\r\n";
  request_head head;
  ASSERT_EQ(request_verdict(text, head), std::nullopt);
  EXPECT_EQ(head.body.kind, GetParam().kind);
  EXPECT_EQ(head.body.length, GetParam().length);
}

constexpr framed_row framed_rows[] = {
    {"Neither", "", body_kind::none, 0},
    {"LengthZero", "Content-Length: 0\r\n", body_kind::none, 0},
    {"LengthFive", "content-LENGTH:5\r\n", body_kind::length, 5},
    {"LengthWithSpaceAround", "Content-Length: \t5 \t\r\n", body_kind::length, 5},
    {"LengthWithLeadingZeros", "Content-Length: 000000000000000000000000007\r\n", body_kind::length, 7},
    {"LengthLargest", "Content-Length: 9223372036854775807\r\n", body_kind::length, 9223372036854775807U},
    {"Chunked", "Transfer-Encoding: chunked\r\n", body_kind::chunked, 0},
    {"ChunkedInCapitals", "transfer-encoding:\tCHUNKED \r\n", body_kind::chunked, 0},
    {"OtherFieldsOfTheSameLengths", "Content-Lengthy: x\r\nXontent-Length: 5\r\nTransfer-Encodinx: chunked\r\n",
     body_kind::none, 0},
};

INSTANTIATE_TEST_SUITE_P(accepted, request_framing, ::testing::ValuesIn(framed_rows), row_name{});

struct alive_row {
  std::string_view name;
  std::string_view text;
  bool keep_alive;
};

class persistence : public ::testing::TestWithParam<alive_row> {};

TEST_P(persistence, follows_version_and_connection_options) {
  request_head head;
  ASSERT_EQ(request_verdict(GetParam().text, head), std::nullopt);
  EXPECT_EQ(head.keep_alive, GetParam().keep_alive);
}

constexpr alive_row alive_rows[] = {
    {"Http11", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
    {"Http11Close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
    {"Http11CloseInCapitals", "GET / HTTP/1.1\r\nHost: a\r\nCONNECTION: CLOSE\r\n\r\n", false},
    {"Http11CloseInList", "GET / HTTP/1.1\r\nHost: a\r\nConnection: te ,\tclose, x\r\n\r\n", false},
    {"Http11CloseInSecondField", "GET / HTTP/1.1\r\nHost: a\r\nConnection: te\r\nConnection: close\r\n\r\n", false},
    {"Http11CloseWinsOverKeepAlive", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, keep-alive\r\n\r\n", false},
    {"Http11CloseIsAWord", "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, unclose\r\n\r\n", true},
    {"Http11EmptyElements", "GET / HTTP/1.1\r\nHost: a\r\nConnection: ,, ,\r\n\r\n", true},
    {"Http10", "GET / HTTP/1.0\r\n\r\n", false},
    {"Http10KeepAlive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    {"Http10KeepAliveAndClose", "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
};

INSTANTIATE_TEST_SUITE_P(requests, persistence, ::testing::ValuesIn(alive_rows), row_name{});

TEST(request_expectations, count_only_with_a_body_and_in_http_1_1) {
  request_head head;
  ASSERT_EQ(request_verdict("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n", head),
            std::nullopt);
  EXPECT_TRUE(head.expect_continue);
  ASSERT_EQ(request_verdict("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", head),
            std::nullopt);
  EXPECT_FALSE(head.expect_continue);
  ASSERT_EQ(request_verdict("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", head), std::nullopt);
  EXPECT_FALSE(head.expect_continue);
  ASSERT_EQ(request_verdict("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n", head),
            std::nullopt);
  EXPECT_FALSE(head.expect_continue);
}

TEST(request_upgrade, needs_the_field_and_the_option_and_http_1_1) {
  request_head head;
  ASSERT_EQ(request_verdict("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: x, Upgrade\r\n\r\n", head),
            std::nullopt);
  EXPECT_TRUE(head.upgrade);
  ASSERT_EQ(request_verdict("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", head), std::nullopt);
  EXPECT_FALSE(head.upgrade);
  ASSERT_EQ(request_verdict("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", head), std::nullopt);
  EXPECT_FALSE(head.upgrade);
  ASSERT_EQ(request_verdict("GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", head), std::nullopt);
  EXPECT_FALSE(head.upgrade);
}

}  // namespace
}  // namespace assay::http
