#include "lab/learn/line/access_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace assay::learn {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view usual =
    R"(203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /items/17 HTTP/1.1" 200 312 "https://a/" "curl/8")";

std::chrono::sys_seconds at(int year, unsigned month, unsigned day, int hour, int minute, int second) {
  return std::chrono::sys_days(
             std::chrono::year_month_day{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)}) +
         std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

// The line with `from` replaced by `to`.
std::string with(std::string_view from, std::string_view to) {
  std::string line(usual);
  const std::size_t place = line.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return line.replace(place, from.size(), to);
}

access_line good(const std::string& line) {
  static std::string kept;  // the views point into it
  kept = line;
  const auto parsed = parse_access_line(kept);
  EXPECT_TRUE(parsed) << line << ": " << label(parsed ? line_fault::empty : parsed.error());
  return parsed.value_or(access_line{});
}

std::string fault(std::string_view line) {
  const auto parsed = parse_access_line(line);
  return parsed ? "accepted" : std::string(label(parsed.error()));
}

TEST(access_line, combined) {
  const access_line line = good(std::string(usual));
  EXPECT_EQ(line.address, "203.0.113.7");
  EXPECT_EQ(line.vhost, "");
  EXPECT_EQ(line.user, "");
  EXPECT_EQ(line.stamp, at(2015, 5, 17, 10, 5, 3));
  EXPECT_EQ(line.method, "GET");
  EXPECT_EQ(line.target, "/items/17");
  EXPECT_EQ(line.protocol, "HTTP/1.1");
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.bytes, 312U);
  EXPECT_TRUE(line.combined);
  EXPECT_EQ(line.referer, "https://a/");
  EXPECT_EQ(line.agent, "curl/8");
  EXPECT_FALSE(line.request_time_s);
}

TEST(access_line, common) {
  const access_line line = good(R"(host.example ident frank [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 304 -)");
  EXPECT_FALSE(line.combined);
  EXPECT_EQ(line.bytes, 0U);
  EXPECT_EQ(line.user, "frank");
  EXPECT_EQ(line.address, "host.example");
}

TEST(access_line, clients_of_every_kind) {
  EXPECT_EQ(good(with("203.0.113.7 - -", "2001:db8::1 - -")).address, "2001:db8::1");
  EXPECT_EQ(good(with("203.0.113.7 - -", "unix: - -")).address, "unix:");
  EXPECT_EQ(good(with("- -", "- John von Neumann")).user, "John von Neumann");
  EXPECT_EQ(good(with("- -", "- a [b] [1/2]")).user, "a [b] [1/2]") << "brackets in a name";
  for (const auto* vhost : {"shop.example", "shop.example:8443"}) {
    const access_line line = good(std::string(vhost) + " " + std::string(usual));
    EXPECT_EQ(line.vhost, vhost);
    EXPECT_EQ(line.address, "203.0.113.7");
    EXPECT_EQ(line.user, "");
  }
  EXPECT_EQ(good("shop.example " + with("- -", "- John Doe")).user, "John Doe");
}

TEST(access_line, stamps) {
  const auto stamp = [](std::string_view text) { return good(with("17/May/2015:10:05:03 +0000", text)).stamp; };
  EXPECT_EQ(stamp("31/Dec/2016:23:59:60 +0000"), at(2017, 1, 1, 0, 0, 0)) << "a leap second, over the year's end";
  EXPECT_EQ(stamp("01/Jan/2017:00:30:00 +0130"), at(2016, 12, 31, 23, 0, 0));
  EXPECT_EQ(stamp("29/Feb/2016:12:00:00 -0800"), at(2016, 2, 29, 20, 0, 0));
  EXPECT_EQ(good(with("+0000", "-0330")).zone, -210min);
  for (const std::string_view bad :
       {"17/May/2015:10:05:03", "17/May/2015:10:05:03 0000", "17/may/2015:10:05:03 +0000", "29/Feb/2015:10:05:03 +0000",
        "00/May/2015:10:05:03 +0000", "17/May/2015:24:05:03 +0000", "17/May/2015:10:60:03 +0000",
        "17/May/2015:10:05:61 +0000", "17/May/2015:10:05:03 +1500", "17/May/1970:10:05:03 +0000",
        "2015-05-17T10:05:03Z", "17/May/2015:10:05:03 +00a0", "1x/May/2015:10:05:03 +0000"}) {
    EXPECT_EQ(fault(with("17/May/2015:10:05:03 +0000", bad)), "time stamp is not [dd/Mon/yyyy:HH:MM:SS +zzzz]") << bad;
  }
}

