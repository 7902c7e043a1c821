// The client of an event stream against a scripted server: it goes on where it left off, pauses, and knows when it is
// over.
#include "stack/http/event_source.hpp"

#include <gmock/gmock.h>

#include "stack/http/server.hpp"
#include "stack/http/sse.hpp"
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";

std::string streamed(std::string_view events) { return std::string(stream_head).append(events); }

// What the next() calls of a test saw: data, or "failed: ...".
struct log {
  std::vector<std::string> lines;
  std::vector<duration> at;  // since the beginning
  event_source_counters counters;
  int last_status = 0;
};

event_source_options options_for_test() {
  event_source_options options{.to = {.host = "shop.test", .address = *net::parse_address("127.0.0.1", port)},
                               .target = "/events"};
  options.seed = 1;
  return options;
}

task<void> follow(world* stage, event_source_options options, std::size_t count, log* into) {
  const instant began = stage->network().now();
  event_source source(std::move(options));
  for (std::size_t i = 0; i < count; ++i) {
    const result<received_event> next = co_await source.next();
    into->lines.push_back(next ? next->data : "failed: " + std::string(label(next.error().code)));
    into->at.push_back(stage->network().now() - began);
  }
  into->counters = source.counters();
  into->last_status = source.last_status();
}

log follow(world& stage, std::size_t count, event_source_options options = options_for_test()) {
  log seen;
  stage.run(follow(&stage, std::move(options), count, &seen));
  return seen;
}

using lines = std::vector<std::string>;

TEST(event_source, reads_events_however_they_come) {
  world stage;
  stage.server.scripts = {{read_request(), sends(streamed("data: one\n\nda")), waits(1s), sends("ta: two\n"), waits(1s),
                           sends("\n: comment\n\ndata: three\n\ndata: four\n\n")}};
  const log seen = follow(stage, 4);
  EXPECT_EQ(seen.lines, (lines{"one", "two", "three", "four"}));
  EXPECT_EQ(seen.at, (std::vector<duration>{0s, 2s, 2s, 2s}));
  const std::string& asked = stage.server.requests.at(0).text;
  EXPECT_THAT(asked, HasSubstr("GET /events HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("Accept: text/event-stream\r\n"));
  EXPECT_THAT(asked, Not(HasSubstr("Last-Event-ID")));
}

TEST(event_source, reads_chunked_streams) {
  world stage;
  stage.server.scripts = {
      {read_request(), sends("HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\n"
                             "transfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n4\r\none\n\r\n1\r\n\n\r\n")}};
  EXPECT_EQ(follow(stage, 1).lines, lines{"one"});
}

TEST(event_source, goes_on_where_it_left_off) {
  world stage;
  stage.server.scripts = {{read_request(), sends(streamed("id: 7\ndata: one\n\nid: 8\ndata: half")), closes()},
                          {read_request(), sends(streamed("data: two\n\nid: 9\n\n")), closes()},
                          {read_request(), sends(streamed("data: three\n\n"))}};
  const log seen = follow(stage, 3);
  EXPECT_EQ(seen.lines, (lines{"one", "two", "three"}));
  EXPECT_THAT(stage.server.requests.at(1).text, HasSubstr("Last-Event-ID: 7\r\n"));
  EXPECT_THAT(stage.server.requests.at(2).text, HasSubstr("Last-Event-ID: 9\r\n"));
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_GE(seen.at[i] - seen.at[i - 1], 1500ms);
    EXPECT_LE(seen.at[i] - seen.at[i - 1], 3s);
  }
  EXPECT_EQ(seen.counters.connects, 3U);
  EXPECT_EQ(seen.counters.losses, 2U);
}

TEST(event_source, begins_with_the_id_it_is_given) {
  world stage;
  stage.server.scripts = {{read_request(), sends(streamed("data: one\n\n"))}};
  event_source_options options = options_for_test();
  options.last_event_id = "41";
  EXPECT_EQ(follow(stage, 1, std::move(options)).lines, lines{"one"});
  EXPECT_THAT(stage.server.requests.at(0).text, HasSubstr("Last-Event-ID: 41\r\n"));
}

TEST(event_source, pauses_as_the_server_says_within_its_own_bounds) {
  for (const auto& [said, least, most] :
       {std::tuple{"retry: 10000\n", 5000ms, 10000ms}, std::tuple{"retry: 0\n", 50ms, 100ms},
        std::tuple{"retry: 99999999999999999999\n", 15000ms, 30000ms}}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(streamed(std::string(said) + "data: one\n\n")), closes()},
                            {read_request(), sends(streamed("data: two\n\n"))}};
    const log seen = follow(stage, 2);
    EXPECT_GE(seen.at[1], least) << said;
    EXPECT_LE(seen.at[1], most) << said;
  }
}

TEST(event_source, pauses_grow_while_nothing_comes_and_begin_anew_after_an_event) {
  world stage;
  stage.server.scripts = {{read_request(), sends("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")},
                          {read_request(), sends(streamed(": no event\n\n")), closes()},
                          {closes()},
                          {read_request(), sends("garbage"), closes()},
                          {read_request(), sends(streamed("data: one\n\n")), closes()},
                          {read_request(), sends(streamed("data: two\n\n"))}};
  const log seen = follow(stage, 2);
  EXPECT_EQ(seen.lines, (lines{"one", "two"}));
  EXPECT_GE(seen.at[0], (3s + 6s + 12s + 24s) / 2);
  EXPECT_LE(seen.at[0], 3s + 6s + 12s + 24s);
  EXPECT_LE(seen.at[1] - seen.at[0], 3s);
  EXPECT_EQ(seen.counters.failures, 3U);
  EXPECT_EQ(seen.counters.losses, 2U);
}

