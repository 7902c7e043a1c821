// Header lines, the list they end up in, and the names of methods and errors.
#include <set>

#include "stack/http/status.hpp"
#include "tests/stack/http/parser_test_support.hpp"

namespace assay::http {
namespace {

using namespace testing_support;

class malformed_field : public ::testing::TestWithParam<refused_row> {};

// In a request, and the same line in a response.
TEST_P(malformed_field, is_refused_for_its_own_reason) {
  const std::string line(GetParam().text);
  request_head request;
  EXPECT_EQ(request_verdict("GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n", request), GetParam().error);
  response_head response;
  EXPECT_EQ(response_verdict("HTTP/1.1 200 OK\r\nServer: a\r\n" + line + "\r\n\r\n", response), GetParam().error);
}

constexpr refused_row field_rows[] = {
    {"NameEmpty", ": value", parse_error::bad_header_name},
    {"NameWithoutColon", "just-a-name", parse_error::bad_header_name},
    {"NameWithSpaceInside", "a b: c", parse_error::bad_header_name},
    {"NameWithHighByte", "n\xc3\xa4me: c", parse_error::bad_header_name},
    {"NameWithControl", "a\x01: c", parse_error::bad_header_name},
    {"NameWithDel", "a\x7f: c", parse_error::bad_header_name},
    {"NameWithBrackets", "a[0]: c", parse_error::bad_header_name},
    {"NameWithSlash", "a/b: c", parse_error::bad_header_name},
    {"NameInQuotes", "\"a\": c", parse_error::bad_header_name},
    {"NameWithNul", "a\0b: c"sv, parse_error::nul_byte},
    {"NameWithBareLf", "a\nb: c", parse_error::bare_lf},
    {"NameWithBareCr", "a\rb: c", parse_error::bare_cr},
    {"SpaceBeforeColon", "a : c", parse_error::space_before_colon},
    {"TabBeforeColon", "a\t \t: c", parse_error::space_before_colon},
    {"FoldWithSpace", "a: b\r\n c", parse_error::obs_fold},
    {"FoldWithTab", "a: b\r\n\tc", parse_error::obs_fold},
    {"FoldOfNothing", "a: b\r\n ", parse_error::obs_fold},
    {"FoldBeforeAColon", " : b", parse_error::obs_fold},
    {"ValueWithNul", "a: b\0c"sv, parse_error::nul_byte},
    {"ValueWithBareLf", "a: b\nc: d", parse_error::bare_lf},
    {"ValueWithBareCr", "a: b\rc: d", parse_error::bare_cr},
    {"ValueWithCrAtItsEnd", "a: b\r", parse_error::bare_cr},
    {"ValueWithEscape", "a: b\x1b[31m", parse_error::bad_header_value},
    {"ValueWithBackspace", "a: b\x08", parse_error::bad_header_value},
    {"ValueWithUnitSeparator", "a: \x1f", parse_error::bad_header_value},
    {"ValueWithDel", "a: b\x7f", parse_error::bad_header_value},
    {"ValueWithControlAfterTab", "a: \tb\t\x02", parse_error::bad_header_value},
};

INSTANTIATE_TEST_SUITE_P(lines, malformed_field, ::testing::ValuesIn(field_rows), row_name{});

TEST(first_field_line, with_whitespace_in_front_is_refused) {
  request_head head;
  EXPECT_EQ(request_verdict("GET / HTTP/1.1\r\n Host: a\r\n\r\n", head), parse_error::obs_fold);
}

TEST(field_values, are_trimmed_and_otherwise_kept) {
  request_head head;
  ASSERT_EQ(request_verdict("GET / HTTP/1.1\r\nHost: a\r\nempty:\r\nblank: \t \r\nopaque: \t\x80\xff b\tc~ \t\r\n"
                            "colons::a:b:\r\n!#$%&'*+-.^_`|~09AZaz:1\r\n\r\n",
                            head),
            std::nullopt);
  ASSERT_EQ(head.headers.size(), 6U);
  EXPECT_EQ(head.headers[1].value, "");
  EXPECT_EQ(head.headers[2].value, "");
  EXPECT_EQ(head.headers[3].value, "\x80\xff b\tc~");
  EXPECT_EQ(head.headers[4].name, "colons");
  EXPECT_EQ(head.headers[4].value, ":a:b:");
  EXPECT_EQ(head.headers[5].name, "!#$%&'*+-.^_`|~09AZaz");
}

// All 256 bytes in each place, against the grammar of RFC 9110 written down a second time.
TEST(every_byte, is_judged_by_the_grammar_in_names_values_and_targets) {
  constexpr std::string_view tchar = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    const bool visible = value > 0x20 && value < 0x7f;
    const std::string piece(1, byte);
    request_head head;
    const auto accepted = [&head](const std::string& text) { return request_verdict(text, head) == std::nullopt; };
    // A colon ends the name: "a:b: c" is the field a with the value "b: c".
    EXPECT_EQ(accepted("GET / HTTP/1.1\r\nHost: a\r\na" + piece + "b: c\r\n\r\n"),
              tchar.find(byte) != std::string_view::npos || byte == ':')
        << value;
    EXPECT_EQ(accepted("GET / HTTP/1.1\r\nHost: a\r\na: b" + piece + "c\r\n\r\n"),
              visible || value >= 0x80 || byte == ' ' || byte == '\t')
        << value;
    EXPECT_EQ(accepted("GET /a" + piece + "b HTTP/1.1\r\nHost: a\r\n\r\n"), visible && byte != '#') << value;
    EXPECT_EQ(accepted("G" + piece + "T / HTTP/1.1\r\nHost: a\r\n\r\n"), tchar.find(byte) != std::string_view::npos)
        << value;
  }
}

// The word-wise search has a tail and eight offsets: a control byte at each of them.
TEST(every_offset, of_a_control_byte_is_found) {
  for (std::size_t length = 1; length <= 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (const char bad : {'\x01', '\x1f', '\x7f'}) {
        std::string value(length, '\x80');
        value[at] = bad;
        request_head head;
        EXPECT_EQ(request_verdict("GET / HTTP/1.1\r\nHost: a\r\na: " + value + "\r\n\r\n", head),
                  parse_error::bad_header_value)
            << length << " " << at;
      }
    }
  }
}

