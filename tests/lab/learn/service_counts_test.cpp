#include "lab/learn/service_counts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/learn/line/format_string.hpp"
#include "lab/learn/line/line_parser.hpp"
#include "lab/learn/workload_counts.hpp"

namespace assay::learn {
namespace {

using testing::ElementsAre;
using testing::Pair;

access_line line_of(std::string_view format, std::string_view text) {
  const auto parser = make_parser(format);
  auto read = parser->parse(text);
  EXPECT_TRUE(read) << label(read.error());
  return read.value_or(access_line{});
}

TEST(what_some_formats_log, of_nginx_is_read_with_all_tries) {
  const access_line line =
      line_of("ingress",
              R"(192.0.2.3 - bob [10/Nov/2022:07:26:25 +0000] "POST /api/v1/orders HTTP/2.0" 201 1442 "https://shop/" )"
              R"("Mozilla/5.0" 1028 0.250 [shop-api-80] [] 10.4.1.7:8080, 10.4.1.8:8080 0, 1442 0.100, 0.125 502, 201 )"
              R"(4ee7f2a5b0cbd2b1a6d8)");
  EXPECT_DOUBLE_EQ(line.upstream_time_s.value_or(-1), 0.225);
  EXPECT_EQ(line.request_bytes, 1028U);
}

TEST(what_some_formats_log, of_balancers_is_a_part_of_the_whole) {
  const access_line alb = line_of(
      "alb",
      R"(https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 )"
      R"(0.086 0.048 0.037 200 200 17 57 "GET https://www.example.com:443/items?x=1 HTTP/1.1" "curl/7.46.0" )"
      R"(ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/t/73 )"
      R"("Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:1:certificate/1" 1)");
  EXPECT_DOUBLE_EQ(alb.upstream_time_s.value_or(-1), 0.048);
  EXPECT_DOUBLE_EQ(alb.request_time_s.value_or(-1), 0.171);
  EXPECT_EQ(alb.request_bytes, 17U);
  const access_line haproxy = line_of(
      "haproxy",
      R"(Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in~ )"
      R"(static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html?a=1 HTTP/1.1")");
  EXPECT_DOUBLE_EQ(haproxy.upstream_time_s.value_or(-1), 0.069);
  EXPECT_DOUBLE_EQ(haproxy.request_time_s.value_or(-1), 0.109);
}

TEST(what_some_formats_log, that_is_no_number_is_left_out_and_refuses_no_line) {
  auto pattern = compile_format(
      R"($remote_addr [$time_local] "$request" $status $body_bytes_sent $connection_requests $request_length )"
      R"("$upstream_response_time")");
  ASSERT_TRUE(pattern) << pattern.error();
  const auto parser = make_pattern_parser("test", std::move(*pattern));
  const auto line =
      parser->parse(R"(192.0.2.1 [10/Nov/2022:07:26:25 +0000] "GET / HTTP/1.1" 200 5 x - "-, 0.5 : odd")");
  ASSERT_TRUE(line) << label(line.error());
  EXPECT_DOUBLE_EQ(line->upstream_time_s.value_or(-1), 0.5);
  EXPECT_FALSE(line->request_bytes.has_value());
  EXPECT_EQ(line->on_connection, 0U);
}

TEST(what_some_formats_log, of_apache_numbers_a_connections_requests_from_zero) {
  auto pattern = compile_format(R"(%h %t "%r" %>s %b %k %I)");
  ASSERT_TRUE(pattern) << pattern.error();
  const auto parser = make_pattern_parser("test", std::move(*pattern));
  const auto line = parser->parse(R"(192.0.2.1 [10/Nov/2022:07:26:25 +0000] "GET / HTTP/1.1" 200 5 3 412)");
  ASSERT_TRUE(line) << label(line.error());
  EXPECT_EQ(line->on_connection, 4U);
  EXPECT_EQ(line->request_bytes, 412U);
}

TEST(service, has_quantiles_of_each_route_and_those_in_flight) {
  workload_counts counts{{}};
  constexpr log_time begin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);
  for (int i = 0; i < 2'000; ++i) {
    access_line line;
    line.address = "192.0.2.1";
    line.stamp = begin + std::chrono::milliseconds(100 * i);
    line.stamp_is = stamped::start;
    line.method = "GET";
    line.target = i % 4 == 0 ? "/slow" : "/quick";
    line.protocol = i % 10 == 0 ? "HTTP/2.0" : "HTTP/1.1";
    line.status = 200;
    line.request_time_s = i % 4 == 0 ? 0.8 : 0.001 * (1 + i % 100);
    line.upstream_time_s = 0.25;
    line.request_bytes = 300;
    line.on_connection = 1 + static_cast<std::uint64_t>(i % 5);
    counts.add(line);
  }
  model::profile made;
  counts.describe(made, {});
  ASSERT_EQ(made.routes.size(), 2U);
  ASSERT_TRUE(made.serving.latency && made.serving.upstream && made.routes[0].latency && made.routes[1].latency);
  EXPECT_EQ(made.serving.latency->requests, 2'000U);
  EXPECT_NEAR(made.serving.latency->p99_s, 0.8, 0.008);
  EXPECT_NEAR(made.routes[1].latency->p50_s, 0.8, 0.008) << made.routes[1].name();
  EXPECT_EQ(made.routes[1].latency->requests, 500U);
  EXPECT_NEAR(made.routes[0].latency->p50_s, 0.051, 0.002);
  EXPECT_NEAR(made.serving.upstream->mean_s, 0.25, 0.0025);
  // Ten a second, a quarter of them for 0.8 s and the others for 1 to 100 ms, 0.0515 s on the average.
  EXPECT_NEAR(made.serving.in_flight_mean, 10 * (0.25 * 0.8 + 0.75 * 0.0515), 0.1);
  EXPECT_EQ(made.serving.sized_requests, 2'000U);
  EXPECT_DOUBLE_EQ(made.serving.request_bytes_p99, 300);
  EXPECT_THAT(made.serving.protocols, ElementsAre(Pair("HTTP/1.1", 1'800U), Pair("HTTP/2.0", 200U)));
  EXPECT_DOUBLE_EQ(made.serving.requests_per_connection.value_or(0), 5);
}

TEST(service, of_a_log_without_is_nothing) {
  service_counts counts;
  access_line line;
  line.protocol = "secret!!";
  counts.add(line);
  line.protocol = "HTTP/2";
  counts.add(line);
  line.protocol = {};
  counts.add(line);
  const model::service made = counts.describe({});
  EXPECT_FALSE(made.latency || made.upstream || made.requests_per_connection);
  EXPECT_EQ(made.sized_requests, 0U);
  EXPECT_THAT(made.protocols, ElementsAre(Pair("HTTP/2", 1U), Pair("other", 1U)));
}

TEST(service, microseconds_are_bounded) {
  EXPECT_EQ(microseconds(0.0015), 1'500U);
  EXPECT_EQ(microseconds(-3), 0U);
  EXPECT_EQ(microseconds(1e300), 1'000'000'000'000U);
}

}  // namespace
}  // namespace assay::learn
