// The chunked coding: what it decodes to, what it refuses, its limits, and that no cut of the input matters.
#include "stack/http/chunked.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/stack/http/parser_test_support.hpp"

namespace assay::http {
namespace {

using namespace testing_support;

struct decoded {
  std::string payload;
  std::size_t consumed = 0;
  chunk_state state = chunk_state::need_more;
  parse_error error{};
  bool operator==(const decoded&) const = default;
};

// Feeds one piece after the other until a verdict; `cuts` are the ends of the pieces but the last.
decoded decode(std::string_view text, const std::vector<std::size_t>& cuts = {}, const chunk_limits& limits = {}) {
  chunked_decoder decoder(limits);
  decoded result;
  std::size_t start = 0;
  for (std::size_t index = 0; index <= cuts.size(); ++index) {
    const std::size_t end = index < cuts.size() ? cuts[index] : text.size();
    std::string_view left = text.substr(start, end - start);
    start = end;
    while (!left.empty()) {
      const chunk_piece piece = decoder.feed(left);
      result.payload.append(piece.payload);
      result.consumed += piece.consumed;
      result.state = piece.state == chunk_state::payload ? chunk_state::need_more : piece.state;
      if (piece.state == chunk_state::error) result.error = piece.error;
      if (result.state != chunk_state::need_more) return result;
      left.remove_prefix(piece.consumed);
    }
  }
  return result;
}

class refused_chunks : public ::testing::TestWithParam<refused_row> {};

TEST_P(refused_chunks, for_their_own_reason_under_every_cut) {
  const decoded whole = decode(GetParam().text);
  ASSERT_EQ(whole.state, chunk_state::error);
  EXPECT_EQ(whole.error, GetParam().error);
  for (std::size_t first = 0; first <= GetParam().text.size(); ++first) {
    for (std::size_t second = first; second <= GetParam().text.size(); ++second) {
      ASSERT_EQ(decode(GetParam().text, {first, second}), whole) << "cut at " << first << " and " << second;
    }
  }
}

constexpr refused_row refused_rows[] = {
    {"SizeEmpty", "\r\nhello", parse_error::bad_chunk_size},
    {"SizeMissingBeforeExtension", ";a\r\n\r\n", parse_error::bad_chunk_size},
    {"SizePlus", "+5\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeMinus", "-5\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithPrefix", "0x5\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithSpaceBefore", " 5\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithTabBefore", "\t5\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithSpaceBehind", "5 \r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithSpaceInside", "1 0\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithUnderscore", "1_0\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeNotHex", "5g\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithHighByte", "5\xa0\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithVerticalTab", "5\x0b\r\nhello\r\n", parse_error::bad_chunk_size},
    {"SizeWithNul", "5\0\r\nhello\r\n"sv, parse_error::nul_byte},
    {"SizeEndsInLf", "5\nhello\r\n0\r\n\r\n", parse_error::bare_lf},
    {"SizeEndsInCr", "5\rhello\r\n0\r\n\r\n", parse_error::bare_cr},
    {"SizeEndsInCrCrLf", "5\r\r\nhello\r\n0\r\n\r\n", parse_error::bare_cr},
    {"SizeOfSixteenDigits", "1000000000000000\r\n", parse_error::chunk_size_too_large},
    {"SizeThatWrapsTo5", "10000000000000005\r\nhello\r\n", parse_error::chunk_size_too_large},
    {"SizeThatIsMinusOne", "ffffffffffffffff\r\nhello\r\n", parse_error::chunk_size_too_large},
    {"ExtensionEndsInLf", "5;a\nhello\r\n0\r\n\r\n", parse_error::bare_lf},
    {"ExtensionWithLfInQuotes", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", parse_error::bare_lf},
    {"ExtensionWithCr", "5;a\rb\r\nhello\r\n", parse_error::bare_cr},
    {"ExtensionWithNul", "5;a\0\r\nhello\r\n"sv, parse_error::nul_byte},
    {"ExtensionWithControl", "5;a\x01\r\nhello\r\n", parse_error::bad_chunk_extension},
    {"ExtensionWithoutName", "5;\r\nhello\r\n", parse_error::bad_chunk_extension},
    {"ExtensionOfBlanks", "5; \t\r\nhello\r\n", parse_error::bad_chunk_extension},
    {"ExtensionNameInQuotes", "5;\"a\"\r\nhello\r\n", parse_error::bad_chunk_extension},
    {"ExtensionAfterSpaceStartsWithLf", "5;\nhello\r\n", parse_error::bare_lf},
    {"DataTooLong", "5\r\nhello!\r\n0\r\n\r\n", parse_error::bad_chunk_end},
    {"DataTooShort", "6\r\nhello\r\n0\r\n\r\n", parse_error::bare_lf},
    {"DataEndsInLf", "5\r\nhello\n0\r\n\r\n", parse_error::bare_lf},
    {"DataEndsInCr", "5\r\nhello\r0\r\n\r\n", parse_error::bare_cr},
    {"DataFollowedByNextSize", "5\r\nhello0\r\n\r\n", parse_error::bad_chunk_end},
    {"TrailerFolded", "0\r\na: b\r\n c\r\n\r\n", parse_error::obs_fold},
    {"TrailerStartsWithSpace", "0\r\n a: b\r\n\r\n", parse_error::obs_fold},
    {"TrailerWithSpaceBeforeColon", "0\r\na : b\r\n\r\n", parse_error::space_before_colon},
    {"TrailerWithSpaceInName", "0\r\na b: c\r\n\r\n", parse_error::bad_header_name},
    {"TrailerWithoutColon", "0\r\na\r\n\r\n", parse_error::bad_header_name},
    {"TrailerWithoutName", "0\r\n: b\r\n\r\n", parse_error::bad_header_name},
    {"TrailerIsARequestLine", "0\r\nGET / HTTP/1.1\r\n\r\n", parse_error::bad_header_name},
    {"TrailerWithControl", "0\r\na: \x01\r\n\r\n", parse_error::bad_header_value},
    {"TrailerWithDel", "0\r\na: \x7f\r\n\r\n", parse_error::bad_header_value},
    {"TrailerWithNul", "0\r\na: \0\r\n\r\n"sv, parse_error::nul_byte},
    {"TrailerEndsInLf", "0\r\na: b\n\r\n", parse_error::bare_lf},
    {"TrailerEndsInCr", "0\r\na: b\rc: d\r\n\r\n", parse_error::bare_cr},
    {"EndIsLf", "0\r\n\n", parse_error::bare_lf},
    {"EndIsCr", "0\r\n\rX", parse_error::bare_cr},
};

INSTANTIATE_TEST_SUITE_P(chunked, refused_chunks, ::testing::ValuesIn(refused_rows), row_name{});

struct accepted_row {
  std::string_view name;
  std::string_view text;
  std::string_view payload;
  std::string_view rest;  // not consumed
};

class accepted_chunks : public ::testing::TestWithParam<accepted_row> {};

TEST_P(accepted_chunks, decode_the_same_under_every_cut) {
  const std::string_view text = GetParam().text;
  const decoded whole = decode(text);
  EXPECT_EQ(whole.state, chunk_state::done);
  EXPECT_EQ(whole.payload, GetParam().payload);
  EXPECT_EQ(text.substr(whole.consumed), GetParam().rest);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      ASSERT_EQ(decode(text, {first, second}), whole) << "cut at " << first << " and " << second;
    }
  }
  std::vector<std::size_t> everywhere;
  for (std::size_t at = 1; at < text.size(); ++at) everywhere.push_back(at);
  EXPECT_EQ(decode(text, everywhere), whole);
}

constexpr accepted_row accepted_rows[] = {
    {"Empty", "0\r\n\r\n", "", ""},
    {"ZerosEndToo", "0000\r\n\r\n", "", ""},
    {"OneChunk", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"TwoChunksAndNextRequest", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello world",
     "GET / HTTP/1.1\r\n"},
    {"HexInBothCases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a", ""},
    {"LeadingZeros", "00000000000000000005\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"PayloadLooksLikeTheEnd", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", ""},
    {"PayloadOfAnyBytes", "4\r\n\0\n\r\xff\r\n0\r\n\r\n"sv, "\0\n\r\xff"sv, ""},
    {"Extensions", "5;a\r\nhello\r\n1 ;\ta = \"b;\\\"\" ; c=d\r\n!\r\n0;e\r\n\r\n", "hello!", ""},
    {"ExtensionWithHighByte", "1;a=\"\xc3\xa4\"\r\n!\r\n0\r\n\r\n", "!", ""},
    {"Trailers", "1\r\n!\r\n0\r\nETag: \"a\"\r\nx:\r\ny:\t\x80 \r\n\r\nnext", "!", "next"},
    {"Rfc9112FramingFieldsInTrailersAreDropped", "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
     "", "hello"},
};

INSTANTIATE_TEST_SUITE_P(chunked, accepted_chunks, ::testing::ValuesIn(accepted_rows), row_name{});

// Pieces of a body never end early: nothing but the last CRLF is `done`.
TEST(chunked_decoder, needs_more_before_every_end) {
  const std::string_view text = "5;a\r\nhello\r\n0\r\nx: y\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const decoded part = decode(text.substr(0, size));
    EXPECT_EQ(part.state, chunk_state::need_more) << size;
    EXPECT_EQ(part.consumed, size);
  }
}