TEST(header_list, finds_by_name_in_any_case_and_counts) {
  header_list headers;
  EXPECT_TRUE(headers.empty());
  EXPECT_EQ(headers.find("a"), std::nullopt);
  ASSERT_TRUE(headers.push_back({"Set-Cookie", "a=1"}));
  ASSERT_TRUE(headers.push_back({"set-cookie", "b=2"}));
  ASSERT_TRUE(headers.push_back({"X", ""}));
  EXPECT_EQ(headers.find("SET-COOKIE"), "a=1");
  EXPECT_EQ(headers.count("Set-cookie"), 2U);
  EXPECT_EQ(headers.find("x"), "");
  EXPECT_EQ(headers.count("set_cookie"), 0U);
  EXPECT_EQ(headers.find("Set-Cooki"), std::nullopt);
}

TEST(header_list, is_full_at_its_capacity) {
  header_list headers;
  for (std::size_t index = 0; index < max_header_fields; ++index) ASSERT_TRUE(headers.push_back({"a", "b"}));
  EXPECT_FALSE(headers.push_back({"one", "more"}));
  EXPECT_EQ(headers.size(), max_header_fields);
  EXPECT_EQ(headers.find("one"), std::nullopt);
  headers.clear();
  EXPECT_TRUE(headers.empty());
}

// '[' and '{', '@' and '`' differ in the bit that makes letters lower case.
TEST(equals_ignoring_case, folds_letters_only) {
  EXPECT_TRUE(equals_ignoring_case("aZ-09", "Az-09"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xc4", "\xe4"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
}

TEST(methods, go_to_text_and_back) {
  for (const method verb : {method::get, method::head, method::post, method::put, method::delete_, method::connect,
                            method::options, method::trace, method::patch}) {
    EXPECT_EQ(method_from(to_string_view(verb)), verb);
  }
  for (const std::string_view text : {"", "get", "GETS", "GE", "POS", "PATCHY", "DELETE_", "OTHER"}) {
    EXPECT_EQ(method_from(text), method::other) << text;
  }
}

TEST(parse_errors, have_unique_labels_sentences_and_a_sensible_status) {
  std::set<std::string_view> labels;
  std::set<std::string_view> sentences;
  for (int index = 0; index < parse_error_count; ++index) {
    const auto error = static_cast<parse_error>(index);
    EXPECT_TRUE(labels.insert(label(error)).second) << label(error);
    EXPECT_TRUE(sentences.insert(describe(error)).second) << describe(error);
    EXPECT_EQ(label(error).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos);
    EXPECT_NE(reason_phrase(http_status(error)), "Unknown") << label(error);
  }
  EXPECT_EQ(http_status(parse_error::bare_lf), 400);
  EXPECT_EQ(http_status(parse_error::target_too_long), 414);
  EXPECT_EQ(http_status(parse_error::head_too_large), 431);
  EXPECT_EQ(http_status(parse_error::too_many_headers), 431);
  EXPECT_EQ(http_status(parse_error::unknown_transfer_encoding), 501);
  EXPECT_EQ(http_status(parse_error::bad_status), 502);
  EXPECT_EQ(http_status(parse_error::unsupported_version), 505);
}

TEST(status_codes, have_phrases_and_classes) {
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(299), "Unknown");
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
  EXPECT_EQ(reason_phrase(999), "Unknown");
  EXPECT_EQ(reason_phrase(0), "Unknown");
  EXPECT_EQ(status_class(100), "1xx");
  EXPECT_EQ(status_class(599), "5xx");
  EXPECT_EQ(status_class(600), "other");
  EXPECT_EQ(status_class(99), "other");
}

}  // namespace
}  // namespace assay::http