TEST(access_line, requests_of_every_kind) {
  const auto request = [](std::string_view text) { return good(with("GET /items/17 HTTP/1.1", text)); };
  EXPECT_EQ(request("GET /a b c HTTP/1.1").target, "/a b c") << "spaces in the target";
  EXPECT_EQ(request("GET /x").target, "/x") << "HTTP/0.9 has no protocol";
  EXPECT_EQ(request("GET /x").protocol, "");
  EXPECT_EQ(request("GET /x y").target, "/x y");
  EXPECT_EQ(request("M-SEARCH * HTTP/1.1").method, "M-SEARCH");
  EXPECT_EQ(request(R"(GET /a\"b\\ HTTP/1.1)").target, R"(/a\"b\\)");
  EXPECT_EQ(unescape(R"(/a\"b\\\x41\t\n\q\x4)"), "/a\"b\\A\t\n\\q\\x4");
  for (const auto* none :
       {"-", "", R"(\x16\x03\x01\x02\x00)", "GET", "get / HTTP/1.1", "GET  HTTP/1.1", " / HTTP/1.1"}) {
    EXPECT_EQ(request(none).method, "") << none << ": a line, but no request";
    EXPECT_EQ(request(none).status, 200);
  }
}

TEST(access_line, tails) {
  EXPECT_EQ(good(with("\"https://a/\"", "\"\"")).referer, "") << "an empty referer";
  EXPECT_EQ(good(with("\"https://a/\"", "\"-\"")).referer, "");
  EXPECT_EQ(good(with("curl/8", R"(a \"b\" \\)")).agent, R"(a \"b\" \\)");
  EXPECT_EQ(good(std::string(usual) + " 0.125").request_time_s, 0.125);
  EXPECT_EQ(good(std::string(usual) + " -").request_time_s, std::nullopt);
  EXPECT_EQ(good(std::string(usual) + " 1534").request_time_s, std::nullopt) << "of an unknown unit";
  EXPECT_EQ(good(with(R"( "https://a/" "curl/8")", " 0.004")).request_time_s, 0.004) << "behind the common format too";
  EXPECT_EQ(good(with("curl/8", "caf\xe9")).agent, "caf\xe9") << "Latin-1";
  for (const auto* tail : {" x", "x", " 1.5 x", " -1", " 1e5", " nan", " \"x\" \"y\"", " \"x\"z", "  "}) {
    EXPECT_EQ(fault(std::string(usual) + tail), "unknown text after the size or the user agent") << tail;
  }
  // The format `main` of nginx's own packages.
  EXPECT_EQ(good(std::string(usual) + R"( "-")").forwarded_for, "");
  EXPECT_EQ(good(std::string(usual) + R"( "192.0.2.9, 10.0.0.1")").forwarded_for, "192.0.2.9, 10.0.0.1");
  EXPECT_EQ(good(std::string(usual) + R"( "192.0.2.9" 0.125)").request_time_s, 0.125);
  EXPECT_EQ(fault(std::string(usual) + R"( "192.0)"), "quote not closed");
  EXPECT_EQ(fault(with(R"( "curl/8")", "")), "unknown text after the size or the user agent");
}

TEST(access_line, refusals_are_named) {
  EXPECT_EQ(fault(""), "empty line");
  EXPECT_EQ(fault(" \t"), "empty line");
  EXPECT_EQ(fault(with("curl", std::string_view("cu\0rl", 5))), "NUL byte");
  EXPECT_EQ(fault(std::string(max_line_bytes + 1, 'x')), "line too long");
  EXPECT_EQ(fault("no brackets at all"), "no [time stamp]");
  EXPECT_EQ(fault("{\"time\": [1, 2]}"), "time stamp is not [dd/Mon/yyyy:HH:MM:SS +zzzz]");
  EXPECT_EQ(fault(with("203.0.113.7 - - ", "")), "no address, ident and user before the time stamp");
  EXPECT_EQ(fault(with("203.0.113.7 - - ", "203.0.113.7 - ")), "no address, ident and user before the time stamp");
  EXPECT_EQ(fault(with("\"GET /items/17 HTTP/1.1\" ", "")), "no \"request\" after the time stamp");
  EXPECT_EQ(fault(with("200", "20")), "status is not 100 to 599");
  EXPECT_EQ(fault(with("200", "999")), "status is not 100 to 599");
  EXPECT_EQ(fault(with("200", "-")), "status is not 100 to 599");
  EXPECT_EQ(fault(with("312", "3x2")), "size is neither a number nor -");
  EXPECT_EQ(fault(with("312", "-5")), "size is neither a number nor -");
  EXPECT_EQ(fault(with("312", "99999999999999999999")), "size is neither a number nor -");
}

TEST(access_line, cut_anywhere_it_is_refused_or_a_shorter_format) {
  for (std::size_t length = 0; length < usual.size(); ++length) {
    const auto parsed = parse_access_line(usual.substr(0, length));
    if (!parsed) continue;
    EXPECT_FALSE(parsed->combined) << usual.substr(0, length);
  }
}

// Lines of every length around the steps of sixteen bytes, each with every byte of it exchanged for what could matter.
TEST(access_line, the_short_way_leads_to_the_same) {
  const std::vector<std::string> lines = {
      std::string(usual),
      with("GET", "DELETE"),
      with("312", "-"),
      with(" \"https://a/\"", " \"-\""),
      with("curl/8", "-"),
      with("+0000", "-0730"),
      with("GET /items/17 HTTP/1.1", "GET /a b c HTTP/1.1"),
      with("GET /items/17 HTTP/1.1", "GET HTTP/1.1"),
      with("GET /items/17 HTTP/1.1", "GET  HTTP/1.1"),
      with("GET /items/17 HTTP/1.1", "GET HTTP/1.0 HTTP/1.1"),
      with("GET /items/17 HTTP/1.1", "-"),
      with("203.0.113.7 - -", "shop.example 203.0.113.7 - -"),
      with("203.0.113.7 - -", "203.0.113.7 - [17/May/2015:10:05:03 +0000]"),
      with("312", "999999999999999999"),
      with("312", "0001"),
      std::string(usual) + " \"10.0.0.1\"",
      std::string(usual) + " 0.25",
  };
  std::size_t accepted = 0;
  const auto compare = [&](std::string_view line) {
    const auto parsed = parse_access_line(line);
    ASSERT_EQ(parsed == parse_any_access_line(line), true) << line;
    accepted += parsed.has_value();
  };
  for (const std::string& line : lines) {
    compare(line);
    for (std::size_t more = 1; more <= 17; ++more) compare(line.substr(0, 1) + std::string(more, '7') + line.substr(1));
    for (std::size_t place = 0; place < line.size(); ++place) {
      for (const char c : {' ', '"', '\\', '[', ']', '-', '\0', '9', ':'}) {
        std::string changed = line;
        changed[place] = c;
        compare(changed);
      }
      compare(line.substr(0, place));
      compare(line.substr(place));
    }
  }
  EXPECT_GT(accepted, lines.size() * 20);
  EXPECT_TRUE(parse_access_line(usual) == parse_any_access_line(usual));
}

TEST(access_line, a_stamp_is_what_it_is_whatever_came_before) {
  stamp_memo memo;
  for (const auto* stamp : {"17/May/2015:10:05:03 +0000", "17/May/2015:23:59:59 +0000", "17/May/2015:00:00:00 +0000",
                            "17/May/2015:23:59:60 +0000", "17/May/2015:10:05:04 +0000", "17/May/2015:10:05:04 +0200",
                            "17/May/2015:24:05:04 +0200", "17/May/2015:10:60:04 +0200", "17/May/2015:10:05-04 +0200",
                            "17/May/2015:1a:05:04 +0200", "18/May/2015:10:05:04 +0200", "18/May/2015:10:05:05 +0290"}) {
    const std::string line = std::string("192.0.2.1 - - [") + stamp + "] \"GET / HTTP/1.1\" 200 1";
    const auto known = parse_access_line(line, memo);
    const auto fresh = parse_access_line(line);
    ASSERT_EQ(known.has_value(), fresh.has_value()) << stamp;
    if (known) {
      EXPECT_EQ(known->stamp, fresh->stamp) << stamp;
      EXPECT_EQ(known->zone, fresh->zone) << stamp;
    }
  }
}

TEST(access_line, samples_have_a_form_and_no_content) {
  EXPECT_EQ(outline("192.0.2.1 - jane [16/Nov/2026:10] \"GET /t/eyJ0eXAi\""), "0.0.0.0 - a [0/a/0:0] \"a /a/a0a\"");
  EXPECT_EQ(outline("a\x01\x1b[2J\xff\tb"), "a?[0a?a");
  EXPECT_EQ(outline(std::string(500, '.')).size(), max_sample_bytes);
}

}  // namespace
}  // namespace assay::learn
