// Server-sent events from the server: the text of events, and streams to clients that come, read slowly and go.
#include "stack/http/sse.hpp"

#include <gtest/gtest.h>

#include "stack/http/event_parser.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

std::string text_of(const sent_event& event) {
  std::string text;
  const result<void> appended = append_event(text, event);
  EXPECT_TRUE(appended) << describe(appended.error());
  return text;
}

TEST(sse_text, each_line_of_the_data_is_a_field) {
  EXPECT_EQ(text_of({.data = "one"}), "data: one\n\n");
  EXPECT_EQ(text_of({.data = ""}), "data: \n\n");
  EXPECT_EQ(text_of({.data = "a\nb\rc\r\nd\n\re"}), "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n");
  EXPECT_EQ(text_of({.data = "a\r\n"}), "data: a\ndata: \n\n");
  EXPECT_EQ(text_of({.data = "x", .type = "price", .id = "7", .retry = 1500ms}),
            "event: price\nid: 7\nretry: 1500\ndata: x\n\n");
  EXPECT_EQ(text_of({.data = "x", .id = ""}), "id: \ndata: x\n\n");
}

TEST(sse_text, what_would_forge_a_field_is_refused) {
  for (const sent_event& bad :
       {sent_event{.type = "a\nid: 1"}, sent_event{.type = "a\r"}, sent_event{.id = "1\ndata: x"},
        sent_event{.id = std::string("a\0b"sv)}, sent_event{.retry = -1ms}}) {
    std::string text = "before";
    const result<void> appended = append_event(text, bad);
    EXPECT_FALSE(appended);
    EXPECT_EQ(text, "before");
  }
  std::string comment;
  append_comment(comment, "two\ndata: lines");
  EXPECT_EQ(comment, ":two\n:data: lines\n\n");
}

TEST(sse_text, what_is_sent_is_what_is_received) {
  const std::string data = "first\n\nsecond: with a colon\n data: no field\n\xef\xbb\xbf";
  std::string text;
  append_comment(text, "hello");
  text += text_of({.data = data, .type = "t", .id = " 1 "});
  event_parser parser;
  std::string_view bytes = text;
  const auto got = parser.next(bytes);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->data, data);
  EXPECT_EQ((*got)->type, "t");
  EXPECT_EQ((*got)->last_event_id, " 1 ");
}

// The events of a body, and how many comments were between them.
struct received {
  std::vector<std::string> data{};
  std::size_t comments = 0;
};

received read_body(const std::string& body) {
  received seen;
  event_parser parser;
  std::string_view bytes = body;
  while (!bytes.empty()) {
    const auto next = parser.next(bytes);
    if (next && *next) seen.data.push_back((*next)->data);
  }
  for (std::size_t at = body.find(":\n\n"); at != std::string::npos; at = body.find(":\n\n", at + 1)) seen.comments++;
  return seen;
}

using feed = channel<sent_event>;

// A feed that is filled by a script, and what became of the stream behind it.
struct stage {
  std::vector<std::pair<duration, sent_event>> script{};  // from the stream's beginning, in order
  bool closes = false;                                    // the feed, at the script's end
  feed from{4};
  std::size_t refused = 0;  // events, because the feed was full
  std::optional<error> failure{};
  duration ended_after{};
  std::string asked_from{};
};

task<void> fill(stage& on) {
  const context& ctx = co_await this_context();
  const instant began = ctx.on->turn_time();
  for (auto& [at, event] : on.script) {
    const result<void> waited = co_await delay_until(began + at);
    if (!waited) co_return;
    if (!on.from.try_send(event)) on.refused++;
  }
  if (on.closes) on.from.close();
}

task<result<void>> stream_of(std::shared_ptr<stage> on, body_sink& to) {
  context& ctx = co_await this_context();
  const instant began = ctx.on->turn_time();
  scope filling(ctx);
  filling.spawn(fill(*on));
  const result<void> sent = co_await send_events(to, on->from);
  filling.cancel(cancel_reason::user);
  std::ignore = co_await filling.join();
  on->ended_after = ctx.on->turn_time() - began;
  if (!sent) on->failure = sent.error();
  co_return sent;
}

