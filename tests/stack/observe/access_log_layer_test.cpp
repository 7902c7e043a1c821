#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/guard/access_log/layer.hpp"
#include "stack/guard/shed/layer.hpp"
#include "stack/guard/trace/layer.hpp"
#include "stack/observe/exposition.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::access_log {
namespace {

using namespace std::chrono_literals;
using http::testing::get;
using http::testing::post;
using nlohmann::json;
using ::testing::HasSubstr;

task<result<void>> two_pieces(http::body_sink& to) {
  std::ignore = co_await to.write("four");
  std::ignore = co_await delay_for(30ms);
  co_return co_await to.write("and five.");
}
task<result<void>> fails_before_its_first_piece(http::body_sink&) {
  co_return std::unexpected(error{.code = errc::refused, .what = "connect"});
}
task<result<void>> fails_after_its_first_piece(http::body_sink& to) {
  std::ignore = co_await to.write("four");
  co_return std::unexpected(error{.code = errc::reset, .what = "read"});
}
task<http::response> streams(task_function<task<result<void>>(http::body_sink&)> produce) {
  http::response reply;
  reply.stream = std::move(produce);
  co_return reply;
}

task<http::response> item(http::request&) {
  std::ignore = co_await delay_for(20ms);
  co_return http::response::text("found\n");
}
task<http::response> bug(http::request&) {
  std::ignore = co_await delay_for(1ms);
  throw std::logic_error("a bug");
}
task<http::response> late(http::request&) {
  co_return http::response::from({.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "query"});
}
task<http::response> teapot(http::request&) {
  co_return http::response::text("no coffee for Bob <b@example.org>\n", 418);
}

task<http::response> order(http::request&, std::int32_t) { co_return http::response::text("found\n"); }

// A service, its log and its metrics; what it has told of when it is over.
struct observed_service {
  observed_service() {
    routes.add(http::method::get, "/items/{id}", item);
    routes.add(http::method::head, "/items/{id}", item);
    routes.add(http::method::get, "/orders/{id}", order);
    routes.add(http::method::get, "/bug", bug);
    routes.add(http::method::get, "/late", late);
    routes.add(http::method::get, "/teapot", teapot);
    const auto add_stream = [this](std::string_view path, auto produce) {
      routes.add(http::method::get, path, [produce] ASSAY_CORO_WRAPPER(http::request&) { return streams(produce); });
    };
    add_stream("/stream", two_pieces);
    add_stream("/stream/refused", fails_before_its_first_piece);
    add_stream("/stream/reset", fails_after_its_first_piece);
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    log = std::make_unique<observe::json_log>(ends[1]);
    lines = *policy::create(log.get(), metrics, metrics.add_shard(), by_router(routes));
  }
  ~observed_service() { ::close(ends[0]); }

  http::handler handler() {
    return compose({trace::layer(std::make_shared<trace::policy>(trace::options{.seed = 7})), layer(lines),
                    shed::layer(admission)},
                   routes.as_handler());
  }
  // Ends the log.
  std::vector<json> told() {
    log.reset();
    ::close(ends[1]);
    std::string text;
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = ::read(ends[0], bytes.data(), bytes.size())) > 0;) {
      text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    std::vector<json> all;
    for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
      all.push_back(json::parse(text.substr(begin, text.find('\n', begin) - begin)));
    }
    return all;
  }

  std::array<int, 2> ends{};
  http::router routes;
  observe::registry metrics;
  std::unique_ptr<observe::json_log> log;
  std::shared_ptr<policy> lines;
  std::shared_ptr<shed::policy> admission =
      std::make_shared<shed::policy>(shed::options{.max_in_flight = 1, .max_waiting = 0});
};

