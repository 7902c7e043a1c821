// What one instance of a service says the others hear, and nobody waits for it.
#include "stack/data/redis/bulletin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/testing/fake_redis.hpp"
#include "stack/testing/virtual_world.hpp"

namespace assay::data::redis {
namespace {

using namespace std::chrono_literals;
using assay::testing::fake_redis;
using assay::testing::redis_fails;
using assay::testing::redis_reply;
using assay::testing::virtual_world;
using ::testing::ElementsAre;

struct instance {
  instance(const fake_redis& peer, std::size_t max_unsaid)
      : news({.url = peer.url(), .channel = "orders", .max_unsaid = max_unsaid, .seed = 1}) {}

  ASSAY_CORO_WRAPPER task<result<void>> listen() {
    return news.run(
        [this](const event& next) { heard.push_back(next.kind == event::kind_type::gap ? "gap" : next.payload); });
  }

  bulletin news;
  std::vector<std::string> heard;
};

using script = task<void> (*)(fake_redis*, instance*, instance*);

// Two of them, which go before the network does.
task<void> act(virtual_world* world, fake_redis* peer, script what, std::size_t max_unsaid) {
  scope serving(co_await this_context());
  serving.spawn(peer->serve(world->network()));
  {
    instance one(*peer, max_unsaid);
    instance other(*peer, max_unsaid);
    scope listening(co_await this_context());
    listening.spawn(one.listen());
    listening.spawn(other.listen());
    co_await what(peer, &one, &other);
    listening.cancel(cancel_reason::shutdown);
    std::ignore = co_await listening.join();
  }
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();
}

void play(fake_redis& peer, script what, std::size_t max_unsaid = 256) {
  virtual_world world;
  world.run(act(&world, &peer, what, max_unsaid));
  EXPECT_EQ(world.leftovers(), "");
}

task<void> both_speak(fake_redis* /*peer*/, instance* one, instance* other) {
  std::ignore = co_await delay_for(1ms);
  EXPECT_TRUE(one->news.listens());
  EXPECT_TRUE(one->news.say("first"));
  std::ignore = co_await delay_for(1ms);
  EXPECT_TRUE(other->news.say("second"));
  std::ignore = co_await delay_for(1ms);
  EXPECT_THAT(one->heard, ElementsAre("first", "second"));
  EXPECT_THAT(other->heard, ElementsAre("first", "second"));
  EXPECT_EQ(one->news.counters().said, 1U);
  EXPECT_EQ(one->news.counters().heard, 2U);
}

TEST(bulletin_test, all_hear_what_each_says) {
  fake_redis peer;
  play(peer, both_speak);
}

task<void> through_an_outage(fake_redis* peer, instance* one, instance* other) {
  std::ignore = co_await delay_for(1ms);
  co_await peer->go_away();
  EXPECT_TRUE(one->news.say("nobody can hear this")) << "whoever says it does not wait";
  std::ignore = co_await delay_for(1s);
  EXPECT_EQ(one->news.counters().unsaid, 1U);
  co_await peer->come_back();
  std::ignore = co_await delay_for(10s);
  EXPECT_TRUE(one->news.say("we are back"));
  std::ignore = co_await delay_for(1ms);
  EXPECT_THAT(other->heard, ElementsAre("gap", "we are back"));
  EXPECT_EQ(other->news.counters().gaps, 1U);
}

TEST(bulletin_test, goes_on_after_an_outage_and_says_that_there_is_a_gap) {
  fake_redis peer;
  play(peer, through_an_outage);
}

task<void> be_let_in_late(fake_redis* peer, instance* one, instance* other) {
  std::ignore = co_await delay_for(2500ms);
  EXPECT_FALSE(one->news.listens());
  peer->on("SUBSCRIBE", fake_redis::answerer());
  std::ignore = co_await delay_for(1s);
  EXPECT_TRUE(one->news.say("at last"));
  std::ignore = co_await delay_for(1ms);
  EXPECT_THAT(other->heard, ElementsAre("at last"));
}

TEST(bulletin_test, asks_again_where_it_may_not_listen_yet) {
  fake_redis peer;
  peer.on("SUBSCRIBE", redis_fails("NOPERM not yet"));
  play(peer, be_let_in_late);
}

task<void> say_too_much(fake_redis* /*peer*/, instance* one, instance* /*other*/) {
  std::ignore = co_await delay_for(1ms);
  EXPECT_TRUE(one->news.say("is being said"));
  std::ignore = co_await delay_for(1ms);
  EXPECT_TRUE(one->news.say("waits"));
  EXPECT_FALSE(one->news.say("finds no room"));
  EXPECT_EQ(one->news.counters().unsaid, 1U);
}

TEST(bulletin_test, what_waits_is_bounded) {
  fake_redis peer;
  peer.on("PUBLISH", {.what = redis_reply::kind::hangs});
  play(peer, say_too_much, 1);
}

task<result<void>> listen_at_nowhere() {
  bulletin nowhere({.url = "http://127.0.0.1", .channel = "orders"});
  co_return co_await nowhere.run([](const event&) {});
}

TEST(bulletin_test, a_url_that_is_none_ends_it) {
  virtual_world world;
  const result<void> ended = world.run(listen_at_nowhere());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::invalid_argument);
}

}  // namespace
}  // namespace assay::data::redis
