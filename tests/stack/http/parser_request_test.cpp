// Request lines, targets and Host: what is refused and why, and what real clients send.
#include "tests/stack/http/parser_test_support.hpp"

namespace assay::http {
namespace {

using namespace testing_support;

class malformed_request : public ::testing::TestWithParam<refused_row> {};

TEST_P(malformed_request, is_refused_for_its_own_reason) {
  request_head head;
  EXPECT_EQ(request_verdict(GetParam().text, head), GetParam().error);
}

constexpr refused_row request_line_rows[] = {
    {"TlsClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, parse_error::bad_method},
    {"TlsFirstByteAlone", "\x16", parse_error::bad_method},
    {"SshBannerLookalike", "(SSH-2.0\r\n\r\n", parse_error::bad_method},
    {"NulFirst", "\0GET / HTTP/1.1\r\n\r\n"sv, parse_error::nul_byte},
    {"LfFirst", "\nGET / HTTP/1.1\r\n\r\n", parse_error::bare_lf},
    {"SpaceFirst", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_method},
    {"FiveEmptyLines", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::too_many_empty_lines},
    {"MethodAlone", "GET\r\n\r\n", parse_error::bad_method},
    {"MethodWithTab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_method},
    {"MethodWithBrace", "G{T / HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_method},
    {"MethodWithHighByte", "GE\xc3\x89 / HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_method},
    {"TwoSpacesBeforeTarget", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"TabInTarget", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"NulInTarget", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"sv, parse_error::nul_byte},
    {"ControlInTarget", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"DelInTarget", "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"HighByteInTarget", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"FragmentInTarget", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"NoTarget", "GET HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"RelativeTarget", "GET index.html HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"AsteriskForGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"AsteriskAndMore", "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"AuthorityForGet", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"PathForConnect", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"ConnectWithoutPort", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"ConnectWithEmptyPort", "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"AbsoluteFormForConnect", "CONNECT http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"ForeignScheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"SchemeWithoutAuthority", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"SchemeWithOneSlash", "GET http:/x HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"UserinfoInTarget", "GET http://good@evil/ HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_target},
    {"Http09", "GET /\r\n\r\n", parse_error::bad_version},
    {"VersionInLowerCase", "GET / http/1.1\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"VersionWithoutMinor", "GET / HTTP/1\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"VersionWithTwoDigits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"VersionWithComma", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"VersionOfAnotherProtocol", "GET / ICAP/1.0\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"VersionCutShort", "GET / HT\r\n\r\n", parse_error::bad_version},
    {"SpaceAfterVersion", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"TwoSpacesBeforeVersion", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", parse_error::bad_version},
    {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", parse_error::unsupported_version},
    {"Http20", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", parse_error::unsupported_version},
    {"Http12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", parse_error::unsupported_version},
    {"Http00", "GET / HTTP/0.0\r\nHost: a\r\n\r\n", parse_error::unsupported_version},
    {"BareLfEverywhere", "GET / HTTP/1.1\nHost: a\n\n", parse_error::bare_lf},
    {"BareCrAfterVersion", "GET / HTTP/1.1\rHost: a\r\n\r\n", parse_error::bare_cr},
    {"CrCrLf", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", parse_error::bare_cr},
    {"ResponseSentToAServer", "HTTP/1.1 200 OK\r\n\r\n", parse_error::bad_method},
};

INSTANTIATE_TEST_SUITE_P(request_line, malformed_request, ::testing::ValuesIn(request_line_rows), row_name{});

constexpr refused_row host_rows[] = {
    {"Missing", "GET / HTTP/1.1\r\nX: y\r\n\r\n", parse_error::missing_host},
    {"MissingWithAbsoluteForm", "GET http://a/ HTTP/1.1\r\n\r\n", parse_error::missing_host},
    {"Twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", parse_error::duplicate_host},
    {"TwiceEqual", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", parse_error::duplicate_host},
    {"TwiceInHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", parse_error::duplicate_host},
    {"List", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", parse_error::bad_host},
    {"Userinfo", "GET / HTTP/1.1\r\nHost: good@evil\r\n\r\n", parse_error::bad_host},
    {"Path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", parse_error::bad_host},
    {"Query", "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", parse_error::bad_host},
    {"Markup", "GET / HTTP/1.1\r\nHost: <script>\r\n\r\n", parse_error::bad_host},
    {"HighByte", "GET / HTTP/1.1\r\nHost: \xc3\xa4.example\r\n\r\n", parse_error::bad_host},
    {"BadPercent", "GET / HTTP/1.1\r\nHost: a%4g\r\n\r\n", parse_error::bad_host},
    {"CutPercent", "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", parse_error::bad_host},
    {"PortWithoutHost", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", parse_error::bad_host},
    {"PortWithLetters", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", parse_error::bad_host},
    {"PortSigned", "GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n", parse_error::bad_host},
    {"PortTooLarge", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", parse_error::bad_host},
    {"PortTooLong", "GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n", parse_error::bad_host},
    {"TwoPorts", "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", parse_error::bad_host},
    {"AddressWithoutBrackets", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", parse_error::bad_host},
    {"AddressNotClosed", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", parse_error::bad_host},
    {"AddressEmpty", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", parse_error::bad_host},
    {"AddressIsAColon", "GET / HTTP/1.1\r\nHost: [:]\r\n\r\n", parse_error::bad_host},
    {"AddressIsAName", "GET / HTTP/1.1\r\nHost: [bad.cafe]\r\n\r\n", parse_error::bad_host},
    {"AddressWithZone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", parse_error::bad_host},
    {"AddressWithTail", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", parse_error::bad_host},
};

INSTANTIATE_TEST_SUITE_P(host, malformed_request, ::testing::ValuesIn(host_rows), row_name{});

struct accepted_row {
  std::string_view name;
  std::string_view text;
  method verb;
  std::string_view target;
  std::string_view host;
  std::size_t fields;
};

class well_formed_request : public ::testing::TestWithParam<accepted_row> {};

TEST_P(well_formed_request, is_read) {
  const accepted_row& row = GetParam();
  request_head head;
  ASSERT_EQ(request_verdict(row.text, head), std::nullopt);
  EXPECT_EQ(head.verb, row.verb);
  EXPECT_EQ(head.target, row.target);
  EXPECT_EQ(head.host, row.host);
  EXPECT_EQ(head.headers.size(), row.fields);
}

constexpr accepted_row accepted_rows[] = {
    {"Wrk", "GET /json HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", method::get, "/json", "127.0.0.1:8080", 1},
    {"Rfc9110Section3Point9",
     "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\nAccept-Language: en, "
     "mi\r\n\r\n",
     method::get, "/hello.txt", "www.example.com", 3},
    {"Rfc9112OriginForm", "GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n", method::get, "/where?q=now",
     "www.example.org", 1},
    {"Rfc9112AbsoluteForm", "GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1\r\nHost: x\r\n\r\n",
     method::get, "http://www.example.org/pub/WWW/TheProject.html", "www.example.org", 1},
    {"AbsoluteFormInCapitals", "GET HTTP://a:8080?q HTTP/1.1\r\nHost:\r\n\r\n", method::get, "HTTP://a:8080?q",
     "a:8080", 1},
    {"AbsoluteFormHttps", "GET https://[::1]:443 HTTP/1.1\r\nHost: a\r\n\r\n", method::get, "https://[::1]:443",
     "[::1]:443", 1},
    {"Rfc9112AuthorityForm", "CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n", method::connect,
     "www.example.com:80", "www.example.com:80", 1},
    {"Rfc9112AsteriskForm", "OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n", method::options, "*",
     "www.example.org:8001", 1},
    {"OptionsOfAPath", "OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n", method::options, "/x", "a", 1},
    {"Http10WithoutHost", "HEAD / HTTP/1.0\r\n\r\n", method::head, "/", "", 0},
    {"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", method::get, "/", "", 1},
    {"HostWithEmptyPort", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", method::get, "/", "a:", 1},
    {"HostWithLargestPort", "GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", method::get, "/", "a:65535", 1},
    {"HostIsAnAddress", "GET / HTTP/1.1\r\nHost: [::ffff:10.0.0.1]:80\r\n\r\n", method::get, "/",
     "[::ffff:10.0.0.1]:80", 1},
    {"HostWithPercentAndSubDelims", "GET / HTTP/1.1\r\nHost: a_b%2Dc!$\r\n\r\n", method::get, "/", "a_b%2Dc!$", 1},
    {"EmptyLinesBefore", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", method::get, "/", "a", 1},
    {"MethodUnknown", "QUERY / HTTP/1.1\r\nHost: a\r\n\r\n", method::other, "/", "a", 1},
    {"MethodInLowerCase", "get / HTTP/1.1\r\nHost: a\r\n\r\n", method::other, "/", "a", 1},
    {"TargetWithOddVisibleBytes", "GET /\"<>\\^`{|}?/?&%zz HTTP/1.1\r\nHost: a\r\n\r\n", method::get,
     "/\"<>\\^`{|}?/?&%zz", "a", 1},
    {"Firefox",
     "GET /a/b?c=d HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:124.0) "
     "Gecko/20100101 Firefox/124.0\r\nAccept: "
     "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: "
     "en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: a=b; "
     "c=\"d\"\r\nUpgrade-Insecure-Requests: 1\r\n\r\n",
     method::get, "/a/b?c=d", "localhost:8080", 8},
};

INSTANTIATE_TEST_SUITE_P(accepted, well_formed_request, ::testing::ValuesIn(accepted_rows), row_name{});

TEST(request_limits, target_of_exactly_the_limit_is_accepted_and_one_more_is_414) {
  const parse_limits limits{.max_head_bytes = 1024, .max_target_bytes = 100, .max_header_fields = 8};
  const auto with_target = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 1, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  request_head head;
  const std::string longest = with_target(100);
  EXPECT_EQ(request_verdict(longest, head, limits), std::nullopt);
  EXPECT_EQ(head.target.size(), 100U);
  EXPECT_EQ(request_verdict(with_target(101), head, limits), parse_error::target_too_long);
}

TEST(request_limits, as_many_fields_as_the_limit_are_accepted_and_one_more_is_431) {
  const auto with_fields = [](std::size_t count) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t index = 1; index < count; ++index) text += "x: y\r\n";
    return text + "\r\n";
  };
  request_head head;
  EXPECT_EQ(request_verdict(with_fields(max_header_fields), head), std::nullopt);
  EXPECT_EQ(head.headers.size(), max_header_fields);
  EXPECT_EQ(request_verdict(with_fields(max_header_fields + 1), head), parse_error::too_many_headers);
  const parse_limits beyond_capacity{.max_header_fields = 1000};
  EXPECT_EQ(request_verdict(with_fields(max_header_fields + 1), head, beyond_capacity), parse_error::too_many_headers);
  const parse_limits three{.max_header_fields = 3};
  EXPECT_EQ(request_verdict(with_fields(3), head, three), std::nullopt);
  EXPECT_EQ(request_verdict(with_fields(4), head, three), parse_error::too_many_headers);
}

TEST(parse_request_head, refuses_bytes_that_are_not_exactly_one_head) {
  request_head head;
  for (const std::string_view text :
       {""sv, "\r\n"sv, "\r\n\r\n"sv, "GET / HTTP/1.1\r\nHost: a\r\n"sv, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"sv,
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"sv}) {
    const auto parsed = parse_request_head(text, {}, head);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error(), parse_error::incomplete_head) << text;
  }
}

// The bytes a scanner would have refused before: the parser does not rely on one.
TEST(parse_request_head, refuses_without_a_scanner_too) {
  const auto refusal = [](std::string_view text) {
    request_head head;
    const auto parsed = parse_request_head(text, {}, head);
    return parsed ? std::nullopt : std::optional(parsed.error());
  };
  EXPECT_EQ(refusal("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), std::nullopt);
  EXPECT_EQ(refusal("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), parse_error::too_many_empty_lines);
  EXPECT_EQ(refusal("\x16\x03\x01\r\n\r\n"), parse_error::bad_method);
  EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: a\r\n\r\n"), parse_error::bare_lf);
  EXPECT_EQ(refusal("GET /\rHTTP/1.1\r\nHost: a\r\n\r\n"), parse_error::bare_cr);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n"), parse_error::bare_cr);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nX: y\rZ: 1\r\n\r\n"), parse_error::bare_cr);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nX: y\nZ: 1\r\n\r\n"), parse_error::bare_lf);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n"sv), parse_error::nul_byte);
}

TEST(parse_request_head, checks_the_size_itself) {
  const std::string_view text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  request_head head;
  EXPECT_TRUE(parse_request_head(text, {.max_head_bytes = text.size()}, head).has_value());
  const auto parsed = parse_request_head(text, {.max_head_bytes = text.size() - 1}, head);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error(), parse_error::head_too_large);
}

TEST(parse_request_head, leaves_nothing_of_the_request_before) {
  request_head head;
  ASSERT_EQ(request_verdict("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"
                            "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n",
                            head),
            std::nullopt);
  ASSERT_EQ(request_verdict("GET / HTTP/1.0\r\n\r\n", head), std::nullopt);
  EXPECT_EQ(head.verb, method::get);
  EXPECT_EQ(head.method_text, "GET");
  EXPECT_EQ(head.version_minor, 0);
  EXPECT_TRUE(head.headers.empty());
  EXPECT_TRUE(head.host.empty());
  EXPECT_EQ(head.body.kind, body_kind::none);
  EXPECT_EQ(head.body.length, 0U);
  EXPECT_FALSE(head.keep_alive || head.expect_continue || head.upgrade);
}

}  // namespace
}  // namespace assay::http