TEST(access_log, tells_of_each_request_by_its_route_with_its_ids) {
  observed_service service;
  const auto seen = http::testing::play_one(
      service.handler(),
      {{0ms, get("/items/7?secret=1", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n")},
       {1s, get("/nowhere/at/all")}});
  const auto answers = http::testing::split_responses(seen);
  const std::vector<json> told = service.told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0]["level"], "info");
  EXPECT_EQ(told[0]["message"], "request");
  EXPECT_EQ(told[0]["request_id"], answers.at(0).header("x-request-id"));
  EXPECT_EQ(told[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(told[0]["method"], "GET");
  EXPECT_EQ(told[0]["route"], "/items/{id}");
  EXPECT_EQ(told[0]["status"], 200);
  EXPECT_EQ(told[0]["bytes"], 6);
  EXPECT_EQ(told[0]["duration_us"], 20'000);
  EXPECT_FALSE(told[0].contains("reason"));
  EXPECT_EQ(told[1]["route"], "unknown");
  EXPECT_EQ(told[1]["status"], 404);
  EXPECT_EQ(told[1]["reason"], "not_found");
}

TEST(access_log, tells_why_a_request_was_refused_and_not_what_a_body_quotes) {
  observed_service service;
  const auto seen = http::testing::play({.serve = service.handler(),
                                         .clients = {{.pieces = {{0ms, get("/items/1", "connection: close\r\n")}}},
                                                     {.pieces = {{5ms, get("/items/2", "connection: close\r\n")}}},
                                                     {.pieces = {{100ms, get("/late", "connection: close\r\n")}}},
                                                     {.pieces = {{200ms, get("/teapot", "connection: close\r\n")}}}}});
  const std::vector<json> told = service.told();
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[0]["status"], 503) << "it was refused before the other had its answer";
  EXPECT_EQ(told[0]["reason"], "overloaded");
  EXPECT_EQ(told[0]["level"], "warn");
  EXPECT_EQ(told[0]["route"], "/items/{id}");
  EXPECT_EQ(told[1]["status"], 200);
  EXPECT_EQ(told[2]["status"], 504);
  EXPECT_EQ(told[2]["reason"], "timed_out");
  EXPECT_EQ(told[3]["status"], 418);
  EXPECT_FALSE(told[3].contains("reason"));
}

TEST(access_log, tells_of_a_bug_with_its_text_and_lets_the_server_answer) {
  observed_service service;
  const auto seen = http::testing::play_one(service.handler(), {{0ms, get("/bug")}});
  EXPECT_THAT(http::testing::statuses(seen), ::testing::ElementsAre(500));
  const std::vector<json> told = service.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["status"], 500);
  EXPECT_EQ(told[0]["reason"], "exception");
  EXPECT_EQ(told[0]["problem"], "a bug");
}

TEST(access_log, tells_of_a_stream_at_its_end_with_what_it_sent) {
  observed_service service;
  std::ignore = http::testing::play_one(service.handler(), {{0ms, get("/stream")}, {1s, get("/stream/refused")}});
  std::ignore = http::testing::play_one(service.handler(), {{0ms, get("/stream/reset")}});
  std::ignore = http::testing::play_one(service.handler(), {{0ms, "HEAD /stream HTTP/1.1\r\nhost: x\r\n\r\n"},
                                                            {1s, "HEAD /items/1 HTTP/1.1\r\nhost: x\r\n\r\n"}});
  const std::vector<json> told = service.told();
  ASSERT_EQ(told.size(), 5U);
  EXPECT_EQ(told[0]["bytes"], 13);
  EXPECT_EQ(told[0]["duration_us"], 30'000);
  EXPECT_EQ(told[1]["status"], 503) << "nothing had been sent";
  EXPECT_EQ(told[1]["reason"], "refused");
  EXPECT_EQ(told[2]["status"], 200) << "what the client was told, and then cut";
  EXPECT_EQ(told[2]["reason"], "reset");
  EXPECT_EQ(told[2]["bytes"], 4);
  EXPECT_EQ(told[3]["method"], "HEAD");
  EXPECT_EQ(told[4]["bytes"], 0);
}

TEST(access_log, feeds_rate_errors_and_duration_by_route) {
  observed_service service;
  const std::string close = "connection: close\r\n";
  std::ignore =
      http::testing::play({.serve = service.handler(),
                           .clients = {{.pieces = {{0ms, get("/items/1", close)}}},
                                       {.pieces = {{5ms, get("/items/2", close)}}},
                                       {.pieces = {{100ms, get("/items/3", close)}}},
                                       {.pieces = {{200ms, get("/stream", close)}}}},
                           .events = {{210ms, [&service](sim_io&, loop&) {
                                         EXPECT_THAT(observe::expose(service.metrics, observe::exposition::prometheus),
                                                     HasSubstr("\nassay_http_requests_in_flight 1\n"));
                                       }}}});
  const std::string text = observe::expose(service.metrics, observe::exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("\nassay_http_requests_total{method=\"GET\",route=\"/items/{id}\",status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nassay_http_requests_total{method=\"GET\",route=\"/items/{id}\",status=\"503\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_seconds_bucket{method=\"GET\",route=\"/items/{id}\",le=\"0.01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_seconds_bucket{method=\"GET\",route=\"/items/{id}\",le=\"0.025\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("_seconds_sum{method=\"GET\",route=\"/items/{id}\"} 0.04\n"));
  EXPECT_THAT(text, HasSubstr("_seconds_sum{method=\"GET\",route=\"/stream\"} 0.03\n"));
  EXPECT_THAT(text, HasSubstr("\nassay_http_requests_in_flight 0\n"));
}

TEST(access_log, a_name_that_others_have_taken_is_an_error_of_one_line) {
  observe::registry metrics;
  ASSERT_TRUE(metrics.gauge({.name = "assay_http_requests_in_flight", .help = "mine"}));
  const auto lines = policy::create(nullptr, metrics, metrics.add_shard(), by_name("all"));
  EXPECT_EQ(lines.error(), "metric \"assay_http_requests_in_flight\": registered before as something else");
}

TEST(access_log, tells_of_what_the_server_refuses_itself) {
  observed_service service;
  http::server_limits limits;
  limits.max_body_bytes = 10;
  const auto seen =
      http::testing::play({.serve = service.handler(),
                           .limits = limits,
                           .on_refused = [&service](const http::refusal& of) { service.lines->on_refused(of); },
                           .clients = {{.pieces = {{0ms, "GET / HTTP/1.1\r\nhost: x\r\nbad name: 1\r\n\r\n"}}},
                                       {.pieces = {{1s, post("/items/7", "more than ten bytes")}}},
                                       {.pieces = {{2s, "GET /slow"}}}}});
  for (const auto& each : seen.clients) EXPECT_EQ(http::testing::statuses(each).size(), 1U);
  EXPECT_EQ(seen.counters.refused_heads, 1U);
  EXPECT_EQ(seen.counters.refused_bodies, 1U);
  EXPECT_EQ(seen.counters.head_timeouts, 1U);
  const std::vector<json> told = service.told();
  ASSERT_EQ(told.size(), 3U);
  for (const json& each : told) {
    EXPECT_EQ(each["message"], "request");
    EXPECT_FALSE(each.contains("route"));
  }
  EXPECT_EQ(told[0]["status"], 400);
  EXPECT_EQ(told[0]["reason"], "bad_header_name");
  EXPECT_FALSE(told[0].contains("method")) << "what could not be read is not believed";
  EXPECT_EQ(told[1]["status"], 413);
  EXPECT_EQ(told[1]["reason"], "body_too_large");
  EXPECT_EQ(told[1]["method"], "POST");
  EXPECT_GT(told[1]["bytes"], 0);
  EXPECT_EQ(told[2]["status"], 408);
  EXPECT_EQ(told[2]["reason"], "head_timeout");
  const std::string text = observe::expose(service.metrics, observe::exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("\nassay_http_refused_total{reason=\"bad_header_name\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nassay_http_refused_total{reason=\"body_too_large\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nassay_http_refused_total{reason=\"head_timeout\"} 1\n"));
}

TEST(access_log, names_routes_by_who_serves_them_and_metrics_as_it_is_told) {
  observed_service service;
  const route_function route_of = by_served_route(service.routes, "unmatched");
  observe::registry metrics;
  const auto lines = policy::create(nullptr, metrics, metrics.add_shard(), route_of, {.prefix = "shop_"});
  ASSERT_TRUE(lines) << lines.error();
  std::ignore = http::testing::play_one(compose({layer(*lines)}, service.routes.as_handler()),
                                        {{0ms, get("/late") + get("/nowhere") + post("/late", "")}});
  const std::string text = observe::expose(metrics, observe::exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("shop_http_requests_total{method=\"GET\",route=\"/late\",status=\"504\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shop_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shop_http_requests_total{method=\"POST\",route=\"unmatched\",status=\"405\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shop_http_failures_total{route=\"/late\",reason=\"timed_out\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shop_http_failures_total{route=\"unmatched\",reason=\"method_not_allowed\"} 1\n"));
}

TEST(access_log, counts_what_is_no_value_of_a_path_under_its_template) {
  observed_service service;
  std::ignore = http::testing::play_one(service.handler(), {{0ms, get("/orders/7") + get("/orders/abc")}});
  const std::string text = observe::expose(service.metrics, observe::exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("requests_total{method=\"GET\",route=\"/orders/{id}\",status=\"200\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("requests_total{method=\"GET\",route=\"/orders/{id}\",status=\"404\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("failures_total{route=\"/orders/{id}\",reason=\"not_found\"} 1\n"));
}

TEST(endpoints, show_the_metrics_in_the_format_that_is_asked_for) {
  observe::registry metrics;
  ASSERT_TRUE(metrics.counter({.name = "a_total", .help = "h"}));
  const auto answers = http::testing::split_responses(http::testing::play_one(
      metrics_endpoint(metrics),
      {{0ms, get("/metrics")}, {1s, get("/metrics", "accept: application/openmetrics-text\r\n")}}));
  EXPECT_EQ(answers.at(0).header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(answers.at(0).body, HasSubstr("# TYPE a_total counter\na_total 0\n"));
  EXPECT_EQ(answers.at(1).header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_THAT(answers.at(1).body, HasSubstr("# TYPE a counter\na_total 0\n"));
  EXPECT_THAT(answers.at(1).body, ::testing::EndsWith("# EOF\n"));
}

// A request without a connection: the endpoint asks for real threads, and so for real time.
struct bare_request final : http::request {
  task<result<std::string_view>> read() override { co_return std::string_view(); }
};

TEST(endpoints, show_the_live_tasks_of_every_loop) {
  offload_pool pool({.threads = 1});
  loop on(std::move(*make_io({.kind = io_kind::epoll, .buffer_count = 1})));
  bare_request asked;
  const http::handler tasks = tasks_endpoint(pool, 10s);
  const http::response reply = on.run(tasks(asked));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, ::testing::StartsWith("loop 0: 1 task\n  "));
  EXPECT_THAT(reply.body, HasSubstr("access_log_layer_test.cpp:"));
  EXPECT_THAT(reply.body, HasSubstr("awaiting work on a pool for "));
}

}  // namespace
}  // namespace assay::guard::access_log