task<response> serve_stage(std::shared_ptr<stage> on, request& asked) {
  on->asked_from = last_event_id(asked.head());
  co_return event_response(
      [on](this auto, body_sink& to) -> task<result<void>> { co_return co_await stream_of(on, to); });
}

handler serving(const std::shared_ptr<stage>& on) {
  return [on](this auto, request& asked) -> task<response> { co_return co_await serve_stage(on, asked); };
}

TEST(sse_stream, events_leave_when_they_come_and_comments_in_silence) {
  const auto on = std::make_shared<stage>();
  on->script = {{1s, {.data = "one"}}, {2s, {.data = "two\nlines"}}, {40s, {.data = "three"}}};
  on->closes = true;
  const report seen = play(
      {.serve = serving(on), .clients = {{.pieces = {{0ms, get("/", "last-event-id: 41\r\nconnection: close\r\n")}}}}});
  const client_record& client = seen.clients[0];
  EXPECT_EQ(client.when("text/event-stream"), 0ms) << "the head waits for no event";
  EXPECT_EQ(client.when("data: one"), 1s);
  EXPECT_EQ(client.when("data: lines"), 2s);
  EXPECT_EQ(client.when(":\n\n"), 17s);
  const auto responses = split_responses(client);
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_TRUE(responses[0].complete);
  EXPECT_EQ(responses[0].header("cache-control"), "no-store");
  const received body = read_body(responses[0].body);
  EXPECT_EQ(body.data, (std::vector<std::string>{"one", "two\nlines", "three"}));
  EXPECT_EQ(body.comments, 2U);
  EXPECT_EQ(on->asked_from, "41");
  EXPECT_FALSE(on->failure);
}

TEST(sse_stream, a_client_that_goes_is_noticed_at_once) {
  const auto on = std::make_shared<stage>();
  const report seen = play({.serve = serving(on),
                            .network = distant(1ms),
                            .clients = {{.pieces = {{0ms, get("/")}}, .leave_at = 20s},
                                        {.pieces = {}, .leave_at = 70s}}});  // the server drains once the last has left
  EXPECT_TRUE(on->failure);
  EXPECT_GT(on->ended_after, 20s - 5ms) << "since the stream began";
  EXPECT_LT(on->ended_after, 20s);
  EXPECT_EQ(seen.counters.departures, 1U);
  EXPECT_EQ(seen.counters.cut, 0U);
}

TEST(sse_stream, a_client_that_does_not_read_is_cut_and_holds_up_nothing_else) {
  const auto on = std::make_shared<stage>();
  for (int i = 0; i < 100; ++i) on->script.emplace_back(1s + i * 10ms, sent_event{.data = std::string(100'000, 'x')});
  const report seen = play({.serve = serving(on),
                            .network = distant(1ms),
                            .clients = {{.pieces = {{0ms, get("/")}}, .read_from = 1000s, .leave_at = 1001s}}});
  EXPECT_GT(on->refused, 80U) << "the channel is full, and who fills it is told";
  ASSERT_TRUE(on->failure);
  EXPECT_EQ(seen.counters.timeouts(), 1U) << "write_timeout";
}

TEST(sse_stream, an_event_that_cannot_be_sent_ends_the_stream_as_a_failure) {
  const auto on = std::make_shared<stage>();
  on->script = {{1s, {.type = "two\nlines"}}};
  const report seen = play({.serve = serving(on), .clients = {{.pieces = {{0ms, get("/")}}}}});
  ASSERT_TRUE(on->failure);
  EXPECT_EQ(on->failure->code, errc::invalid_argument);
  EXPECT_FALSE(split_responses(seen.clients[0]).at(0).complete);
}

}  // namespace
}  // namespace assay::http::testing
