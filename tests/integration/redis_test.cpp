// Pool and subscriber against a real Redis, on both backends: pipelining, loss, restart, deadlines, slow consumers.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "stack/data/redis/redis.hpp"
#include "stack/data/redis/subscriber.hpp"
#include "tests/integration/redis_server.hpp"
#include "tests/stack/net/net_test_support.hpp"

namespace assay::data::redis {
namespace {

using namespace testing_support;

class server_environment : public ::testing::Environment {
 public:
  void SetUp() override { server.emplace(); }
  void TearDown() override { server.reset(); }
  static std::optional<redis_server> server;
};
std::optional<redis_server> server_environment::server;
const auto* const registered = ::testing::AddGlobalTestEnvironment(new server_environment);

// Until nobody listens to the channel any more: waits for the condition, not for a time.
task<void> until_deaf(pool& cache, std::string channel) {
  for (int tries = 0; tries < 2000; ++tries) {
    const auto got = co_await cache.command("SPUBLISH", channel, "");
    if (got && got->integer_if() == 0) co_return;
    std::ignore = co_await delay_for(2ms);
  }
  ADD_FAILURE() << "somebody listens to " << channel;
}

// Until the server answers again.
task<void> until_back(pool& cache) {
  for (int tries = 0; tries < 2000; ++tries) {
    if (co_await cache.open()) co_return;
    std::ignore = co_await delay_for(2ms);
  }
  ADD_FAILURE() << "the server is away";
}

// Until the server has closed the connection of that client.
task<void> until_gone(pool& cache, std::int64_t id) {
  const std::string mark = "id=" + std::to_string(id) + " ";
  for (int tries = 0; tries < 2000; ++tries) {
    const auto list = co_await cache.command("CLIENT", "LIST");
    if (list && !list->text.contains(mark)) co_return;
    std::ignore = co_await delay_for(2ms);
  }
  ADD_FAILURE() << "the server keeps the connection";
}

class redis_real_test : public backend_test {
 protected:
  static redis_server& server() { return *server_environment::server; }
  void SetUp() override { ASSERT_TRUE(server().ok()); }

  static pool_options usual() { return {.url = server().url(), .backoff_min = 5ms, .backoff_max = 20ms}; }
  static subscriber_options listening() { return {.url = server().url(), .backoff_min = 5ms, .backoff_max = 20ms}; }

  // The test finds the server empty.
  template <class Test>
  void run(pool_options with, Test test) {
    on_.run(staged(std::move(with), test));
  }
  template <class Test>
  void listen(subscriber_options with, Test test) {
    on_.run(staged_listening(std::move(with), test));
  }

