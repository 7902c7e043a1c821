// Finding the end of a head that arrives in pieces, and writing a head out and reading it back.
#include <random>

#include "tests/stack/http/parser_test_support.hpp"

namespace assay::http {
namespace {

using namespace testing_support;
using std::string_literals::operator""s;

constexpr std::string_view get_request = "GET /json HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

// Good and bad, ended and not: everything in here is scanned under every cut.
constexpr std::string_view request_texts[] = {
    get_request,
    "\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "GET / HTTP/1.1\r\nHost:\ta\x01\x7f\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"sv,
    "\rGET / HTTP/1.1\r\n\r\n",
    "\r\n\nGET / HTTP/1.1\r\n\r\n",
    "\r\n\x16\x03\x01",
    "\x16\x03\x01",
    "\0"sv,
    "G",
    "",
};

constexpr std::string_view response_texts[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "HTTP/1.1 200\r\n\r\n",
    "HTTQ/1.1 200\r\n\r\n",
    "HT\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/\n",
};

void expect_cuts_do_not_matter(head_kind kind, std::string_view text, const parse_limits& limits) {
  head_scanner scanner(kind, limits);
  const auto in_one = scanner.scan(text);
  EXPECT_EQ(text.empty() ? in_one : scan_byte_by_byte(kind, text, limits), in_one) << text;
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      head_scanner cut(kind, limits);
      auto verdict = cut.scan(text.substr(0, first));
      if (verdict && *verdict == 0) verdict = cut.scan(text.substr(0, second));
      if (verdict && *verdict == 0) verdict = cut.scan(text);
      ASSERT_EQ(verdict, in_one) << text << " cut at " << first << " and " << second;
    }
  }
}

TEST(head_scanner, says_the_same_under_every_cut) {
  for (const std::size_t max_head_bytes : {64U * 1024U, 44U, 43U, 20U, 3U}) {
    const parse_limits limits{.max_head_bytes = max_head_bytes};
    for (const std::string_view text : request_texts) expect_cuts_do_not_matter(head_kind::request, text, limits);
    for (const std::string_view text : response_texts) expect_cuts_do_not_matter(head_kind::response, text, limits);
  }
}

TEST(head_scanner, measures_the_head_and_not_what_follows) {
  head_scanner scanner(head_kind::request);
  const std::string pipelined = std::string(get_request) + "GET / HTTP/1.0\r\n\r\n\0\n"s;
  EXPECT_EQ(scanner.scan(pipelined), get_request.size());
  EXPECT_EQ(scanner.scan(std::string_view(pipelined).substr(get_request.size())), 18U);
}

TEST(head_scanner, refuses_a_tls_hello_at_its_first_byte) {
  head_scanner scanner(head_kind::request);
  EXPECT_EQ(scanner.scan("\x16"), std::unexpected(parse_error::bad_method));
}

TEST(head_scanner, refuses_the_empty_line_that_is_one_too_many) {
  std::string lines;
  for (std::size_t count = 0; count < max_leading_empty_lines; ++count) lines += "\r\n";
  head_scanner scanner(head_kind::request);
  EXPECT_EQ(scanner.scan(lines + "\r"), 0U);
  EXPECT_EQ(scanner.scan(lines + "\r\n"), std::unexpected(parse_error::too_many_empty_lines));
}

TEST(head_scanner, refuses_what_is_no_response_at_the_byte_that_differs) {
  head_scanner scanner(head_kind::response);
  EXPECT_EQ(scanner.scan("HTT"), 0U);
  EXPECT_EQ(scanner.scan("HTTQ"), std::unexpected(parse_error::bad_version));
}

TEST(head_scanner, keeps_to_its_error_until_reset) {
  head_scanner scanner(head_kind::request);
  const std::string_view bad = "GET / HTTP/1.1\r\nHost: a\n";
  EXPECT_EQ(scanner.scan(bad), std::unexpected(parse_error::bare_lf));
  EXPECT_EQ(scanner.scan(bad), std::unexpected(parse_error::bare_lf));
  scanner.reset();
  EXPECT_EQ(scanner.scan(get_request), get_request.size());
}

