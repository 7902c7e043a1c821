// The subscriber against a scripted Redis, in virtual time: confirmations, loss, silence, and consumers that are slow.
#include <gmock/gmock.h>

#include "stack/data/redis/subscriber.hpp"
#include "tests/stack/data/redis/redis_test_support.hpp"

namespace assay::data::redis::testing {
namespace {

std::string message(char type, std::string_view channel, std::string_view payload) {
  return aggregate(type, {"message", std::string(channel), std::string(payload)});
}

std::string numbered(int number) { return message('>', "news", std::to_string(number)); }

class redis_subscriber_test : public redis_test {
 protected:
  redis_subscriber_test() : redis_test({.latency = 100us}) {}

  static subscriber_options listening() { return {.url = url, .seed = 1}; }

  template <class Test>
  void listen(subscriber_options with, Test test) {
    on_.run(staged(world_, peer_, std::move(with), test));
    EXPECT_EQ(peer_.open, 0U);
  }

 private:
  template <class Test>
  static task<void> staged(sim_io& network, fake_server& peer, subscriber_options with, Test test) {
    scope serving(co_await this_context());
    serving.spawn(peer.serve(network));
    {
      subscriber news(std::move(with));
      scope running(co_await this_context());
      running.spawn(run_to_end(news));
      co_await test(news, peer);
      news.close();
      std::ignore = co_await running.join();
    }
    serving.cancel(cancel_reason::shutdown);
    std::ignore = co_await serving.join();
  }
  // By slow_consumer::fail it fails, which the test sees in receive().
  static task<void> run_to_end(subscriber& news) { std::ignore = co_await news.run(); }
};

task<void> expect_message(subscriber& from, std::string_view payload) {
  const result<event> next = co_await from.receive();
  EXPECT_TRUE(next) << describe(next.error());
  if (!next) co_return;
  EXPECT_EQ(next->kind, event::kind_type::message);
  EXPECT_EQ(next->payload, payload);
}

task<void> expect_gap(subscriber& from, std::uint64_t dropped, bool reconnected) {
  const result<event> next = co_await from.receive();
  EXPECT_TRUE(next) << describe(next.error());
  if (!next) co_return;
  EXPECT_EQ(next->kind, event::kind_type::gap);
  EXPECT_EQ(next->dropped, dropped);
  EXPECT_EQ(next->reconnected, reconnected);
}

TEST_F(redis_subscriber_test, messages_come_in_order_with_their_channel) {
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::pattern, "n*"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::sharded, "shard"));
    EXPECT_EQ(peer.count("subscribe"), 1U);
    peer.say(0, message('>', "news", "a\r\nb") + aggregate('>', {"pmessage", "n*", "news", "a\r\nb"}) +
                    aggregate('>', {"smessage", "shard", ""}));
    co_await expect_message(news, "a\r\nb");
    const result<event> second = co_await news.receive();
    EXPECT_EQ(second->of, channel_kind::pattern);
    EXPECT_EQ(second->pattern, "n*");
    EXPECT_EQ(second->channel, "news");
    const result<event> third = co_await news.receive();
    EXPECT_EQ(third->of, channel_kind::sharded);
    EXPECT_EQ(third->channel, "shard");
    EXPECT_EQ(third->payload, "");
    EXPECT_EQ(news.counters().messages, 3U);
  });
}

TEST_F(redis_subscriber_test, a_server_of_resp2_is_understood) {
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "HELLO") return "-ERR unknown command\r\n";
    if (command[0] == "subscribe") return "*3\r\n$9\r\nsubscribe\r\n" + bulk(command[1]) + ":1\r\n";
    if (command[0] == "PING") return "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
    return std::nullopt;
  };
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
    EXPECT_TRUE(co_await delay_for(40s));
    peer.say(0, message('*', "news", "still here"));
    co_await expect_message(news, "still here");
    EXPECT_EQ(peer.accepted, 1U);
    EXPECT_EQ(news.counters().pings, 2U);
  });
}

TEST_F(redis_subscriber_test, what_the_server_refuses_is_told_to_who_asked) {
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "ssubscribe") return "-MOVED 866 127.0.0.1:7001\r\n";
    return std::nullopt;
  };
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(failed_as(co_await news.subscribe(channel_kind::sharded, "a"), redis_condition::moved, errc::system));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_subscriber_test, after_a_loss_all_is_subscribed_anew_and_the_gap_is_told) {
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::pattern, "a*"));
    peer.say(0, numbered(1));
    EXPECT_TRUE(co_await delay_for(1ms));
    peer.close_all();
    co_await expect_message(news, "1");
    co_await expect_gap(news, 0, true);
    EXPECT_EQ(peer.accepted, 2U);
    EXPECT_EQ(peer.count("subscribe"), 2U);
    EXPECT_EQ(peer.count("psubscribe"), 2U);
    peer.say(1, numbered(2));
    co_await expect_message(news, "2");
    EXPECT_EQ(news.counters().losses, 1U);
    EXPECT_EQ(news.last_failure()->condition, redis_condition::unavailable);
  });
}

