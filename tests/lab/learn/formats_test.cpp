// A line or more of each format that has a name, and what they say.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "lab/learn/line/clock.hpp"
#include "lab/learn/line/detector.hpp"
#include "lab/learn/line/line_parser.hpp"

namespace assay::learn {
namespace {

struct example {
  std::string_view format;
  std::vector<std::string> lines;  // the last one completes the request; those before are heads and the like
  std::string_view expected;       // start, method, target, status, bytes, client, agent and seconds
};

std::vector<example> text_examples() {
  return {
      {"combined",
       {R"(203.0.113.7 - - [17/May/2015:10:05:03 +0200] "GET /items/17 HTTP/1.1" 200 312 "https://a/" "curl/8")"},
       "2015-05-17T08:05:03Z GET /items/17 200 312 203.0.113.7 curl/8 -"},
      {"combined",
       {R"(10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 3 "-" "a" "192.0.2.9" 1.500)"},
       "2015-05-17T10:05:02Z GET / 200 3 192.0.2.9 a 1.5"},
      {"ingress",
       {R"(192.0.2.3 - bob [10/Nov/2022:07:26:25 +0000] "POST /api/v1/orders HTTP/2.0" 201 1442 "https://shop/" )"
        R"("Mozilla/5.0" 1028 0.250 [shop-api-80] [] 10.4.1.7:8080, 10.4.1.8:8080 0, 1442 0.100, 0.150 502, 201 )"
        R"(4ee7f2a5b0cbd2b1a6d8)"},
       "2022-11-10T07:26:25Z POST /api/v1/orders 201 1442 192.0.2.3 Mozilla/5.0 0.25"},
      {"traefik",
       {R"(192.168.33.1 - - [20/May/2022:19:44:02 +0000] "GET /whoami HTTP/1.1" 200 343 "-" "curl/7.68.0" 12 )"
        R"("whoami@docker" "http://172.18.0.3:80" 4ms)"},
       "2022-05-20T19:44:02Z GET /whoami 200 343 192.168.33.1 curl/7.68.0 0.004"},
      {"envoy",
       {R"([2016-04-15T20:17:00.310Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "10.0.35.28" )"
        R"("nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://10.0.2.1:80")"},
       "2016-04-15T20:17:00.310000Z POST /api/v1/locations 204 0 10.0.35.28 nsq2http 0.226"},
      {"istio",
       {R"([2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" )"
        R"("curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" )"
        R"(outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default)"},
       "2020-11-25T21:26:18.409000Z GET /status/418 418 135 10.44.1.23 curl/7.73.0-DEV 0.004"},
  };
}

std::vector<example> column_examples() {
  return {
      {"haproxy",
       {R"(Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in~ )"
        R"(static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html?a=1 HTTP/1.1")"},
       "2009-02-06T12:14:14.655000Z GET /index.html?a=1 200 2750 10.0.1.2 - 0.109"},
      {"alb",
       {R"(https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 )"
        R"(0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/items?x=1 HTTP/1.1" "curl/7.46.0" )"
        R"(ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/t/73 )"
        R"("Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:1:certificate/1" 1 )"
        R"(2018-07-02T22:22:48.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1 "-" "-")"},
       "2018-07-02T22:22:48.364000Z GET https://www.example.com:443/items?x=1 200 57 192.168.131.39 curl/7.46.0 0.171"},
      {"elb",
       {R"(2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 )"
        R"(200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -)"},
       "2015-05-13T23:39:43.945958Z GET http://www.example.com:80/ 200 29 192.168.131.39 curl/7.38.0 0.001178"},
      {"s3",
       {R"(79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be mybucket [06/Feb/2019:00:00:38 +0000] )"
        R"(192.0.2.3 arn:aws:iam::1:user/a 3E57427F3EXAMPLE REST.GET.OBJECT photos/cat.jpg )"
        R"("GET /mybucket/photos/cat.jpg HTTP/1.1" 200 - 2662992 3462992 70 10 "-" "S3Console/0.4" - )"
        R"(Ke1bUcazaN1jWuUlPJaxF64cQVpUEhoZKEG/hmy/gijN/I1DeWqDfFvnpybfEseEME= SigV4 ECDHE-RSA AuthHeader - TLSV1.2)"},
       "2019-02-06T00:00:38Z GET /mybucket/photos/cat.jpg 200 2662992 192.0.2.3 S3Console/0.4 0.07"},
      {"w3c",
       {"#Software: Microsoft Internet Information Services 10.0", "#Version: 1.0", "#Date: 2020-01-02 08:09:10",
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
        "sc-status sc-substatus sc-win32-status sc-bytes time-taken",
        "2020-01-02 08:09:12 10.0.0.4 GET /shop/item.aspx id=17 443 - 192.0.2.7 Mozilla/5.0+(Windows) - 200 0 0 512 "
        "1500"},
       "2020-01-02T08:09:11Z GET /shop/item.aspx?id=17 200 512 192.0.2.7 Mozilla/5.0+(Windows) 1.5"},
      {"w3c",
       {"#Version: 1.0",
        "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
        "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol "
        "cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version",
        "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111.cloudfront.net\t/index.html\t200\t-\t"
        "Mozilla/5.0%20(Windows)\t-\t-\tHit\tSOX4xwn4XV6Q==\td111.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\t"
        "ECDHE\tHit\tHTTP/2.0"},
       "2019-12-04T21:02:31Z GET /index.html 200 392 192.0.2.100 Mozilla/5.0%20(Windows) 0.001"},
  };
}

std::vector<example> json_examples() {
  return {
      {"caddy",
       {R"(caddy  | {"level":"info","ts":1646861401.5241024,"logger":"http.log.access.log0","msg":"handled request",)"
        R"("request":{"remote_ip":"127.0.0.1","remote_port":"41342","client_ip":"192.0.2.5","proto":"HTTP/2.0",)"
        R"("method":"GET","host":"localhost","uri":"/items/1?a=\u00e9","headers":{"User-Agent":["curl/7.82.0"],)"
        R"("Accept":["*/*"]},"tls":{"resumed":false,"version":772}},"bytes_read":0,"user_id":"","duration":0.5,)"
        R"("size":10900,"status":200,"resp_headers":{"Server":["Caddy"]}})"},
       "2022-03-09T21:30:01.024102Z GET /items/1?a=\xC3\xA9 200 10900 192.0.2.5 curl/7.82.0 0.5"},
      {"traefik-json",
       {R"({"ClientAddr":"192.0.2.6:51234","ClientHost":"192.0.2.6","ClientUsername":"-","DownstreamContentSize":17,)"
        R"("DownstreamStatus":200,"Duration":2500000,"RequestHost":"shop","RequestMethod":"GET","RequestPath":"/a",)"
        R"("RequestProtocol":"HTTP/1.1","StartLocal":"2024-01-02T03:04:05.123456789+01:00",)"
        R"("StartUTC":"2024-01-02T02:04:05.123456789Z","level":"info","msg":"","request_User-Agent":"k6",)"
        R"("time":"2024-01-02T03:04:05+01:00"})"},
       "2024-01-02T02:04:05.123456Z GET /a 200 17 192.0.2.6 k6 0.0025"},
      {"envoy-json",
       {R"({"authority":"shop","bytes_received":0,"bytes_sent":42,"duration":7,"method":"GET","path":"/b",)"
        R"("protocol":"HTTP/1.1","response_code":200,"response_flags":null,"start_time":"2024-01-02T03:04:05.006Z",)"
        R"("user_agent":"k6","x_forwarded_for":"192.0.2.8","downstream_remote_address":"10.0.0.9:1234"})"},
       "2024-01-02T03:04:05.006000Z GET /b 200 42 192.0.2.8 k6 0.007"},
      {"json",
       {R"({"time_iso8601":"2024-01-02T03:04:05+00:00","remote_addr":"192.0.2.9","request":"GET /c HTTP/1.1",)"
        R"("status":"200","body_bytes_sent":"5","request_time":"0.250","http_user_agent":"k6","http_referer":""})"},
       "2024-01-02T03:04:05Z GET /c 200 5 192.0.2.9 k6 0.25"},
      {"har",
       {R"({"startedDateTime":"2024-01-02T03:04:05.678+01:00","time":12.5,"request":{"method":"GET",)"
        R"("url":"https://shop.example/d?e=f","httpVersion":"h2","headers":[{"name":"User-Agent","value":"Firefox"},)"
        R"({"name":"Accept","value":"*/*"}],"queryString":[],"cookies":[],"headersSize":10,"bodySize":0},)"
        R"("response":{"status":200,"statusText":"OK","content":{"size":99,"mimeType":"text/html"},"bodySize":-1},)"
        R"("cache":{},"timings":{"send":1,"wait":10,"receive":1.5}})"},
       "2024-01-02T02:04:05.678000Z GET https://shop.example/d?e=f 200 99 browser Firefox 0.0125"},
      {"goreplay",
       {"1 1f901f90c0a8010200000001 1646861401524103000 0", "GET /e HTTP/1.1\r", "Host: shop\r", "User-Agent: k6\r",
        "\r", "", "\xF0\x9F\x90\xB5\xF0\x9F\x99\x88\xF0\x9F\x99\x89",
        "2 1f901f90c0a8010200000001 1646861401544103000 100", "HTTP/1.1 200 OK\r", "Content-Length: 5\r", "\r", "hello",
        "\xF0\x9F\x90\xB5\xF0\x9F\x99\x88\xF0\x9F\x99\x89"},
       "2022-03-09T21:30:01.524103Z GET /e 200 5 192.168.1.2 k6 0.02"},
  };
}

const std::vector<example>& examples() {
  static const std::vector<example> all = [] {
    std::vector<example> joined = text_examples();
    for (auto* more : {column_examples, json_examples}) std::ranges::copy(more(), std::back_inserter(joined));
    return joined;
  }();
  return all;
}

// 2015-05-17T08:05:03Z, with a fraction where there is one.
std::string instant_text(log_time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 time.hours().count(), time.minutes().count(), time.seconds().count());
  if (time.subseconds().count() > 0) text += fmt::format(".{:06}", time.subseconds().count());
  return text + "Z";
}

std::string shown(const access_line& of) {
  const std::string took = of.request_time_s ? fmt::format("{:.6g}", *of.request_time_s) : "-";
  return fmt::format("{} {} {} {} {} {} {} {}", instant_text(start_of(of)), of.method, of.target, of.status, of.bytes,
                     of.forwarded_for.empty() ? of.address : of.forwarded_for, of.agent.empty() ? "-" : of.agent, took);
}

TEST(formats, each_is_understood_field_by_field) {
  for (const example& each : examples()) {
    SCOPED_TRACE(each.format);
    const parser_pointer parser = make_parser(each.format);
    ASSERT_TRUE(parser);
    for (std::size_t i = 0; i + 1 < each.lines.size(); ++i) {
      EXPECT_FALSE(parser->parse(each.lines[i])) << each.lines[i];
    }
    const auto line = parser->parse(each.lines.back());
    ASSERT_TRUE(line) << label(line.error());
    EXPECT_EQ(shown(*line), each.expected);
  }
}

TEST(formats, each_has_an_example_and_a_summary) {
  for (const std::string_view name : format_names()) {
    EXPECT_FALSE(format_summary(name).empty()) << name;
    EXPECT_TRUE(std::ranges::any_of(examples(), [&](const example& each) { return each.format == name; })) << name;
  }
  for (const auto* alias : {"common", "iis", "cloudfront"}) EXPECT_TRUE(make_parser(alias)) << alias;
  EXPECT_FALSE(make_parser("none"));
}

std::vector<parser_pointer> all_parsers() {
  std::vector<parser_pointer> parsers;
  for (const std::string_view name : format_names()) {
    if (name != "har") parsers.push_back(make_parser(name));
  }
  return parsers;
}

TEST(formats, each_is_told_from_the_others) {
  for (const example& each : examples()) {
    if (each.format == "har") continue;  // told by its file
    SCOPED_TRACE(each.format);
    format_detector detector(all_parsers());
    const std::vector<std::string_view> lines(each.lines.begin(), each.lines.end());
    const detected_format found = detector.choose(lines);
    EXPECT_TRUE(found.name == each.format || found.name == "cloudfront") << found.name;
    EXPECT_EQ(found.confidence(), 1);
    EXPECT_EQ(found.runner_up, "");
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) EXPECT_FALSE(detector.parse(lines[i]));
    const auto line = detector.parse(lines.back());
    ASSERT_TRUE(line) << label(line.error());
    EXPECT_EQ(shown(*line), each.expected);
  }
}

TEST(formats, of_a_mixed_log_each_line_is_understood) {
  format_detector detector(all_parsers());
  std::vector<std::string_view> lines;
  for (const example& each : examples()) {
    if (each.lines.size() == 1 && each.format != "har") lines.push_back(each.lines[0]);
  }
  const detected_format found = detector.choose(lines);
  EXPECT_EQ(found.name, "combined");
  EXPECT_EQ(found.understood, 2U);
  EXPECT_EQ(found.tried, lines.size());
  EXPECT_EQ(found.runner_up_understood, 1U);
  EXPECT_LT(found.confidence(), 0.2);
  for (const std::string_view line : lines) EXPECT_TRUE(detector.parse(line)) << line;
  EXPECT_FALSE(detector.parse("neither"));
}

TEST(formats, what_each_refuses_is_named) {
  for (const std::string_view name : format_names()) {
    const parser_pointer parser = make_parser(name);
    for (const std::string line : {"", "x", "{", "{}", R"({"ts":1})", "[", "\"", "#Fields:", "1 2 3"}) {
      const auto parsed = parser->parse(line);
      ASSERT_FALSE(parsed) << name << ": " << line;
      EXPECT_NE(label(parsed.error()), "unknown");
    }
  }
}

TEST(formats, entries_that_are_no_requests_are_set_aside) {
  const auto fault = [](std::string_view format, std::string_view line) {
    const auto parsed = make_parser(format)->parse(line);
    return parsed ? "accepted" : std::string(label(parsed.error()));
  };
  const std::string aside(label(line_fault::aside));
  EXPECT_EQ(fault("caddy", R"({"level":"info","ts":1,"logger":"admin","msg":"started"})"), aside);
  EXPECT_EQ(fault("caddy", R"({"ts":1,"logger":"http.log.error","request":{"method":"GET"},"status":502})"), aside);
  EXPECT_EQ(fault("w3c", "#Version: 1.0"), aside);
  EXPECT_EQ(fault("w3c", "2020-01-02 08:09:12 GET /"), "columns before any #Fields line");
  EXPECT_EQ(fault("json", R"({"time":"2024-01-02T03:04:05Z","level":"info"})"), "no time, no request or no status");
}

TEST(formats, no_answer_has_no_status) {
  const auto status = [](std::string_view format, std::string_view line) {
    const parser_pointer parser = make_parser(format);
    const auto parsed = parser->parse(line);
    EXPECT_TRUE(parsed) << label(parsed ? line_fault::empty : parsed.error());
    return parsed ? parsed->status : -1;
  };
  EXPECT_EQ(status("envoy", R"([2016-04-15T20:17:00.310Z] "GET / HTTP/1.1" 0 DC 0 0 9 - "-" "a" "b" "c" "-")"), 0);
  EXPECT_EQ(status("haproxy", R"(10.0.1.2:33313 [06/Feb/2009:12:12:51.443] fnt bck/<NOSRV> -1/-1/-1/-1/5001 -1 0 )"
                              R"(- - CR-- 1/1/1/1/0 0/0 "<BADREQ>")"),
            0);
  EXPECT_EQ(status("combined", R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 499 0)"), 499);
}

TEST(formats, early_and_late_load_balancers_wrote_other_columns) {
  const auto known = std::ranges::find(examples(), "alb", &example::format);
  const std::string whole = known->lines[0];
  std::string early = whole.substr(0, whole.find(" \"arn:aws:acm"));  // up to the domain name
  const parser_pointer parser = make_parser("alb");
  const auto line = parser->parse(early);
  ASSERT_TRUE(line) << label(line.error());
  // Without its creation a request began its three processing times before its end.
  EXPECT_EQ(start_of(*line), iso_instant("2018-07-02T22:23:00.015641Z")->at);
  EXPECT_TRUE(parser->parse(whole + " \"new\" - 17"));
  EXPECT_FALSE(parser->parse(whole.substr(0, whole.find(" \"curl"))));
}

}  // namespace
}  // namespace assay::learn