TEST(event_source, a_silent_stream_is_given_up_and_comments_are_life) {
  world stage;
  stage.server.scripts = {
      {read_request(), sends(stream_head.data()), waits(50s), sends(":\n\n"), waits(50s), sends("data: one\n\n")},
      {read_request(), sends(streamed("data: two\n\n"))}};
  const log seen = follow(stage, 2);
  EXPECT_EQ(seen.at[0], 100s);
  EXPECT_GE(seen.at[1], 160s);
  EXPECT_LE(seen.at[1], 163s);
}

TEST(event_source, knows_what_is_the_end) {
  for (const auto& [answer, code, status] :
       {std::tuple{"HTTP/1.1 204 No Content\r\n\r\n", "failed: closed", 204},
        std::tuple{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "failed: protocol", 404},
        std::tuple{"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "failed: protocol", 301},
        std::tuple{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "failed: protocol", 200},
        std::tuple{"HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n\r\n", "failed: protocol", 200},
        std::tuple{"HTTP/1.1 200 OK\r\n\r\ndata: a\n\n", "failed: protocol", 200}}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(answer)}};
    const log seen = follow(stage, 2);
    EXPECT_EQ(seen.lines, (lines{code, code})) << answer;
    EXPECT_EQ(seen.last_status, status);
    EXPECT_EQ(stage.server.accepted, 1U) << answer;
  }
}

TEST(event_source, an_event_beyond_the_limits_ends_it_after_those_before) {
  world stage;
  event_source_options options = options_for_test();
  options.limits = {.max_line_bytes = 100, .max_data_bytes = 50};
  stage.server.scripts = {{read_request(), sends(streamed("data: one\n\n:" + std::string(200, 'x')))}};
  EXPECT_EQ(follow(stage, 3, options).lines, (lines{"one", "failed: limit", "failed: limit"}));
}

TEST(event_source, a_request_that_cannot_be_sent_is_refused) {
  world stage;
  stage.server.scripts = {{read_request()}};
  event_source_options options = options_for_test();
  options.headers = {{"X-Split", "a\r\nb: c"}};
  EXPECT_EQ(follow(stage, 1, options).lines, lines{"failed: invalid_argument"});
  EXPECT_EQ(stage.server.accepted, 0U);
}

task<void> give_up_again_and_again(world* stage, log* into) {
  event_source source(options_for_test());
  for (int i = 0; i < 100 && into->lines.size() < 3; ++i) {
    const instant until = stage->network().now() + 300ms;
    const result<received_event> next = co_await with_deadline(until, source.next());
    if (next) into->lines.push_back(next->data);
    if (!next) EXPECT_EQ(next.error().code, errc::timed_out);
  }
  into->counters = source.counters();
}

TEST(event_source, giving_up_loses_nothing) {
  world stage;
  stage.server.scripts = {{read_request(), sends(streamed("data: o")), waits(1s), sends("ne\n"), waits(1s),
                           sends("\nid: 2\ndata: two\n\n"), closes()},
                          {read_request(), waits(100ms), sends(streamed("data: three\n\n"))}};
  log seen;
  stage.run(give_up_again_and_again(&stage, &seen));
  EXPECT_EQ(seen.lines, (lines{"one", "two", "three"}));
  EXPECT_EQ(seen.counters.connects, 2U);
}

// --- both sides ------------------------------------------------------------------------------------------------------

// Three numbers a connection, from where the client left off; then it ends.
task<result<void>> three_numbers(std::string after, body_sink& to) {
  channel<sent_event> feed(4);
  int number = 0;
  std::from_chars(after.data(), after.data() + after.size(), number);
  for (int i = 0; i < 3; ++i) {
    sent_event event{.data = "number\n" + std::to_string(++number), .id = std::to_string(number), .retry = 200ms};
    EXPECT_TRUE(feed.try_send(event));
  }
  feed.close();
  co_return co_await send_events(to, feed);
}

task<response> serve_numbers(request& asked) {
  co_return event_response(
      [after = std::string(last_event_id(asked.head()))](this auto, body_sink& to) -> task<result<void>> {
        co_return co_await three_numbers(after, to);
      });
}

task<void> serve_until_drained(server& serving, net::listener from) {
  EXPECT_TRUE(co_await serving.run(std::move(from)));
}

task<void> count_to_eight(world* stage, std::vector<std::string>* got) {
  const event_source_options options = options_for_test();
  server serving(serve_numbers, {});
  scope running(co_await this_context());
  running.spawn(serve_until_drained(serving, *net::listener::open(stage->network(), options.to.address)));
  {
    event_source source(options);
    for (int i = 0; i < 8; ++i) {
      const result<received_event> next = co_await source.next();
      got->push_back(next ? next->data : "failed: " + describe(next.error()));
    }
    EXPECT_EQ(source.counters().connects, 3U);
    EXPECT_EQ(source.last_event_id(), "8");
  }
  serving.drain();
  std::ignore = co_await running.join();
}

TEST(event_source, what_a_server_sends_is_what_a_source_receives_over_several_connections) {
  world stage;
  stage.listening = false;
  std::vector<std::string> got;
  stage.run(count_to_eight(&stage, &got));
  ASSERT_EQ(got.size(), 8U);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], "number\n" + std::to_string(i + 1));
}

}  // namespace
}  // namespace assay::http::client_test
