// The fake Redis, before the pool and the subscriber that services have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "stack/data/redis/redis.hpp"
#include "stack/data/redis/subscriber.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/testing/fake_redis.hpp"
#include "stack/testing/virtual_world.hpp"

namespace assay::testing {
namespace {

using namespace std::chrono_literals;
using data::redis::channel_kind;
using data::redis::event;
using data::redis::redis_condition;
using data::redis::reply_kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Serves beside the test's body, which must leave nothing behind.
template <class Body>
task<void> beside(virtual_world* world, fake_redis* peer, Body body) {
  scope serving(co_await this_context());
  serving.spawn(peer->serve(world->network()));
  {
    data::redis::pool cache({.url = peer->url(), .seed = 1});
    co_await body(&cache, peer);
  }
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();
}

template <class Body>
duration run_beside(fake_redis& peer, Body body) {
  virtual_world world;
  world.run(beside(&world, &peer, body));
  EXPECT_EQ(world.leftovers(), "");
  return world.elapsed();
}

TEST(fake_redis, answers_whole_commands_then_names_and_says_what_it_does_not_know) {
  fake_redis peer;
  peer.on("GET price:7", redis_text("450"));
  peer.on("get", redis_nothing());
  peer.on("MGET",
          [](const redis_words& asked) { return redis_list({{.kind = reply_kind::text, .text = asked.back()}, {}}); });
  peer.on("INCR", {.value = redis_integer(7).value, .takes = 20ms});
  const duration took = run_beside(peer, [](data::redis::pool* cache, fake_redis*) -> task<void> {
    EXPECT_EQ((co_await cache->command("GET", "price:7"))->text_if(), "450");
    EXPECT_TRUE((co_await cache->command("GET", "price:8"))->is_null());
    EXPECT_EQ((co_await cache->command("MGET", "a", "b"))->elements.at(0).text, "b");
    EXPECT_EQ((co_await cache->command("incr", "seen"))->integer_if(), 7);
    EXPECT_EQ((co_await cache->command("PING"))->text, "PONG");
    const auto unknown = co_await cache->command("ZADD", "k", 1, "a");
    EXPECT_EQ(unknown.error().condition, redis_condition::invalid_command);
    EXPECT_THAT(unknown.error().message, HasSubstr("ZADD k 1 a"));
  });
  EXPECT_EQ(took, 20ms);
  EXPECT_EQ(peer.asked().size(), 6U);
  EXPECT_EQ(peer.asked().at(0), redis_words({"GET", "price:7"}));
  EXPECT_EQ(peer.visitors(), 0U);
}

TEST(fake_redis, a_transaction_is_done_as_a_whole) {
  fake_redis peer;
  peer.on("INCR", redis_integer(1));
  peer.on("EXPIRE", redis_fails("WRONGTYPE no such key"));
  run_beside(peer, [](data::redis::pool* cache, fake_redis* server) -> task<void> {
    data::redis::batch both;
    both.add("INCR", "k").add("EXPIRE", "k", 60);
    const auto done = co_await cache->atomic(both);
    EXPECT_TRUE(done);
    if (done) EXPECT_EQ(done->at(0).integer, 1);
    if (done) EXPECT_TRUE(done->at(1).is_error());
    EXPECT_THAT(server->asked(), ElementsAre(redis_words{"MULTI"}, redis_words{"INCR", "k"},
                                             redis_words{"EXPIRE", "k", "60"}, redis_words{"EXEC"}));
    server->on("EXEC", redis_fails("EXECABORT Transaction discarded"));
    EXPECT_EQ((co_await cache->atomic(both)).error().condition, redis_condition::aborted);
    EXPECT_EQ((co_await cache->command("INCR", "k"))->integer, 1);
  });
}

task<void> ask_twice(data::redis::pool* cache, errc* got) {
  const auto answered = co_await cache->command("GET", "k");
  if (!answered) *got = answered.error().code;
  EXPECT_TRUE(co_await cache->command("PING")) << "with another connection, when there must be one";
}

TEST(fake_redis, fails_in_every_way_that_a_server_does) {
  const std::vector<std::pair<redis_reply, errc>> mishaps = {{redis_fails("WRONGTYPE not a number"), errc::system},
                                                             {{.what = redis_reply::kind::hangs}, errc::timed_out},
                                                             {{.what = redis_reply::kind::closes}, errc::closed},
                                                             {{.what = redis_reply::kind::garbage}, errc::protocol}};
  for (const auto& [mishap, expected] : mishaps) {
    fake_redis peer;
    peer.on("GET", mishap);
    errc got = errc::unsupported;
    const duration took = run_beside(
        peer, [&got] ASSAY_CORO_WRAPPER(data::redis::pool * cache, fake_redis*) { return ask_twice(cache, &got); });
    EXPECT_EQ(got, expected) << label(expected);
    EXPECT_EQ(took, mishap.what == redis_reply::kind::hangs ? duration(5s) : duration());
  }
}

TEST(fake_redis, goes_away_and_comes_back) {
  fake_redis peer;
  const duration took = run_beside(peer, [](data::redis::pool* cache, fake_redis* server) -> task<void> {
    EXPECT_TRUE(co_await cache->command("PING"));
    co_await server->go_away();
    EXPECT_EQ(server->visitors(), 0U);
    for (int i = 0; i < 20; ++i) {
      const auto away = co_await cache->command("PING");
      EXPECT_EQ(away.error().condition, redis_condition::unavailable);
    }
    EXPECT_LT(cache->counters().open_failures, 3U) << "the others are told at once";
    co_await server->come_back();
    std::ignore = co_await delay_for(1s);
    EXPECT_TRUE(co_await cache->command("PING"));
  });
  EXPECT_EQ(took, 1s);
}

TEST(fake_redis, an_old_one_speaks_the_older_protocol) {
  fake_redis peer;
  peer.on("HELLO", redis_fails("ERR unknown command 'HELLO'"));
  peer.on("GET", redis_nothing());
  peer.on("HGETALL",
          {.value = {.kind = reply_kind::map,
                     .elements = {{.kind = reply_kind::text, .text = "a"}, {.kind = reply_kind::real, .real = 0.5}}}});
  run_beside(peer, [](data::redis::pool* cache, fake_redis*) -> task<void> {
    EXPECT_TRUE((co_await cache->command("GET", "k"))->is_null());
    const auto pairs = co_await cache->command("HGETALL", "k");
    EXPECT_EQ(pairs->kind, reply_kind::array);
    EXPECT_EQ(pairs->elements.at(1).text, "0.5");
  });
}

// --- subscriptions

std::string told_by(const result<event>& next) {
  if (!next) return std::string(label(next.error().code));
  if (next->kind == event::kind_type::gap) return next->reconnected ? "gap, connected anew" : "gap";
  return next->pattern + (next->pattern.empty() ? "" : " ") + next->channel + ": " + next->payload;
}

task<result<void>> run_subscriber(data::redis::subscriber* news) { co_return co_await news->run(); }

task<void> listen_through_an_outage(fake_redis* peer, data::redis::subscriber* news, data::redis::pool* cache,
                                    std::vector<std::string>* heard) {
  EXPECT_TRUE(co_await news->subscribe(channel_kind::plain, "prices"));
  EXPECT_TRUE(co_await news->subscribe(channel_kind::pattern, "stock:*"));
  EXPECT_TRUE(co_await news->subscribe(channel_kind::sharded, "orders"));
  EXPECT_EQ((co_await news->subscribe(channel_kind::plain, "secrets")).error().condition,
            redis_condition::access_denied);
  EXPECT_EQ(peer->publish("prices", "450"), 1U);
  EXPECT_EQ(peer->publish("stock:7", "none"), 1U);
  EXPECT_EQ(peer->publish("nobody", "listens"), 0U);
  EXPECT_EQ((co_await cache->command("SPUBLISH", "orders", "42"))->integer, 1);
  for (int i = 0; i < 3; ++i) heard->push_back(told_by(co_await news->receive()));
  co_await peer->go_away();
  co_await peer->come_back();
  heard->push_back(told_by(co_await news->receive()));  // all is in effect again
  EXPECT_EQ((co_await cache->command("PUBLISH", "prices", "460"))->integer, 1);
  heard->push_back(told_by(co_await news->receive()));
  peer->say("no reply of any kind\r\n");
  heard->push_back(told_by(co_await news->receive()));
}

task<void> subscribe_and_listen(data::redis::pool* cache, fake_redis* peer, std::vector<std::string>* heard) {
  data::redis::subscriber news({.url = peer->url(), .seed = 1});
  scope listening(co_await this_context());
  listening.spawn(run_subscriber(&news));
  co_await listen_through_an_outage(peer, &news, cache, heard);
  news.close();
  std::ignore = co_await listening.join();
  EXPECT_EQ(news.counters().losses, 2U);
}

TEST(fake_redis, tells_who_has_subscribed) {
  fake_redis peer;
  peer.on("SUBSCRIBE secrets", redis_fails("NOPERM this user has no permissions"));
  std::vector<std::string> heard;
  run_beside(peer, [&heard] ASSAY_CORO_WRAPPER(data::redis::pool * cache, fake_redis * server) {
    return subscribe_and_listen(cache, server, &heard);
  });
  EXPECT_THAT(heard, ElementsAre("prices: 450", "stock:* stock:7: none", "orders: 42", "gap, connected anew",
                                 "prices: 460", "gap, connected anew"));
}

}  // namespace
}  // namespace assay::testing