TEST(chunked_decoder, hands_out_views_into_the_input) {
  const std::string_view text = "5\r\nhello\r\n0\r\n\r\n";
  chunked_decoder decoder;
  const chunk_piece piece = decoder.feed(text);
  ASSERT_EQ(piece.state, chunk_state::payload);
  EXPECT_EQ(piece.payload.data(), text.data() + 3);
  EXPECT_EQ(piece.consumed, 8U);
  EXPECT_FALSE(decoder.done());
}

TEST(chunked_decoder, stays_at_its_verdict_until_reset) {
  chunked_decoder decoder;
  EXPECT_EQ(decoder.feed("0\r\n\r\n").state, chunk_state::done);
  EXPECT_TRUE(decoder.done());
  const chunk_piece after_done = decoder.feed("5\r\n");
  EXPECT_EQ(after_done.state, chunk_state::done);
  EXPECT_EQ(after_done.consumed, 0U);
  decoder.reset();
  EXPECT_EQ(decoder.feed("x").state, chunk_state::error);
  const chunk_piece after_error = decoder.feed("0\r\n\r\n");
  EXPECT_EQ(after_error.state, chunk_state::error);
  EXPECT_EQ(after_error.error, parse_error::bad_chunk_size);
  EXPECT_EQ(after_error.consumed, 0U);
  decoder.reset();
  EXPECT_EQ(decoder.feed("").state, chunk_state::need_more);
  EXPECT_EQ(decoder.feed("0\r\n\r\n").state, chunk_state::done);
}