// O(n) without a clock: what has been scanned may turn to garbage, because it is not looked at again. (The
// beginning of the start line is left alone: it is looked at a constant number of times.)
TEST(head_scanner, looks_at_each_byte_once) {
  constexpr std::size_t kept = 5;
  std::string bytes(get_request);
  head_scanner scanner(head_kind::request);
  for (std::size_t seen = 1; seen < bytes.size(); ++seen) {
    ASSERT_EQ(scanner.scan(std::string_view(bytes).substr(0, seen)), 0U) << seen;
    if (seen > kept + 1) bytes[seen - 2] = '\0';
  }
  EXPECT_EQ(scanner.scan(bytes), bytes.size());
}

TEST(head_scanner, accepts_a_head_of_exactly_the_limit_and_refuses_one_more) {
  const std::string at_limit = std::string(get_request) + "body";
  head_scanner exact(head_kind::request, {.max_head_bytes = get_request.size()});
  EXPECT_EQ(exact.scan(at_limit), get_request.size());
  head_scanner tight(head_kind::request, {.max_head_bytes = get_request.size() - 1});
  EXPECT_EQ(tight.scan(at_limit), std::unexpected(parse_error::head_too_large));
}

TEST(head_scanner, refuses_an_unfinished_head_as_soon_as_it_cannot_end_in_time) {
  const std::string field = "GET / HTTP/1.1\r\nX: " + std::string(100, 'x');
  head_scanner in_field(head_kind::request, {.max_head_bytes = 60});
  EXPECT_EQ(in_field.scan(std::string_view(field).substr(0, 59)), 0U);
  EXPECT_EQ(in_field.scan(std::string_view(field).substr(0, 60)), std::unexpected(parse_error::head_too_large));
  const std::string line = "\r\nGET /" + std::string(100, 'x');
  head_scanner in_line(head_kind::request, {.max_head_bytes = 60});
  EXPECT_EQ(in_line.scan(line), std::unexpected(parse_error::target_too_long));
  head_scanner in_status(head_kind::response, {.max_head_bytes = 60});
  EXPECT_EQ(in_status.scan("HTTP/1.1 200 " + std::string(100, 'x')), std::unexpected(parse_error::head_too_large));
}

// Random valid requests, written, read, written again from what was read: the second text is the first, normalised.
TEST(round_trip, what_is_read_writes_and_reads_the_same) {
  std::mt19937 random(20240514);
  const auto below = [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  constexpr std::string_view names[] = {"Accept", "x-a", "COOKIE", "a!b", "Upgrade", "Connection", "TE"};
  constexpr std::string_view values[] = {"", "a", "close, x", "\x80 \t\xff", "a: b", "upgrade", "\"q\\\"\""};
  constexpr std::string_view blanks[] = {"", " ", "\t", " \t "};
  const auto write = [](const request_head& head) {
    std::string text(head.method_text);
    text.append(" ").append(head.target).append(" HTTP/1.").append(std::to_string(head.version_minor)).append("\r\n");
    for (const header_field& field : head.headers) text.append(field.name).append(":").append(field.value) += "\r\n";
    return text + "\r\n";
  };
  for (int round = 0; round < 2000; ++round) {
    std::string text = "POST /" + std::string(below(20), '~') + " HTTP/1.1\r\nHost: h" + std::to_string(round) + "\r\n";
    for (unsigned field = below(12); field > 0; --field) {
      text.append(names[below(7)]).append(":").append(blanks[below(4)]).append(values[below(7)]);
      text.append(blanks[below(4)]).append("\r\n");
    }
    if (below(2) == 0) text += "Content-Length: " + std::to_string(below(1000)) + "\r\n";
    text += "\r\n";
    request_head first;
    ASSERT_EQ(request_verdict(text, first), std::nullopt) << text;
    const std::string written = write(first);
    request_head second;
    ASSERT_EQ(request_verdict(written, second), std::nullopt) << written;
    EXPECT_EQ(write(second), written);
    EXPECT_EQ(second.body.length, first.body.length);
    EXPECT_EQ(second.keep_alive, first.keep_alive);
    EXPECT_EQ(second.upgrade, first.upgrade);
    EXPECT_EQ(second.host, first.host);
  }
}

}  // namespace
}  // namespace assay::http
