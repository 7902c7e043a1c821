#include "lab/load/stream_options.hpp"

#include <gtest/gtest.h>

#include "lab/load/options.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

stream_options echo() { return {.url = "ws://127.0.0.1:8080/chat?room=1", .rate_per_s = 100}; }

TEST(stream_options, a_handshake_but_for_its_key) {
  stream_options given = echo();
  given.headers = {{"Origin", "http://a"}, {"Sec-WebSocket-Protocol", "chat.v2 , chat.v1"}};
  const auto plan = normalize(given);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->request,
            "GET /chat?room=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nOrigin: http://a\r\n"
            "Sec-WebSocket-Protocol: chat.v2 , chat.v1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n");
  EXPECT_EQ(plan->protocols, (std::vector<std::string>{"chat.v2", "chat.v1"}));
  EXPECT_EQ(plan->kind, model::stream_kind::echo);
  EXPECT_EQ(plan->port, 8080);
}

TEST(stream_options, what_kind_of_load_it_is) {
  stream_options given = echo();
  given.broadcast = true;
  EXPECT_EQ(normalize(given)->kind, model::stream_kind::broadcast);
  given.broadcast = false;
  given.rate_per_s.reset();
  EXPECT_EQ(normalize(given)->kind, model::stream_kind::idle);
  const auto events = normalize(stream_options{.url = "http://127.0.0.1/feed", .events = true});
  ASSERT_TRUE(events) << events.error();
  EXPECT_EQ(events->kind, model::stream_kind::events);
  EXPECT_EQ(events->request,
            "GET /feed HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n");
}

TEST(stream_options, stages_stand_for_rate_and_length) {
  stream_options given = echo();
  given.rate_per_s.reset();
  given.stages = {{.rate_per_s = 100, .length = 2s}, {.rate_per_s = 0, .length = 3s}};
  const auto plan = normalize(given);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->kind, model::stream_kind::echo);
  EXPECT_EQ(plan->options.length, 5s);
  EXPECT_DOUBLE_EQ(*plan->options.rate_per_s, 40);
}

TEST(stream_options, what_cannot_be_run_is_one_line) {
  const auto refused = [](auto change, std::string_view expected) {
    stream_options given = echo();
    change(given);
    const auto plan = normalize(given);
    ASSERT_FALSE(plan) << expected;
    EXPECT_NE(plan.error().find(expected), std::string::npos) << plan.error();
    EXPECT_EQ(plan.error().find('\n'), std::string::npos);
  };
  refused([](auto& o) { o.url = "wss://127.0.0.1/"; }, "wss is not supported yet; use ws://");
  refused([](auto& o) { o.lifetime = 1s; }, "--lifetime: of idle connections, ws:// without -R");
  refused(
      [](auto& o) {
        o.rate_per_s.reset();
        o.lifetime = 1ms;
      },
      "--lifetime: expected from 10ms to 7 days");
  refused([](auto& o) { o.url = "http://127.0.0.1/"; }, "expected ws://HOST[:PORT]/PATH");
  refused([](auto& o) { o.url = "ws://127.0.0.1:0/"; }, "URL \"ws://127.0.0.1:0/\": expected a port from 1 to 65535");
  refused([](auto& o) { o.events = true; }, "expected http://HOST[:PORT]/PATH");
  refused(
      [](auto& o) {
        o.url = "http://127.0.0.1/";
        o.events = true;
      },
      "--sse: the server sends");
  refused(
      [](auto& o) {
        o = stream_options{.url = "http://127.0.0.1/", .events = true};
        o.stages = {{.rate_per_s = 1, .length = 1s}};
      },
      "--sse: the server sends, so -R, --stage,");
  refused([](auto& o) { o.stages.assign(max_stages + 1, {.rate_per_s = 1, .length = 1s}); },
          "--stage: 65 stages, those of repeated groups counted: expected at most 64");
  refused([](auto& o) { o.stages = {{.rate_per_s = 0, .length = 1s}}; }, "--stage: expected one with a rate above 0");
  refused([](auto& o) { o.stages = {{.rate_per_s = -1, .length = 1s}}; }, "--stage at -1/s: expected rates");
  refused([](auto& o) { o.rate_per_s.reset(), o.keep_seconds = true; },
          "--ndjson, --prometheus: expected a rate of messages, -R or --stage; idle connections say nothing");
  refused([](auto& o) { o = stream_options{.url = "http://127.0.0.1/", .events = true, .keep_seconds = true}; },
          "--ndjson, --prometheus: of events no seconds are kept");
  refused([](auto& o) { o.rate_per_s.reset(), o.broadcast = true; }, "--broadcast: expected a rate of messages, -R");
  refused([](auto& o) { o.rate_per_s = -1; }, "rate -R -1");
  refused([](auto& o) { o.message = "\xff"; }, "--message: expected UTF-8");
  refused([](auto& o) { o.message.assign(max_message_text_bytes + 1, 'x'); }, "--message: expected at most");
  refused([](auto& o) { o.connects_per_s = 0; }, "--connect-rate 0");
  refused([](auto& o) { o.connects_per_s = 1e-9; }, "connections within 7 days");
  refused([](auto& o) { o.sources = {"localhost"}; }, "--source \"localhost\": expected a numeric address");
  refused([](auto& o) { o.headers = {{"Sec-WebSocket-Key", "x"}}; }, "is the tool's, which makes the handshake");
  refused([](auto& o) { o.headers = {{"upgrade", "x"}}; }, "is the tool's, which makes the handshake");
  refused([](auto& o) { o.connections = 0; }, "connections -c");
  refused([](auto& o) { o.length = 0s; }, "duration -d");
}

}  // namespace
}  // namespace assay::load