TEST(chunk_limits, of_a_line) {
  const chunk_limits limits{.max_line_bytes = 20};
  const auto line = [](std::size_t zeros, std::size_t extension) {
    return std::string(zeros, '0') + "1" + (extension != 0 ? ";" + std::string(extension - 1, 'x') : "") +
           "\r\n!\r\n0\r\n\r\n";
  };
  EXPECT_EQ(decode(line(19, 0), {}, limits).payload, "!");
  EXPECT_EQ(decode(line(20, 0), {}, limits).error, parse_error::chunk_line_too_long);
  EXPECT_EQ(decode(line(0, 19), {}, limits).payload, "!");
  EXPECT_EQ(decode(line(0, 20), {}, limits).error, parse_error::chunk_line_too_long);
  const std::string each_line_is_counted_alone = "00000000000000000001\r\n!\r\n00000000000000000000\r\n\r\n";
  EXPECT_EQ(decode(each_line_is_counted_alone, {}, limits).state, chunk_state::done);
}

// Everything between the size and the CR counts: here five bytes in either chunk.
TEST(chunk_limits, of_all_extensions_of_a_body_together) {
  const chunk_limits limits{.max_extension_bytes = 10};
  const decoded within = decode("1;abcd\r\n!\r\n1 ;abc\r\n!\r\n0\r\n\r\n", {}, limits);
  EXPECT_EQ(within.state, chunk_state::done);
  EXPECT_EQ(within.payload, "!!");
  const auto expect_too_large = [&limits](std::string_view text) {
    const decoded result = decode(text, {}, limits);
    EXPECT_EQ(result.state, chunk_state::error) << text;
    EXPECT_EQ(result.error, parse_error::chunk_extensions_too_large) << text;
  };
  expect_too_large("1;abcd\r\n!\r\n1 ;abcd\r\n!\r\n0\r\n\r\n");
  expect_too_large("1;abcd\r\n!\r\n1 ;abc\r\n!\r\n0;a\r\n\r\n");
}

// Each line here is nine bytes with its CRLF.
TEST(chunk_limits, of_all_trailers_together) {
  const chunk_limits limits{.max_trailer_bytes = 18};
  EXPECT_EQ(decode("0\r\na: 5678\r\na: 5678\r\n\r\n", {}, limits).state, chunk_state::done);
  const decoded beyond = decode("0\r\na: 5678\r\na: 56789\r\n\r\n", {}, limits);
  EXPECT_EQ(beyond.state, chunk_state::error);
  EXPECT_EQ(beyond.error, parse_error::trailers_too_large);
}

TEST(chunk_size, of_fifteen_digits_is_the_largest) {
  chunked_decoder decoder;
  const chunk_piece piece = decoder.feed("000fffffffffffffff\r\nx");
  EXPECT_EQ(piece.state, chunk_state::payload);
  EXPECT_EQ(piece.payload, "x");
}

TEST(encode_chunk_header, writes_the_size_in_hex) {
  std::array<char, max_chunk_header_bytes> buffer{};
  const auto encoded = [&buffer](std::uint64_t size_bytes) {
    return std::string_view(buffer.data(), encode_chunk_header(size_bytes, buffer));
  };
  EXPECT_EQ(encoded(1), "1\r\n");
  EXPECT_EQ(encoded(15), "f\r\n");
  EXPECT_EQ(encoded(16), "10\r\n");
  EXPECT_EQ(encoded(0xabcdef), "abcdef\r\n");
  EXPECT_EQ(encoded(~std::uint64_t{0}), "ffffffffffffffff\r\n");
}

TEST(encode_chunk_header, is_read_back_by_the_decoder) {
  for (const std::size_t size : {1U, 2U, 15U, 16U, 17U, 255U, 256U, 4095U, 4096U, 70000U}) {
    const std::string payload(size, 'p');
    std::array<char, max_chunk_header_bytes> header{};
    std::string text(header.data(), encode_chunk_header(size, header));
    text.append(payload).append(chunk_data_end).append(last_chunk);
    const decoded result = decode(text);
    EXPECT_EQ(result.state, chunk_state::done);
    EXPECT_EQ(result.payload, payload);
    EXPECT_EQ(result.consumed, text.size());
  }
}

}  // namespace
}  // namespace assay::http
