// Format strings and configurations of servers, compiled to parsers.
#include "lab/learn/line/format_string.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/learn/line/json_line.hpp"
#include "lab/learn/line/server_config.hpp"

namespace assay::learn {
namespace {

using testing::HasSubstr;

access_line good(std::string_view format, const std::string& text) {
  static std::string kept;  // the views point into it
  static parser_pointer parser;
  kept = text;
  auto pattern = compile_format(format);
  EXPECT_TRUE(pattern) << format << ": " << (pattern ? "" : pattern.error());
  if (!pattern) return {};
  parser = make_pattern_parser("test", std::move(*pattern));
  const auto line = parser->parse(kept);
  EXPECT_TRUE(line) << text << ": " << label(line ? line_fault::empty : line.error());
  return line.value_or(access_line{});
}

bool fits(std::string_view format, std::string_view text) {
  return make_pattern_parser("test", compile_format(format).value())->parse(text).has_value();
}

constexpr std::string_view nginx_usual =
    R"($remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" )"
    R"("$http_user_agent" "$http_x_forwarded_for" $request_time $upstream_response_time $connection )"
    R"($connection_requests $request_length $pipe)";

TEST(nginx_formats, usual_tails) {
  const access_line line =
      good(nginx_usual, R"(192.0.2.1 - a b [17/May/2015:10:05:03 +0000] "GET /x y HTTP/1.1" 200 5 "-" "a \"b\" [c]" )"
                        R"("192.0.2.9" 2.250 0.100, 0.200 : 0.300 17 3 412 .)");
  EXPECT_EQ(line.user, "a b");
  EXPECT_EQ(line.target, "/x y");
  EXPECT_EQ(line.agent, R"(a \"b\" [c])");
  EXPECT_EQ(line.forwarded_for, "192.0.2.9");
  EXPECT_EQ(line.request_time_s, 2.25);
  EXPECT_EQ(line.stamp_is, stamped::end);
}

TEST(nginx_formats, times_of_every_kind) {
  const auto starts = [](std::string_view variable, const std::string& text) {
    return start_of(good("[" + std::string(variable) + R"(] "$request" $status $request_time)",
                         "[" + text + R"(] "GET / HTTP/1.1" 200 0.250)"));
  };
  EXPECT_EQ(starts("$msec", "1646861401.524"), iso_instant("2022-03-09T21:30:01.274Z")->at);
  EXPECT_EQ(starts("$time_iso8601", "2022-03-09T22:30:01+01:00"), iso_instant("2022-03-09T21:30:01Z")->at);
  EXPECT_EQ(starts("$time_local", "09/Mar/2022:22:30:01 +0100"), iso_instant("2022-03-09T21:30:01Z")->at);
}

TEST(nginx_formats, targets_in_parts) {
  EXPECT_EQ(good("$msec $request_method $request_uri $status", "1646861401 GET /a?b=c 200").target, "/a?b=c");
  EXPECT_EQ(good("$msec $request_method $uri$is_args$args $status", "1646861401 GET /a?b=c 200").target, "/a?b=c");
  EXPECT_EQ(good("$msec $request_method $uri?$args $status", "1646861401 GET /a?b=c 200").target, "/a?b=c");
  EXPECT_EQ(good("$msec|$request_method|$uri|$args|$status", "1646861401|GET|/a|b=c|200").target, "/a?b=c");
  EXPECT_EQ(good("$msec|$request_method|$uri|$args|$status", "1646861401|GET|/a|-|200").target, "/a");
  EXPECT_EQ(good("${msec} $request_method $uri $server_protocol $status", "1646861401 GET /a HTTP/2.0 200").target,
            "/a");
  EXPECT_EQ(
      good("${msec} '$request_method $uri $server_protocol' $status", "1646861401 'GET /a b HTTP/2.0' 200").target,
      "/a b")
      << "the protocol tells where the target ends";
}

TEST(nginx_formats, written_as_json) {
  const access_line line =
      good(R"({"t":"$time_iso8601","r":"$request","s":$status,"b":$bytes_sent,"a":"$http_user_agent"})",
           R"({"t":"2022-03-09T21:30:01+00:00","r":"GET /\u00e9\"\\ HTTP/1.1","s":200,"b":7,"a":""})");
  EXPECT_EQ(unescape(line.target), "/\xe9\"\\");
  EXPECT_EQ(line.bytes, 7U);
  EXPECT_EQ(line.agent, "");
}