// Who reads the state anew when told of a gap must not miss what comes in between.
TEST_F(redis_subscriber_test, the_gap_is_told_once_all_is_in_effect_again) {
  peer_.answer = [](std::size_t connection, const words& command) -> std::optional<std::string> {
    if (connection == 1 && command[0] == "psubscribe") return "";
    return std::nullopt;
  };
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::pattern, "a*"));
    peer.close_all();
    EXPECT_TRUE(co_await delay_for(1s));
    EXPECT_EQ(peer.count("psubscribe"), 2U);
    EXPECT_EQ(news.queued(), 0U);
    peer.say(1, aggregate('>', {"psubscribe", "a*"}).replace(1, 1, "3") + ":1\r\n");
    co_await expect_gap(news, 0, true);
  });
}

TEST_F(redis_subscriber_test, what_is_refused_when_it_is_asked_for_anew_ends_with_an_event) {
  peer_.answer = [](std::size_t connection, const words& command) -> std::optional<std::string> {
    if (connection == 1 && command[0] == "subscribe") return "-NOPERM no access to the channel\r\n";
    return std::nullopt;
  };
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
    peer.close_all();
    co_await expect_gap(news, 0, true);
    const result<event> next = co_await news.receive();
    EXPECT_EQ(next->kind, event::kind_type::ended);
    EXPECT_EQ(next->channel, "news");
    EXPECT_EQ(next->payload, "NOPERM no access to the channel");
  });
}

TEST_F(redis_subscriber_test, a_connection_that_no_longer_answers_is_replaced) {
  peer_.answer = [](std::size_t connection, const words& command) -> std::optional<std::string> {
    if (connection == 0 && command[0] == "PING") return "";
    return std::nullopt;
  };
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    const loop& on = *(co_await this_context()).on;
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
    const instant began = on.turn_time();
    co_await expect_gap(news, 0, true);
    EXPECT_GE(on.turn_time() - began, 20s - 1ms) << "15 s of silence, 5 s for an answer";
    EXPECT_LE(on.turn_time() - began, 21s);
    EXPECT_TRUE(co_await delay_for(60s));
    EXPECT_EQ(peer.accepted, 2U) << "the other one answers";
  });
}

TEST_F(redis_subscriber_test, a_subscription_waits_for_the_server_and_gives_up_in_time) {
  peer_.answer = [](std::size_t connection, const words& command) -> std::optional<std::string> {
    if (connection < 3 && command[0] == "HELLO") return "-LOADING Redis is loading the dataset in memory\r\n";
    return std::nullopt;
  };
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news")) << "it came up within the time";
    EXPECT_EQ(peer.accepted, 4U);
    EXPECT_EQ(news.counters().connect_failures, 3U);
    peer.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
      if (command[0] == "subscribe") return "";
      return std::nullopt;
    };
    EXPECT_TRUE(
        failed_as(co_await news.subscribe(channel_kind::plain, "mute"), redis_condition::unavailable, errc::timed_out));
    EXPECT_TRUE(co_await delay_for(1ms));
    EXPECT_EQ(peer.commands.back(), (words{"unsubscribe", "mute"})) << "what failed is not wanted any more";
  });
}

TEST_F(redis_subscriber_test, unsubscribing_is_confirmed_and_being_thrown_out_is_a_loss) {
  listen(listening(), [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::sharded, "b"));
    EXPECT_TRUE(news.unsubscribe(channel_kind::plain, "a"));
    EXPECT_TRUE(news.unsubscribe(channel_kind::plain, "never was"));
    EXPECT_TRUE(co_await delay_for(1s));
    EXPECT_EQ(peer.commands.back(), (words{"unsubscribe", "a"}));
    EXPECT_EQ(peer.accepted, 1U);
    peer.say(0, ">3\r\n" + bulk("sunsubscribe") + bulk("b") + ":0\r\n");  // its slot went to another node
    co_await expect_gap(news, 0, true);
    EXPECT_EQ(peer.count("ssubscribe"), 2U);
    EXPECT_EQ(peer.count("subscribe"), 1U);
  });
}

TEST_F(redis_subscriber_test, names_and_their_number_are_bounded) {
  subscriber_options few = listening();
  few.max_channels = 2;
  few.max_channel_bytes = 10;
  listen(few, [](subscriber& news, fake_server&) -> task<void> {
    EXPECT_EQ((co_await news.subscribe(channel_kind::plain, "")).error().code, errc::invalid_argument);
    EXPECT_EQ((co_await news.subscribe(channel_kind::plain, "elevenbytes")).error().code, errc::invalid_argument);
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "b"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a")) << "again is nothing new";
    EXPECT_EQ((co_await news.subscribe(channel_kind::plain, "c")).error().code, errc::limit);
  });
}