 private:
  template <class Test>
  static task<void> staged(pool_options with, Test test) {
    pool cache(std::move(with));
    EXPECT_TRUE(co_await cache.command("FLUSHALL"));
    co_await test(cache);
    EXPECT_EQ(cache.usage().waiting, 0u);
  }
  template <class Test>
  static task<void> staged_listening(subscriber_options with, Test test) {
    pool cache(usual());
    subscriber news(std::move(with));
    scope running(co_await this_context());
    running.spawn(run_to_end(news));
    co_await test(cache, news);
    news.close();
    std::ignore = co_await running.join();
  }
  static task<void> run_to_end(subscriber& news) { std::ignore = co_await news.run(); }
};
INSTANTIATE_TEST_SUITE_P(backends, redis_real_test, ::testing::ValuesIn(real_backends()), backend_name);

TEST_P(redis_real_test, values_of_any_bytes_go_there_and_come_back_by_type) {
  run(usual(), [](pool& cache) -> task<void> {
    const std::string bytes = pattern(10'000) + std::string("\r\n\0*3", 5);
    EXPECT_TRUE(co_await cache.command("SET", "k\r\ney", bytes));
    EXPECT_EQ((co_await cache.command("GET", "k\r\ney"))->text, bytes);
    EXPECT_TRUE((co_await cache.command("GET", "none"))->is_null());
    EXPECT_EQ((co_await cache.command("INCRBY", "n", -7))->integer_if(), -7);
    EXPECT_TRUE(co_await cache.command("HSET", "h", "a", 1, "b", 2));
    const auto map = co_await cache.command("HGETALL", "h");
    EXPECT_EQ(map->kind, reply_kind::map);
    EXPECT_EQ(map->elements.size(), 4u);
    EXPECT_TRUE(co_await cache.command("ZADD", "z", 0.5, "member"));
    EXPECT_EQ((co_await cache.command("ZSCORE", "z", "member"))->real, 0.5);
    EXPECT_TRUE(co_await cache.command("SADD", "s", "x"));
    EXPECT_EQ((co_await cache.command("SMEMBERS", "s"))->kind, reply_kind::set);
    EXPECT_EQ(cache.counters().opened, 1u);
  });
}

TEST_P(redis_real_test, a_refused_command_says_why_and_the_connection_is_kept) {
  run(usual(), [](pool& cache) -> task<void> {
    EXPECT_TRUE(co_await cache.command("SET", "text", "x"));
    const auto got = co_await cache.command("LPUSH", "text", 1);
    EXPECT_EQ(got.error().condition, redis_condition::wrong_type);
    EXPECT_EQ(got.error().code_word(), "WRONGTYPE");
    EXPECT_EQ((co_await cache.command("NOSUCH")).error().condition, redis_condition::invalid_command);
    EXPECT_EQ((co_await cache.command("EVALSHA", std::string(40, 'a'), 0)).error().condition,
              redis_condition::no_script);
    EXPECT_EQ((co_await cache.command("GET", "text"))->text, "x");
    EXPECT_EQ(cache.counters().opened, 1u);
    EXPECT_EQ(cache.counters().error_replies, 3u);
  });
}

TEST_P(redis_real_test, who_does_not_know_the_password_stays_outside) {
  run(usual(), [](pool& cache) -> task<void> {
    EXPECT_TRUE(co_await cache.command("CONFIG", "SET", "requirepass", "secret"));
    pool stranger(usual());
    EXPECT_EQ((co_await stranger.command("PING")).error().condition, redis_condition::access_denied);
    pool_options wrong = usual();
    wrong.url = server().url("wrong");
    pool guesser(wrong);
    EXPECT_EQ((co_await guesser.command("PING")).error().code_word(), "WRONGPASS");
    pool_options right = usual();
    right.url = server().url("secret") + "/3";
    pool friendly(right);
    EXPECT_TRUE(co_await friendly.command("SET", "a", 1));
    EXPECT_TRUE((co_await cache.command("GET", "a"))->is_null()) << "it is in another database";
    EXPECT_TRUE(co_await cache.command("CONFIG", "SET", "requirepass", ""));
  });
}

task<void> increment(pool& cache, std::vector<std::int64_t>& seen) {
  const auto got = co_await cache.command("INCR", "n");
  seen.push_back(got ? got->integer_if().value_or(-1) : -1);
}

TEST_P(redis_real_test, a_thousand_callers_at_once_share_few_connections) {
  pool_options few = usual();
  few.max_connections = 2;
  run(few, [](pool& cache) -> task<void> {
    scope callers(co_await this_context());
    std::vector<std::int64_t> seen;
    for (int i = 0; i < 1000; ++i) callers.spawn(increment(cache, seen));
    EXPECT_TRUE(co_await callers.join());
    std::ranges::sort(seen);
    EXPECT_EQ(seen.size(), 1000u);
    EXPECT_EQ(seen.front(), 1);
    EXPECT_EQ(seen.back(), 1000);
    EXPECT_LE(cache.counters().opened, 2u);
    EXPECT_GT(cache.counters().waits, 0u);
  });
}

TEST_P(redis_real_test, a_batch_is_answered_in_order) {
  run(usual(), [](pool& cache) -> task<void> {
    batch many;
    for (int i = 0; i < 1000; ++i) many.add("ECHO", i);
    const auto answers = co_await cache.run(many);
    EXPECT_TRUE(answers);
    if (!answers) co_return;
    for (std::size_t i = 0; i < answers->size(); ++i) EXPECT_EQ((*answers)[i].text, std::to_string(i));
  });
}

TEST_P(redis_real_test, a_transaction_is_all_or_nothing) {
  run(usual(), [](pool& cache) -> task<void> {
    batch good;
    good.add("SET", "a", 1).add("INCR", "a").add("LPUSH", "a", "x");
    const auto done = co_await cache.atomic(good);
    EXPECT_TRUE(done) << describe(done.error());
    if (done) EXPECT_EQ((*done)[1].integer_if(), 2);
    if (done) EXPECT_TRUE((*done)[2].is_error()) << "found out only when it ran";
    batch bad;
    bad.add("INCR", "a").add("INCR").add("INCR", "a");
    const auto refused = co_await cache.atomic(bad);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code_word(), "ERR");
    EXPECT_EQ((co_await cache.command("GET", "a"))->text, "2");
    EXPECT_EQ(cache.counters().opened, 1u);
  });
}

TEST_P(redis_real_test, large_values_pass) {
  run(usual(), [](pool& cache) -> task<void> {
    const std::string large = pattern(20'000'000);
    EXPECT_TRUE(co_await cache.command("SET", "large", large));
    const auto got = co_await cache.command("GET", "large");
    EXPECT_TRUE(got && got->text == large);
  });
}

task<redis_result<reply>> echo(pool& cache, std::string text) { co_return co_await cache.command("ECHO", text); }

TEST_P(redis_real_test, who_gives_up_takes_nothing_along) {
  run(usual(), [](pool& cache) -> task<void> {
    loop& on = *(co_await this_context()).on;
    EXPECT_TRUE(co_await cache.command("CLIENT", "PAUSE", 100, "ALL"));
    const auto late = co_await with_deadline(on.now() + 20ms, echo(cache, "late"));
    EXPECT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::timed_out);
    EXPECT_EQ((co_await cache.command("ECHO", "next"))->text, "next");
    EXPECT_EQ(cache.counters().abandoned, 1u);
    EXPECT_EQ(cache.counters().opened, 1u);
  });
}

TEST_P(redis_real_test, a_connection_killed_while_idle_is_noticed_before_it_is_used) {
  run(usual(), [](pool& cache) -> task<void> {
    const std::int64_t id = (co_await cache.command("CLIENT", "ID"))->integer;
    pool other(usual());
    EXPECT_EQ((co_await other.command("CLIENT", "KILL", "ID", id))->integer_if(), 1);
    co_await until_gone(other, id);
    EXPECT_NE((co_await cache.command("CLIENT", "ID"))->integer, id);
    EXPECT_EQ(cache.counters().failures, 0u);
    EXPECT_EQ(cache.counters().closed_broken, 1u);
  });
}

struct load {
  bool stop = false;
  std::uint64_t answered = 0;
  std::uint64_t wrong = 0;
  std::uint64_t failed = 0;
  std::uint64_t unexplained = 0;  // failures that are not the server's being away
};

task<void> keep_calling(pool& cache, std::string name, load& into) {
  for (int number = 0; !into.stop; ++number) {
    const std::string text = name + std::to_string(number);
    const auto got = co_await cache.command("ECHO", text);
    if (got) {
      into.answered++;
      if (got->text != text) into.wrong++;
      continue;
    }
    into.failed++;
    if (got.error().condition != redis_condition::unavailable) into.unexplained++;
    std::ignore = co_await delay_for(1ms);
  }
}

task<void> until_more(const load& of, std::uint64_t answered) {
  for (int tries = 0; tries < 5000 && of.answered < answered; ++tries) std::ignore = co_await delay_for(2ms);
  EXPECT_GE(of.answered, answered);
}

TEST_P(redis_real_test, a_server_killed_under_load_and_started_again_is_found_again) {
  run(usual(), [](pool& cache) -> task<void> {
    scope callers(co_await this_context());
    load seen;
    for (int i = 0; i < 32; ++i) callers.spawn(keep_calling(cache, std::to_string(i) + "/", seen));
    for (int round = 0; round < 3; ++round) {
      co_await until_more(seen, seen.answered + 1000);
      server().kill();
      const std::uint64_t failures = cache.counters().open_failures;
      while (cache.counters().open_failures < failures + 3) std::ignore = co_await delay_for(2ms);
      server().start();
      co_await until_more(seen, seen.answered + 1000);
    }
    seen.stop = true;
    EXPECT_TRUE(co_await callers.join());
    EXPECT_EQ(seen.wrong, 0u);
    EXPECT_EQ(seen.unexplained, 0u);
    EXPECT_GE(seen.failed, 3u);
    EXPECT_GT(cache.counters().refused_while_away, 0u);
    EXPECT_LE(cache.usage().open, 4u);
  });
}

// --- publish and subscribe -------------------------------------------------------------------------------------------

task<void> expect_message(subscriber& from, channel_kind of, std::string_view channel, std::string_view payload) {
  const result<event> next = co_await from.receive();
  EXPECT_TRUE(next) << describe(next.error());
  if (!next) co_return;
  EXPECT_EQ(next->kind, event::kind_type::message);
  EXPECT_EQ(next->of, of);
  EXPECT_EQ(next->channel, channel);
  EXPECT_EQ(next->payload, payload);
}

TEST_P(redis_real_test, messages_reach_their_subscribers) {
  listen(listening(), [](pool& cache, subscriber& news) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::pattern, "b.*"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::sharded, "c"));
    EXPECT_EQ((co_await cache.command("PUBLISH", "a", "one\r\n"))->integer_if(), 1);
    EXPECT_EQ((co_await cache.command("PUBLISH", "b.x", "two"))->integer_if(), 1);
    EXPECT_EQ((co_await cache.command("SPUBLISH", "c", "three"))->integer_if(), 1);
    co_await expect_message(news, channel_kind::plain, "a", "one\r\n");
    co_await expect_message(news, channel_kind::pattern, "b.x", "two");
    co_await expect_message(news, channel_kind::sharded, "c", "three");
    EXPECT_TRUE(news.unsubscribe(channel_kind::sharded, "c"));
    co_await until_deaf(cache, "c");
  });
}