TEST(nginx_formats, a_writer_without_escapes) {
  const access_line line = good(R"([$msec] "$request" $status "$http_user_agent" end)",
                                R"([1646861401] "GET /a"b HTTP/1.1" 200 "x" y" end)");
  EXPECT_EQ(line.target, "/a\"b");
  EXPECT_EQ(line.agent, "x\" y");
}

TEST(nginx_formats, the_size_of_the_body_comes_before_that_on_the_wire) {
  for (const auto* format : {"$msec $request_method $uri $body_bytes_sent $bytes_sent",
                             "$msec $request_method $uri $bytes_sent $body_bytes_sent"}) {
    const bool body_first = std::string_view(format).find("body") < std::string_view(format).find(" $bytes");
    EXPECT_EQ(good(format, body_first ? "1646861401 GET / 5 205" : "1646861401 GET / 205 5").bytes, 5U);
  }
}

TEST(apache_formats, directives_of_every_kind) {
  const access_line line =
      good(R"(%v:%p %h %l %u %t "%r" %>s %b "%{Referer}i" "%!200,304{User-agent}i" %D %k %X %I %O)",
           R"(shop:443 192.0.2.1 - - [17/May/2015:10:05:03 +0200] "GET / HTTP/1.1" 200 - "-" "a" 2500000 0 + 100 300)");
  EXPECT_EQ(line.vhost, "shop");
  EXPECT_EQ(line.address, "192.0.2.1");
  EXPECT_EQ(line.agent, "a");
  EXPECT_EQ(line.bytes, 300U) << "of the wire, where the body's size is not known";
  EXPECT_EQ(line.request_time_s, 2.5);
  EXPECT_EQ(start_of(line), iso_instant("2015-05-17T08:05:03Z")->at) << "%t is the start";
}

TEST(apache_formats, times_of_every_kind) {
  const auto starts = [](std::string_view directive, const std::string& text) {
    return start_of(
        good(std::string(directive) + R"( "%m %U%q %H" %>s %{ms}T)", text + R"( "GET /a?b=c HTTP/1.1" 200 500)"));
  };
  const log_time at = iso_instant("2022-03-09T21:30:01.524Z")->at;
  EXPECT_EQ(starts("%{msec}t", "1646861401524"), at);
  EXPECT_EQ(starts("%{usec}t", "1646861401524000"), at);
  EXPECT_EQ(starts("%{sec}t.%{msec_frac}t", "1646861401.524"), at - std::chrono::milliseconds(524));
  EXPECT_EQ(starts("%{begin:usec}t", "1646861401524000"), at);
  EXPECT_EQ(starts("%{end:usec}t", "1646861402024000"), at) << "an end, 500 ms after the start";
  EXPECT_EQ(starts("[%{%d/%b/%Y:%T %z}t]", "[09/Mar/2022:22:30:01 +0100]"), at - std::chrono::milliseconds(524));
}

TEST(envoy_formats, operators_are_read) {
  const access_line line = good(R"([%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%] %REQ(:METHOD):10% %REQ(:PATH)% %PROTOCOL% )"
                                R"(%RESPONSE_CODE% %DURATION% 100%%)",
                                "[2016-04-15T20:17:00.310Z] GET /a HTTP/2 200 12 100%");
  EXPECT_EQ(line.target, "/a");
  EXPECT_EQ(line.request_time_s, 0.012);
}

TEST(formats_that_are_none, say_what_was_expected) {
  const auto error = [](std::string_view text) {
    const auto pattern = compile_format(text);
    return pattern ? "accepted" : pattern.error();
  };
  EXPECT_THAT(error("nonsense"), HasSubstr("expected a name or a format string"));
  EXPECT_THAT(error("$status $time_local"), HasSubstr("expected the request"));
  EXPECT_THAT(error("\"$request\" $status"), HasSubstr("expected a time"));
  EXPECT_THAT(error("$time_local$request"), HasSubstr("expected text between"));
  EXPECT_THAT(error("$time_local $ $request"), HasSubstr("variable's name"));
  EXPECT_THAT(error("${time_local $request"), HasSubstr("variable's name"));
  EXPECT_THAT(error("%t \"%r\" %{Referer"), HasSubstr("expected a }"));
  EXPECT_THAT(error("%t \"%r\" %"), HasSubstr("expected a letter"));
  EXPECT_THAT(error("%{%c}t \"%r\""), HasSubstr("cannot read times"));
  EXPECT_THAT(error("[%START_TIME%] %REQ(:PATH"), HasSubstr("second %"));
  std::string many = "$msec \"$request\"";
  for (int i = 0; i < 200; ++i) many += " $x";
  EXPECT_THAT(error(many), HasSubstr("at most 128"));
}

