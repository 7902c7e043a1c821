// The endpoint over a real socket; and that whoever looks keeps no generator waiting.
#include "lab/load/live_metrics.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "lab/load/engine.hpp"
#include "stack/http/client.hpp"
#include "tests/lab/load/live_server.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

struct answer_text {
  int status = 0;
  std::string body;
};

answer_text fetch(std::uint16_t port, const std::string& target, const std::string& verb = "GET") {
  loop on(*make_io({.kind = io_kind::epoll}));
  http::client from({.host = "127.0.0.1", .address = *net::parse_address("127.0.0.1", port)});
  const result<http::client_response> got =
      on.run([](http::client* of, http::client_request asked) -> task<result<http::client_response>> {
        co_return co_await of->send(std::move(asked));
      }(&from, {.verb = verb, .target = target}));
  EXPECT_TRUE(got) << describe(got.error());
  return got ? answer_text{.status = got->status, .body = got->body} : answer_text{};
}

TEST(live_metrics, show_what_has_been_counted_so_far) {
  live_view seen;
  seen.cpu = {100ms, 50ms};
  const auto endpoint = live_metrics::open(0, [&seen] { return seen; });
  ASSERT_TRUE(endpoint) << endpoint.error();
  const std::uint16_t port = (*endpoint)->port();
  const std::string before = fetch(port, "/metrics").body;
  EXPECT_TRUE(before.contains("\nassay_load_responses_total 0\n")) << before;
  seen.offered = 7;
  seen.answers = 5;
  seen.errors = 2;
  seen.elapsed = 1500ms;
  seen.cpu = {};  // the threads have ended
  seen.last = model::load_second{.response_p50_ms = 2, .response_p99_ms = 8, .response_max_ms = 9};
  const std::string after = fetch(port, "/metrics").body;
  for (const char* line :
       {"assay_load_offered_total 7", "assay_load_responses_total 5", "assay_load_errors_total 2",
        "assay_load_elapsed_seconds 1.5", "assay_load_second_p99_seconds 0.008",
        "assay_load_generator_cpu_seconds_total 0.15", "# TYPE assay_load_responses_total counter"}) {
    EXPECT_TRUE(after.contains(line + std::string("\n"))) << line << " in:\n" << after;
  }
}

TEST(live_metrics, serve_nothing_else) {
  const auto endpoint = live_metrics::open(0, [] { return live_view(); });
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(fetch((*endpoint)->port(), "/").status, 404);
  EXPECT_EQ(fetch((*endpoint)->port(), "/metrics", "DELETE").status, 405);
}

TEST(live_metrics, a_port_that_is_taken_is_told) {
  const auto first = live_metrics::open(0, [] { return live_view(); });
  ASSERT_TRUE(first);
  const auto second = live_metrics::open((*first)->port(), [] { return live_view(); });
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().starts_with("cannot listen on 127.0.0.1 port ")) << second.error();
}

// A reader takes no lock that a generator takes: it may look as often as it likes, while seconds come to their end.
TEST(live_metrics, looking_all_the_time_changes_nothing_of_what_is_counted) {
  const live_server server;
  load_options options;
  options.url = server.url();
  options.rate_per_s = 400;
  options.length = 1200ms;
  options.connections = 4;
  options.threads = 2;
  options.keep_seconds = true;
  options.io.kind = io_kind::epoll;
  load_engine engine(*normalize(options));
  std::atomic<bool> ended{false};
  std::uint64_t backwards = 0;
  std::thread watching([&] {
    std::uint64_t before = 0;
    while (!ended) {
      const live_view seen = engine.look();
      backwards += seen.answers < before ? 1 : 0;
      before = seen.answers;
      if (const auto first = engine.second(0)) EXPECT_EQ(first->offered, 400U);
      std::this_thread::yield();
    }
  });
  const auto result = engine.run();
  ended = true;
  watching.join();
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->requests, 480U);
  EXPECT_EQ(backwards, 0U);
  ASSERT_EQ(engine.seconds(), 2U);
  ASSERT_TRUE(engine.second(1));
  EXPECT_EQ(engine.second(0)->answered, 400U);
  EXPECT_EQ(engine.second(1)->answered, 80U);
  EXPECT_NEAR(engine.second(1)->length_s, 0.2, 1e-9);
  EXPECT_FALSE(engine.second(2));
}

}  // namespace
}  // namespace assay::load