TEST_P(redis_real_test, a_subscriber_that_was_thrown_out_comes_back_and_says_so) {
  listen(listening(), [](pool& cache, subscriber& news) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::sharded, "b"));
    EXPECT_EQ((co_await cache.command("CLIENT", "KILL", "TYPE", "pubsub"))->integer_if(), 1);
    const result<event> gap = co_await news.receive();
    EXPECT_TRUE(gap && gap->kind == event::kind_type::gap && gap->reconnected);
    EXPECT_EQ((co_await cache.command("PUBLISH", "a", "again"))->integer_if(), 1) << "in effect when the gap is told";
    EXPECT_EQ((co_await cache.command("SPUBLISH", "b", "too"))->integer_if(), 1);
    co_await expect_message(news, channel_kind::plain, "a", "again");
    co_await expect_message(news, channel_kind::sharded, "b", "too");
  });
}

TEST_P(redis_real_test, a_subscriber_survives_the_server) {
  listen(listening(), [](pool& cache, subscriber& news) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    server().kill();
    while (news.counters().connect_failures < 2) std::ignore = co_await delay_for(2ms);
    server().start();
    const result<event> gap = co_await news.receive();
    EXPECT_TRUE(gap && gap->reconnected);
    co_await until_back(cache);
    EXPECT_EQ((co_await cache.command("PUBLISH", "a", "again"))->integer_if(), 1);
    co_await expect_message(news, channel_kind::plain, "a", "again");
  });
}