TEST(formats_that_are_none, lines_of_another_format_do_not_match) {
  const std::string_view format = R"($remote_addr [$time_local] "$request" $status)";
  const std::string line = R"(192.0.2.1 [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200)";
  EXPECT_TRUE(fits(format, line));
  for (std::size_t length = 0; length < line.size(); ++length) EXPECT_FALSE(fits(format, line.substr(0, length)));
  EXPECT_FALSE(fits(format, line + " more"));
  EXPECT_FALSE(fits(format, "x" + line.substr(line.find(' ') + 1)));
}

TEST(configurations, directives_are_found_as_they_stand) {
  const auto found = formats_in(R"(
user www;  # log_format no 'comment';
http {
    log_format main '$remote_addr [$time_local] '
                    '"$request" $status';
    log_format  json  escape=json '{"a":"$msec",'  '"r":"$request"}';log_format third "$msec $request";
    access_log /var/log/nginx/access.log main;
}
)");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].name, "main");
  EXPECT_EQ(found[0].text, R"($remote_addr [$time_local] "$request" $status)");
  EXPECT_EQ(found[1].name, "json");
  EXPECT_EQ(found[1].text, R"({"a":"$msec","r":"$request"})");
  EXPECT_EQ(found[2].text, "$msec $request");
  const auto apache = formats_in(
      "# LogFormat \"no\"\nLogFormat \"%h %l %u %t \\\"%r\\\" %>s %b\" common\n"
      "  LogFormat \"%t \\\n \\\"%r\\\"\"\nCustomLog logs/access.log common\n");
  ASSERT_EQ(apache.size(), 2U);
  EXPECT_EQ(apache[0].name, "common");
  EXPECT_EQ(apache[0].text, "%h %l %u %t \"%r\" %>s %b");
  EXPECT_EQ(apache[1].name, "");
  EXPECT_TRUE(formats_in("log_formats x 'y'; mylog_format z").empty());
}

TEST(json_mappings, are_given_by_name) {
  const auto mapping = parse_mapping("time=@timestamp,method=http.method,target=url,status=code,took_ms=latency");
  ASSERT_TRUE(mapping) << mapping.error();
  const parser_pointer parser = make_json_parser(*mapping);
  const auto line = parser->parse(
      R"({"@timestamp":"2024-01-02T03:04:05.5Z","http":{"method":"GET","x":[1,2,{"y":null}]},"url":"/a\/b",)"
      R"("code":200,"latency":250.0,"more":true})");
  ASSERT_TRUE(line) << label(line.error());
  EXPECT_EQ(line->target, "/a/b");
  EXPECT_EQ(start_of(*line), iso_instant("2024-01-02T03:04:05.25Z")->at);
  for (const auto* bad : {"", "time", "time=", "nonsense=x", "time=a,method=b", "time=a,request=b"}) {
    EXPECT_FALSE(parse_mapping(bad)) << bad;
  }
  EXPECT_THAT(parse_mapping("nonsense=x").error(), HasSubstr("took_ms"));
}

TEST(json_mappings, objects_are_read_strictly) {
  const parser_pointer parser = make_json_parser(parse_mapping("time=t,request=r,status=s").value());
  const std::string good = R"({"t":1646861401,"r":"GET / HTTP/1.1","s":200)";
  EXPECT_TRUE(parser->parse(good + "}"));
  EXPECT_TRUE(parser->parse(good + " , \"x\" : [ ] , \"y\" : { } }  "));
  EXPECT_TRUE(parser->parse(good + ",\"x\":\"caf\xe9\"}")) << "Latin-1";
  EXPECT_TRUE(parser->parse(good + R"(,"x":"\ud83d\udc35\ud800"})"));
  for (const auto* bad :
       {"", ",}", "}}", "} x", R"(,"x":})", R"(,"x":01})", R"(,"x":1.})", R"(,"x":tru})", R"(,"x":"})", R"(,"x":"\q"})",
        R"(,"x":"\u12g4"})", R"(,"x":[1,]})", R"(,x:1})", R"(,"x":-})", R"(,"x":1e})", ",\"x\":\"\x01\"}"}) {
    EXPECT_FALSE(parser->parse(good + bad)) << bad;
  }
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += '[';
  EXPECT_FALSE(parser->parse(good + ",\"x\":" + deep + std::string(20, ']') + "}"));
}

}  // namespace
}  // namespace assay::learn
