// An event stream of known pace in virtual time.
#include <vector>

#include "tests/lab/load/streams_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration latency = 50us;  // one way
constexpr std::string_view head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

std::uint64_t ns(duration span) { return static_cast<std::uint64_t>(span.count()); }

// What the server does: a head, and an event each `pace`, so many of them, then it ends or falls silent.
struct feed {
  std::string head = std::string(load::head);
  duration pace = 100ms;
  int events = 1000;
  bool ends = true;
  std::vector<std::string> requests = {};
};

task<void> tell(feed* as, net::stream& to) {
  std::string request;
  while (!request.ends_with("\r\n\r\n")) {
    const result<net::chunk> some = co_await to.recv();
    if (!some || some->empty()) co_return;
    request += some->bytes();
  }
  as->requests.push_back(request);
  if (!co_await to.send_all(as->head)) co_return;
  const std::string event = "id: 7\ndata: tick\n\n";
  for (int sent = 0; sent < as->events; ++sent) {
    if (!co_await delay_for(as->pace) || !co_await to.send_all(event)) co_return;
  }
  if (!as->ends) std::ignore = co_await to.recv();
}

stream_options of_four() {
  return {.url = "http://127.0.0.1:8080/feed", .length = 2s, .connections = 4, .events = true, .connects_per_s = 10};
}

model::stream_result run(feed& as, const stream_options& options) {
  stream_stage stage(options, latency);
  stage.serve_raw = [&] ASSAY_CORO_WRAPPER(net::stream & to) { return tell(&as, to); };
  return stage.run();
}

TEST(events, first_and_gaps_are_measured_exactly) {
  feed as;
  const model::stream_result seen = run(as, of_four());
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  // Connecting, asking and the head take a round trip each but for the last half, which the event takes again.
  EXPECT_EQ(seen.first_event.count(), 4U);
  EXPECT_EQ(seen.first_event.min(), ns(4 * latency + 100ms));
  EXPECT_EQ(seen.first_event.max(), ns(4 * latency + 100ms));
  EXPECT_EQ(seen.connect_time.max(), ns(2 * latency));
  EXPECT_EQ(seen.answer_time.max(), ns(2 * latency));
  EXPECT_EQ(seen.gap.min(), ns(100ms));
  EXPECT_EQ(seen.gap.max(), ns(100ms));
  // Opened at 0, 100, 200 and 300 ms, so 19, 18, 17 and 16 events until 2 s.
  EXPECT_EQ(seen.events, 70U);
  EXPECT_EQ(seen.gap.count(), 66U);
  EXPECT_EQ(seen.open_gap.count(), 4U);
  EXPECT_LT(seen.open_gap.max(), ns(100ms)) << "each stream was within its pace";
  EXPECT_EQ(seen.open_at_end, 4U);
  EXPECT_EQ(seen.reconnects, 0U);
  EXPECT_EQ(as.requests[0],
            "GET /feed HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: text/event-stream\r\n"
            "Cache-Control: no-cache\r\n\r\n");
}

TEST(events, a_stream_that_ends_is_taken_up_again_where_it_was) {
  feed as{.pace = 10ms, .events = 3};
  as.head += "retry: 500\n";
  stream_options options = of_four();
  options.connections = 1;
  const model::stream_result seen = run(as, options);
  // A stream lasts 30 ms and a little, and the pause 500 ms: at 0, 530, 1060 and 1590 ms.
  EXPECT_EQ(seen.connects, 4U);
  EXPECT_EQ(seen.reconnects, 3U);
  EXPECT_EQ(seen.events, 12U);
  EXPECT_EQ(seen.first_event.count(), 1U) << "of the connection, not of each stream";
  EXPECT_EQ(seen.gap.count(), 8U) << "the pauses are none";
  EXPECT_EQ(seen.lost_connections, (kinds{{"closed", 4}}));
  ASSERT_EQ(as.requests.size(), 4U);
  EXPECT_EQ(as.requests[0].find("Last-Event-ID"), std::string::npos);
  EXPECT_NE(as.requests[1].find("\r\nLast-Event-ID: 7\r\n\r\n"), std::string::npos);
}

TEST(events, a_silence_that_the_end_cuts_is_told) {
  feed as{.events = 5, .ends = false};
  stream_options options = of_four();
  options.connections = 1;
  const model::stream_result seen = run(as, options);
  EXPECT_EQ(seen.events, 5U);
  EXPECT_EQ(seen.gap.max(), ns(100ms));
  EXPECT_EQ(seen.longest_silence_ns, ns(2s - 500ms - 4 * latency));
  EXPECT_EQ(seen.open_gap.count(), 1U) << "a gap that has not ended";
  EXPECT_EQ(seen.open_gap.max(), ns(2s - 500ms - 4 * latency));
}

TEST(events, a_stream_that_waits_in_vain_counts_with_what_it_has_waited) {
  feed as{.events = 0, .ends = false};
  stream_options options = of_four();
  options.connections = 1;
  const model::stream_result seen = run(as, options);
  EXPECT_EQ(seen.events, 0U);
  EXPECT_EQ(seen.first_event.count(), 1U);
  EXPECT_EQ(seen.first_event.max(), ns(2s));
  EXPECT_EQ(seen.open_gap.count(), 0U) << "it is no gap between two";
}

TEST(events, what_is_no_event_stream_is_an_error) {
  for (const auto& [answer, kind] : {std::pair{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "protocol"},
                                     std::pair{"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "connect"},
                                     std::pair{"nonsense\r\n\r\n", "protocol"}}) {
    feed as{.head = answer, .events = 0};
    stream_options options = of_four();
    options.length = 500ms;
    options.connections = 1;
    const model::stream_result seen = run(as, options);
    EXPECT_EQ(seen.lost_connections, (kinds{{kind, 1}})) << answer;
    EXPECT_EQ(seen.reasons, std::vector<std::string>{"no event came: there is nothing to measure"});
  }
}

}  // namespace
}  // namespace assay::load