task<void> publish(pool& cache, int count, std::string payload) {
  for (int sent = 0; sent < count; sent += 500) {
    batch some;
    for (int i = sent; i < std::min(count, sent + 500); ++i) some.add("PUBLISH", "a", std::to_string(i) + payload);
    EXPECT_TRUE(co_await cache.run(some));
  }
}

TEST_P(redis_real_test, a_slow_consumer_loses_the_oldest_and_is_told_how_many) {
  listen(listening(), [](pool& cache, subscriber& news) -> task<void> {
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    co_await publish(cache, 20'000, "");
    while (news.counters().messages < 20'000) std::ignore = co_await delay_for(2ms);
    EXPECT_EQ(news.queued(), 1024u);
    const result<event> gap = co_await news.receive();
    EXPECT_TRUE(gap && gap->kind == event::kind_type::gap);
    if (gap) EXPECT_EQ(gap->dropped, 20'000u - 1024u);
    co_await expect_message(news, channel_kind::plain, "a", std::to_string(20'000 - 1024));
  });
}

// What does not fit here stays with the server, up to its own limit for such clients.
TEST_P(redis_real_test, a_consumer_that_makes_the_server_wait_is_thrown_out_by_it_at_last) {
  subscriber_options patient = listening();
  patient.when_slow = slow_consumer::wait;
  patient.max_queued = 10;
  listen(patient, [](pool& cache, subscriber& news) -> task<void> {
    EXPECT_TRUE(co_await cache.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0"));
    EXPECT_TRUE(co_await news.subscribe(channel_kind::plain, "a"));
    co_await publish(cache, 2000, std::string(10'000, 'x'));
    EXPECT_EQ(news.queued(), 10u);
    int messages = 0;
    bool told = false;
    while (!told) {
      const result<event> next = co_await news.receive();
      EXPECT_TRUE(next);
      if (!next) co_return;
      told = next->kind == event::kind_type::gap && next->reconnected;
      if (!told) messages++;
    }
    EXPECT_GE(messages, 10);
    EXPECT_LT(messages, 2000);
    EXPECT_EQ(news.counters().dropped, 0u);
    EXPECT_TRUE(co_await cache.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60"));
    EXPECT_EQ((co_await cache.command("PUBLISH", "a", "again"))->integer_if(), 1);
    co_await expect_message(news, channel_kind::plain, "a", "again");
  });
}

}  // namespace
}  // namespace assay::data::redis