// Ten messages for a consumer that takes none, and has room for four.
task<void> flood(subscriber& news, fake_server& peer) {
  EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
  for (int i = 0; i < 10; ++i) peer.say(0, numbered(i));
  EXPECT_TRUE(co_await delay_for(100ms));
}

subscriber_options slow(slow_consumer policy) { return {.url = url, .when_slow = policy, .max_queued = 4, .seed = 1}; }

TEST_F(redis_subscriber_test, a_slow_consumer_may_lose_the_oldest) {
  listen(slow(slow_consumer::drop_oldest), [](subscriber& news, fake_server& peer) -> task<void> {
    co_await flood(news, peer);
    EXPECT_EQ(news.queued(), 4U);
    co_await expect_gap(news, 6, false);
    for (const char* each : {"6", "7", "8", "9"}) co_await expect_message(news, each);
    EXPECT_EQ(news.counters().dropped, 6U);
  });
}

TEST_F(redis_subscriber_test, a_slow_consumer_may_lose_the_newest) {
  listen(slow(slow_consumer::drop_newest), [](subscriber& news, fake_server& peer) -> task<void> {
    co_await flood(news, peer);
    for (const char* each : {"0", "1", "2", "3"}) co_await expect_message(news, each);
    co_await expect_gap(news, 6, false);
    peer.say(0, numbered(10));
    co_await expect_message(news, "10");
  });
}

TEST_F(redis_subscriber_test, a_slow_consumer_may_make_the_server_wait) {
  listen(slow(slow_consumer::wait), [](subscriber& news, fake_server& peer) -> task<void> {
    co_await flood(news, peer);
    EXPECT_EQ(news.queued(), 4U);
    EXPECT_TRUE(co_await delay_for(60s)) << "that is no silence of the server";
    for (int i = 0; i < 10; ++i) co_await expect_message(news, std::to_string(i));
    EXPECT_EQ(news.counters().dropped, 0U);
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_subscriber_test, a_slow_consumer_may_be_the_end) {
  listen(slow(slow_consumer::fail), [](subscriber& news, fake_server& peer) -> task<void> {
    co_await flood(news, peer);
    for (const char* each : {"0", "1", "2", "3"}) co_await expect_message(news, each);
    EXPECT_TRUE(failed_with(co_await news.receive(), errc::limit));
    EXPECT_EQ(peer.open, 0U);
  });
}

TEST_F(redis_subscriber_test, the_queue_is_bounded_in_bytes_too) {
  subscriber_options small = listening();
  small.max_queued_bytes = 100;
  listen(small, [](subscriber& news, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "news"));
    for (int i = 0; i < 5; ++i) peer.say(0, message('>', "news", std::string(40, static_cast<char>('0' + i))));
    peer.say(0, message('>', "news", std::string(500, 'x')));
    EXPECT_TRUE(co_await delay_for(10ms));
    co_await expect_gap(news, 5, false);
    co_await expect_message(news, std::string(500, 'x'));
  });
}

TEST_F(redis_subscriber_test, gaps_beside_each_other_are_one) {
  listen(slow(slow_consumer::drop_oldest), [](subscriber& news, fake_server& peer) -> task<void> {
    co_await flood(news, peer);
    peer.close_all();
    EXPECT_TRUE(co_await delay_for(1s));
    for (int i = 10; i < 20; ++i) peer.say(1, numbered(i));
    EXPECT_TRUE(co_await delay_for(100ms));
    EXPECT_EQ(news.queued(), 4U);
    co_await expect_gap(news, 16, true);
    co_await expect_message(news, "16");
  });
}

task<void> receive_into(subscriber& news, std::optional<result<event>>& into) { into = co_await news.receive(); }

TEST_F(redis_subscriber_test, closing_wakes_all_who_wait) {
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "subscribe") return "";
    return std::nullopt;
  };
  listen(listening(), [](subscriber& news, fake_server&) -> task<void> {
    scope waiting(co_await this_context());
    std::vector<std::optional<result<event>>> got(3);
    for (auto& each : got) waiting.spawn(receive_into(news, each));
    EXPECT_TRUE(co_await delay_for(1s));
    news.close();
    EXPECT_TRUE(co_await waiting.join());
    for (const auto& each : got) EXPECT_TRUE(each && failed_with(*each, errc::closed));
    EXPECT_EQ((co_await news.subscribe(channel_kind::plain, "a")).error().code, errc::closed);
  });
}

TEST_F(redis_subscriber_test, an_unusable_url_ends_run) {
  subscriber news({.url = "http://127.0.0.1"});
  const result<void> ended = on_.run(news.run());
  EXPECT_TRUE(failed_with(ended, errc::invalid_argument));
}

}  // namespace
}  // namespace assay::data::redis::testing
