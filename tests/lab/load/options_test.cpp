#include "lab/load/options.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "lab/load/workload.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

load_options good(const std::string& url = "http://127.0.0.1:8080/") {
  load_options options;
  options.url = url;
  return options;
}

// What the user is told: one line. Empty when the options can be run.
std::string complaint(load_options options) {
  const auto plan = normalize(std::move(options));
  if (plan) return "";
  EXPECT_EQ(plan.error().find('\n'), std::string::npos) << plan.error();
  EXPECT_EQ(plan.error().find('\r'), std::string::npos) << plan.error();
  return plan.error();
}

struct url_case {
  std::string url;
  std::string host;
  std::uint16_t port;
  std::string first_lines;
};

TEST(options, urls_that_can_be_loaded) {
  for (const url_case& each : {
           url_case{"http://shop.test", "shop.test", 80, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
           url_case{"http://shop.test:8080", "shop.test", 8080, "GET / HTTP/1.1\r\nHost: shop.test:8080\r\n\r\n"},
           url_case{"http://10.0.0.1:1/a/b?c=d#e", "10.0.0.1", 1, "GET /a/b?c=d HTTP/1.1\r\nHost: 10.0.0.1:1\r\n\r\n"},
           url_case{"http://shop.test?q", "shop.test", 80, "GET /?q HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
           url_case{"http://shop.test#top", "shop.test", 80, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"},
           url_case{"http://[::1]:65535/x", "::1", 65535, "GET /x HTTP/1.1\r\nHost: [::1]:65535\r\n\r\n"},
           url_case{"http://[fe80::2]/", "fe80::2", 80, "GET / HTTP/1.1\r\nHost: [fe80::2]\r\n\r\n"},
           url_case{"http://a/http://b:1/", "a", 80, "GET /http://b:1/ HTTP/1.1\r\nHost: a\r\n\r\n"},
       }) {
    const auto plan = normalize(good(each.url));
    ASSERT_TRUE(plan) << each.url << ": " << plan.error();
    EXPECT_EQ(plan->host, each.host);
    EXPECT_EQ(plan->port, each.port);
    EXPECT_EQ(plan->request, each.first_lines);
  }
}

TEST(options, urls_that_cannot) {
  const auto expected = [](const std::string& url) { return complaint(good(url)); };
  for (const char* shapeless :
       {"", "shop.test", "/path", "ftp://shop.test/", "HTTP:shop.test", "http:/shop.test/", "http://", "http:///path",
        "http://:80/", "http://user@shop.test/", "http://user:secret@shop.test/", "http://[]:80/", "http://::1/",
        "http://fe80::2:80/", "http://a:80:90/", "http://a\"b/"}) {
    EXPECT_NE(expected(shapeless).find("expected http://HOST[:PORT]/PATH"), std::string::npos)
        << shapeless << " -> " << expected(shapeless);
  }
  for (const char* port : {"http://a:/", "http://a:0/", "http://a:65536/", "http://a:-1/", "http://a:8o80/",
                           "http://[::1]80/", "http://[::1]:/", "http://[::1]x"}) {
    EXPECT_NE(expected(port).find("expected a port from 1 to 65535"), std::string::npos)
        << port << " -> " << expected(port);
  }
  EXPECT_NE(expected("http://[::1/").find("expected ']'"), std::string::npos);
  EXPECT_NE(expected("https://shop.test/").find("https is not supported yet; use http://"), std::string::npos);
  for (const char* bytes : {"http://shop.test/a b", "http://shop.test/\r\nX: y", "http://shop.test\r\nX: y/",
                            "http://sh\xc3\xb6p.test/", "http://shop.test/\x7f"}) {
    EXPECT_NE(expected(bytes).find("expected printable ASCII"), std::string::npos)
        << bytes << " -> " << expected(bytes);
  }
}

TEST(options, rates) {
  for (const double rate : {0.001, 1.0, 1e6, max_rate_per_s}) {
    load_options options = good();
    options.rate_per_s = rate;
    EXPECT_EQ(complaint(options), "");
  }
  for (const double rate : {0.0, -1.0, -0.0, std::nan(""), std::numeric_limits<double>::infinity(), 10'000'001.0}) {
    load_options options = good();
    options.rate_per_s = rate;
    EXPECT_NE(complaint(options).find("expected more than 0 and at most 10000000 requests per second"),
              std::string::npos)
        << complaint(options);
  }
}

TEST(options, stages_stand_for_rate_and_length) {
  load_options options = good();
  options.stages = {{.rate_per_s = 0, .length = 10s, .end_rate_per_s = 100}, {.rate_per_s = 150, .length = 10s}};
  const auto plan = normalize(options);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->options.length, 20s);
  EXPECT_EQ(plan->options.rate_per_s, 100);
}

TEST(options, stages_that_cannot_be_run_are_named) {
  const auto of = [](const stage& given) {
    load_options options = good();
    options.stages = {given};
    return complaint(options);
  };
  EXPECT_EQ(of({.rate_per_s = -1, .length = 1s}),
            "--stage at -1/s: expected rates from 0 to 10000000 requests per second");
  EXPECT_EQ(of({.rate_per_s = 1, .length = 1s, .end_rate_per_s = std::nan("")}),
            "--stage at 1..nan/s: expected rates from 0 to 10000000 requests per second");
  EXPECT_EQ(of({.rate_per_s = 1, .length = 1s, .swing_per_s = 2, .period = 1s}),
            "--stage at 1~2/1s: expected a swing of at most the mean, since no rate is below zero");
  EXPECT_EQ(of({.rate_per_s = 2, .length = 1s, .swing_per_s = 2}), "--stage at 2~2/0s: expected a period above 0");
  EXPECT_EQ(of({.rate_per_s = 100, .length = 1s, .burst_of_per_s = 100}),
            "--stage at 100*1/s: expected a burst of a rate above 0 and of more than 1 time as much");
  EXPECT_EQ(of({.rate_per_s = 2, .length = 0s}), "--stage at 2/s: expected a length of more than 0 and at most 7 days");
  EXPECT_EQ(of({.rate_per_s = 0, .length = 1s}), "--stage: expected one with a rate above 0");
  EXPECT_EQ(of({.rate_per_s = max_rate_per_s, .length = max_length}), "") << "as many as a rate alone may make";
  load_options many = good();
  many.stages.assign(max_stages + 1, {.rate_per_s = 1, .length = 1s});
  EXPECT_EQ(complaint(many), "--stage: 65 stages, those of repeated groups counted: expected at most 64");
}

TEST(options, seconds_are_all_kept_for_a_burst_and_no_longer_than_a_day) {
  load_options options = good();
  options.stages = {{.rate_per_s = 1, .length = 10s}, {.rate_per_s = 10, .length = 1s, .burst_of_per_s = 1}};
  EXPECT_TRUE(normalize(options)->options.keep_seconds);
  EXPECT_EQ(workload_of(*normalize(options)).kept_seconds, all_seconds);
  options.stages[0].length = 24h;
  EXPECT_EQ(complaint(options), "--stage: expected at most 24 h together where there is a burst");
  options.stages.pop_back();
  EXPECT_FALSE(normalize(options)->options.keep_seconds);
  options = good();
  options.keep_seconds = true;
  options.length = max_length;
  options.rate_per_s = 100'000;
  ASSERT_EQ(complaint(options), "") << "who follows the run needs the latest of them";
  EXPECT_EQ(workload_of(*normalize(options)).kept_seconds, latest_seconds);
}

TEST(options, ticks_are_of_a_rate) {
  load_options options;
  options.url = "http://h/";
  options.rate_per_s = 1000;
  options.tick = 1ms;
  EXPECT_TRUE(normalize(options));
  options.tick = 1us;
  EXPECT_EQ(normalize(options).error(), "--tick: expected from 10us to 100ms");
  options.tick = 1s;
  EXPECT_EQ(normalize(options).error(), "--tick: expected from 10us to 100ms");
  options.tick = 1ms;
  options.rate_per_s.reset();
  EXPECT_EQ(normalize(options).error(), "--tick: expected a rate with it, -R or --stage");
}

TEST(options, connections_and_threads) {
  load_options options = good();
  options.connections = 0;
  EXPECT_EQ(complaint(options), "connections -c: expected 1 to 1000000");
  options.connections = 1'000'001;
  EXPECT_EQ(complaint(options), "connections -c: expected 1 to 1000000");
  options.connections = 1;
  EXPECT_EQ(complaint(options), "");
  options.threads = 2;
  EXPECT_EQ(complaint(options), "threads -t 2: more than connections -c 1; each thread needs at least one");
  options.threads = 0;
  EXPECT_EQ(complaint(options), "threads -t: expected 1 to 256");
  options.threads = 257;
  EXPECT_EQ(complaint(options), "threads -t: expected 1 to 256");
}

TEST(options, times) {
  for (const duration length : {duration(0), duration(-1s), max_length + 1ns}) {
    load_options options = good();
    options.length = length;
    EXPECT_EQ(complaint(options), "duration -d: expected more than 0 and at most 7 days");
  }
  load_options options = good();
  options.timeout = 0s;
  EXPECT_EQ(complaint(options), "--timeout: expected more than 0");
}

struct lowered_limit {
  explicit lowered_limit(rlim_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit lower{.rlim_cur = std::min(before.rlim_cur, most), .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~lowered_limit() { ::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

TEST(options, the_soft_limit_of_descriptors_is_raised_as_far_as_needed) {
  const lowered_limit low(64);
  ASSERT_GE(low.before.rlim_max, 600U) << "run the tests with a hard limit of at least 600 descriptors";
  load_options options = good();
  options.connections = 500;
  EXPECT_EQ(complaint(options), "");
  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, 500U + 8 + 16);
}

// Runs in a child: a hard limit cannot be raised again.
void load_with_200_connections_of_100_descriptors() {
  const rlimit hard{.rlim_cur = 100, .rlim_max = 100};
  ::setrlimit(RLIMIT_NOFILE, &hard);
  load_options options = good();
  options.connections = 200;
  std::fprintf(stderr, "%s\n", complaint(options).c_str());
  options.connections = 76;
  std::_Exit(complaint(options).empty() ? 0 : 1);
}

TEST(options_death_test, a_hard_limit_is_named_with_the_remedy) {
  EXPECT_EXIT(load_with_200_connections_of_100_descriptors(), ::testing::ExitedWithCode(0),
              "-c 200 needs 224 file descriptors, the limit of this process is 100: raise it \\(ulimit -n 224, or "
              "LimitNOFILE\\), or use at most -c 76");
}

TEST(options, what_would_break_the_request_is_refused_and_named) {
  const auto with_header = [](const std::string& name, const std::string& value) {
    load_options options = good();
    options.headers = {{"Accept", "*/*"}, {name, value}};
    return complaint(options);
  };
  EXPECT_EQ(with_header("X-Trace", "a\tb"), "");
  EXPECT_EQ(with_header("X-Empty", ""), "");
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"X Y", "1"},
                                    {"X:", "1"},
                                    {"", "1"},
                                    {"X", "1\r\nEvil: 2"},
                                    {"X", "1\n"},
                                    {"X\r\nEvil", "2"},
                                    {"X", std::string("a\0b", 3)}}) {
    EXPECT_TRUE(with_header(name, value).starts_with("header -H ")) << with_header(name, value);
    EXPECT_NE(with_header(name, value).find("expected \"Name: value\""), std::string::npos) << with_header(name, value);
  }
  for (const char* ours : {"Content-Length", "transfer-encoding", "CONNECTION"}) {
    EXPECT_NE(with_header(ours, "1").find("is the tool's"), std::string::npos) << with_header(ours, "1");
  }
  for (const char* verb : {"", "GET /", "GE T", "GET\r\n", "G\"T"}) {
    load_options options = good();
    options.method = verb;
    EXPECT_TRUE(complaint(options).starts_with("method -m ")) << complaint(options);
    EXPECT_NE(complaint(options).find("expected a word such as GET"), std::string::npos) << complaint(options);
  }
}

TEST(options, the_request_is_rendered_once_with_its_body) {
  load_options options = good("http://shop.test/orders");
  options.method = "POST";
  options.headers = {{"Content-Type", "application/json"}};
  options.body = "{}";
  const auto plan = normalize(options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(
      plan->request,
      "POST /orders HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(plan->verb, http::method::post);
}

TEST(options, only_idempotent_methods_may_be_sent_again) {
  for (const char* verb : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    load_options options = good();
    options.method = verb;
    EXPECT_TRUE(normalize(options)->may_resend) << verb;
  }
  for (const char* verb : {"POST", "PATCH", "get", "LOCK"}) {
    load_options options = good();
    options.method = verb;
    EXPECT_FALSE(normalize(options)->may_resend) << verb;
  }
}

}  // namespace
}  // namespace assay::load
