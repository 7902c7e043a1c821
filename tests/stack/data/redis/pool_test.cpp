// The pool and its connections against a scripted Redis, in virtual time.
#include <gmock/gmock.h>

#include "stack/observe/exposition.hpp"
#include "stack/observe/live_tasks.hpp"
#include "stack/observe/mirror.hpp"
#include "tests/stack/data/redis/redis_test_support.hpp"

namespace assay::data::redis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class redis_pool_test : public redis_test {
 protected:
  redis_pool_test() : redis_test({.latency = 100us}) {}
};

TEST_F(redis_pool_test, a_command_is_answered_and_the_connection_kept) {
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    for (const char* text : {"one", "two", "three"}) {
      const auto got = co_await cache.command("ECHO", text);
      EXPECT_TRUE(got) << describe(got.error());
      if (got) EXPECT_EQ(got->text_if(), text);
    }
    EXPECT_EQ(peer.accepted, 1U);
    EXPECT_EQ(cache.counters().calls, 3U);
    EXPECT_EQ(cache.counters().opened, 1U);
    EXPECT_EQ(cache.usage().in_flight, 0U);
  });
}

TEST_F(redis_pool_test, many_callers_share_a_connection_and_each_gets_its_own_answer) {
  pool_options one = usual();
  one.max_connections = 1;
  peer_.pause = 1ms;
  run(one, [](pool& cache, fake_server& peer) -> task<void> {
    scope callers(co_await this_context());
    std::vector<outcome> got(50);
    for (std::size_t i = 0; i < got.size(); ++i) callers.spawn(echo_into(cache, std::to_string(i), got[i]));
    EXPECT_TRUE(co_await callers.join());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_TRUE(got[i].got) << describe(got[i].got.error());
      if (got[i].got) EXPECT_EQ(got[i].got->text, std::to_string(i));
    }
    EXPECT_EQ(peer.accepted, 1U);
    EXPECT_LT(got.back().took, 60ms) << "they did not wait for each other's way there and back";
  });
}

task<void> names_itself(pool& cache, std::vector<bool>& named) {
  const context& ctx = co_await this_context();
  EXPECT_TRUE(co_await cache.command("ECHO", "text"));
  named.push_back(ctx.on->running() == ctx.task);  // a watchdog would name it, should it stall from here on
}

TEST_F(redis_pool_test, who_was_given_his_answer_by_another_is_named_with_what_he_does_next) {
  pool_options one = usual();
  one.max_connections = 1;
  run(one, [](pool& cache, fake_server&) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    context& ctx = co_await this_context();
    scope callers(ctx);
    std::vector<bool> named;
    callers.spawn(names_itself(cache, named));
    callers.spawn(names_itself(cache, named));
    std::vector<std::string> waits_for;
    for (const observe::live_task& each : observe::live_tasks(*ctx.on)) waits_for.emplace_back(each.awaiting);
    EXPECT_THAT(waits_for, ::testing::Contains("an answer of Redis"));
    EXPECT_TRUE(co_await callers.join());
    EXPECT_THAT(named, ElementsAre(true, true));
  });
}

TEST_F(redis_pool_test, shows_its_use) {
  run(usual(), [](pool& cache, fake_server&) -> task<void> {
    observe::registry metrics;
    observe::mirror numbers(metrics, metrics.add_shard());
    show(numbers, cache, "sessions");
    EXPECT_EQ(numbers.problem(), "");
    EXPECT_TRUE(co_await cache.command("ECHO", "one"));
    numbers.carry((co_await this_context()).on->now());
    const std::string text = observe::expose(metrics, observe::exposition::prometheus);
    EXPECT_THAT(text, HasSubstr("assay_redis_connections{pool=\"sessions\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("assay_redis_calls_total{pool=\"sessions\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("assay_redis_refused_total{pool=\"sessions\",reason=\"away\"} 0\n"));
    numbers.close();
  });
}

TEST_F(redis_pool_test, who_says_who_it_is_and_which_database) {
  pool_options named = usual();
  named.url = "redis://app:secret@127.0.0.1:6379/2";
  run(named, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    EXPECT_THAT(peer.commands,
                ElementsAre(words{"HELLO", "3", "AUTH", "app", "secret"}, words{"SELECT", "2"}, words{"PING"}));
  });
}

TEST_F(redis_pool_test, a_server_that_knows_no_hello_is_spoken_to_as_before) {
  pool_options named = usual();
  named.url = "redis://:secret@127.0.0.1:6379/2";
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "HELLO") return "-ERR unknown command `HELLO`\r\n";
    return std::nullopt;
  };
  run(named, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    EXPECT_THAT(peer.commands, ElementsAre(words{"HELLO", "3", "AUTH", "default", "secret"}, words{"AUTH", "secret"},
                                           words{"SELECT", "2"}, words{"PING"}));
  });
}

TEST_F(redis_pool_test, a_wrong_password_is_told_and_is_not_tried_on_and_on) {
  pool_options named = usual();
  named.url = "redis://:secret@127.0.0.1:6379";
  peer_.answer = [](std::size_t, const words&) -> std::optional<std::string> {
    return "-WRONGPASS invalid username-password pair\r\n";
  };
  run(named, [](pool& cache, fake_server& peer) -> task<void> {
    const auto got = co_await cache.command("PING");
    EXPECT_TRUE(failed_as(got, redis_condition::access_denied, errc::permission));
    EXPECT_EQ(got.error().code_word(), "WRONGPASS");
    EXPECT_TRUE(failed_as(co_await cache.command("PING"), redis_condition::unavailable, errc::refused));
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_pool_test, an_error_reply_is_a_failure_and_the_connection_is_kept) {
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "LPUSH") return "-WRONGTYPE Operation against a key\r\n";
    return std::nullopt;
  };
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    const auto got = co_await cache.command("LPUSH", "text", 1);
    EXPECT_TRUE(failed_as(got, redis_condition::wrong_type, errc::system));
    batch mixed;
    mixed.add("ECHO", "a").add("LPUSH", "text", 1).add("ECHO", "b");
    const auto answers = co_await cache.run(mixed);
    EXPECT_TRUE(answers);
    if (answers) {
      EXPECT_EQ((*answers)[0].text, "a");
      EXPECT_TRUE((*answers)[1].is_error());
      EXPECT_EQ((*answers)[2].text, "b");
    }
    EXPECT_EQ(cache.counters().error_replies, 1U);
    EXPECT_EQ(cache.counters().failures, 0U);
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_pool_test, the_answer_to_who_gave_up_is_thrown_away) {
  peer_.pause = 10ms;
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    outcome late;
    co_await echo_until(cache, "late", 5ms, late);
    EXPECT_TRUE(failed_as(late.got, redis_condition::none, errc::timed_out));
    EXPECT_EQ(late.took, 5ms);
    EXPECT_EQ(cache.usage().in_flight, 1U) << "its place is taken until the answer has come";
    outcome next;
    co_await echo_into(cache, "next", next);
    EXPECT_EQ(next.got->text, "next");
    EXPECT_EQ(cache.usage().in_flight, 0U);
    EXPECT_EQ(cache.counters().abandoned, 1U);
    EXPECT_EQ(peer.accepted, 1U);
  });
}

// The first caller receives for all; when it goes, another has to.
TEST_F(redis_pool_test, who_gives_up_while_it_receives_hands_that_on) {
  peer_.pause = 10ms;
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    scope callers(co_await this_context());
    std::vector<outcome> got(6);
    for (std::size_t i = 0; i < 3; ++i) callers.spawn(echo_until(cache, "impatient", (i + 1) * 2ms, got[i]));
    for (std::size_t i = 3; i < 6; ++i) callers.spawn(echo_into(cache, std::to_string(i), got[i]));
    EXPECT_TRUE(co_await callers.join());
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(failed_as(got[i].got, redis_condition::none, errc::timed_out));
    for (std::size_t i = 3; i < 6; ++i) {
      EXPECT_TRUE(got[i].got) << describe(got[i].got.error());
      if (got[i].got) EXPECT_EQ(got[i].got->text, std::to_string(i));
    }
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_pool_test, cancelled_callers_leave_at_once) {
  peer_.pause = 10ms;
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    scope callers(co_await this_context());
    std::vector<outcome> got(4);
    for (outcome& each : got) callers.spawn(echo_into(cache, "gone", each));
    EXPECT_TRUE(co_await delay_for(1ms));
    callers.cancel(cancel_reason::peer_closed);
    EXPECT_TRUE(co_await callers.join());
    for (const outcome& each : got) {
      EXPECT_TRUE(failed_as(each.got, redis_condition::none, errc::cancelled));
      EXPECT_EQ(each.took, 1ms);
    }
    EXPECT_EQ((co_await cache.command("ECHO", "next"))->text, "next");
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_pool_test, what_nobody_waits_for_any_more_is_not_sent) {
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    outcome late;
    co_await echo_until(cache, "late", 0ms, late);
    EXPECT_FALSE(late.got);
    EXPECT_TRUE(co_await delay_for(1ms));
    EXPECT_EQ(peer.count("ECHO"), 0U);
  });
}

TEST_F(redis_pool_test, an_overdue_answer_ends_the_connection_for_all) {
  peer_.answer = [](std::size_t connection, const words& command) -> std::optional<std::string> {
    if (connection == 0 && command[0] == "ECHO") return "";
    return std::nullopt;
  };
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    scope callers(co_await this_context());
    std::vector<outcome> got(3);
    callers.spawn(echo_into(cache, "a", got[0]));
    EXPECT_TRUE(co_await delay_for(1s));
    callers.spawn(echo_into(cache, "b", got[1]));
    callers.spawn(echo_until(cache, "c", 1s, got[2]));
    EXPECT_TRUE(co_await callers.join());
    EXPECT_TRUE(failed_as(got[0].got, redis_condition::unavailable, errc::timed_out));
    EXPECT_EQ(got[0].took, 5s);
    EXPECT_TRUE(failed_as(got[1].got, redis_condition::unavailable, errc::timed_out));
    EXPECT_EQ(got[1].took, 4s) << "it waits for no answer behind one that does not come";
    EXPECT_TRUE(failed_as(got[2].got, redis_condition::none, errc::timed_out));
    EXPECT_EQ((co_await cache.command("ECHO", "next"))->text, "next");
    EXPECT_EQ(peer.accepted, 2U);
    EXPECT_EQ(cache.counters().closed_broken, 1U);
  });
}

// Callers that are more impatient than reply_timeout must not go on hoping for ever.
TEST_F(redis_pool_test, a_connection_that_owes_an_answer_for_too_long_is_replaced) {
  peer_.answer = [](std::size_t connection, const words& command) -> std::optional<std::string> {
    if (connection == 0 && command[0] == "ECHO") return "";
    return std::nullopt;
  };
  pool_options trusting = usual();
  trusting.max_unanswered = 100;
  run(trusting, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    int failed = 0;
    outcome last;
    for (int i = 0; i < 8; ++i) {
      co_await echo_until(cache, "x", 1s, last);
      if (!last.got) failed++;
    }
    EXPECT_EQ(failed, 6);
    EXPECT_TRUE(last.got);
    EXPECT_EQ(peer.accepted, 2U);
  });
}

TEST_F(redis_pool_test, places_and_the_line_for_them_are_bounded) {
  pool_options narrow = usual();
  narrow.max_connections = 1;
  narrow.connection.max_in_flight = 2;
  narrow.max_waiters = 3;
  peer_.pause = 10ms;
  run(narrow, [](pool& cache, fake_server&) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    scope callers(co_await this_context());
    std::vector<outcome> got(8);
    for (outcome& each : got) callers.spawn(echo_into(cache, "x", each));
    EXPECT_EQ(cache.usage().waiting, 3U);
    EXPECT_EQ(cache.usage().in_flight, 2U);
    EXPECT_TRUE(co_await callers.join());
    EXPECT_EQ(std::ranges::count_if(got, [](const outcome& each) { return each.got.has_value(); }), 5);
    EXPECT_TRUE(failed_as(got.back().got, redis_condition::pool_exhausted, errc::limit));
    EXPECT_EQ(got.back().took, 0ms);
    EXPECT_EQ(cache.counters().refused_waiters, 3U);
    EXPECT_EQ(cache.counters().waits, 6U);
    EXPECT_GT(cache.counters().waited, 30ms);
  });
}

TEST_F(redis_pool_test, the_wait_for_a_place_has_a_limit) {
  pool_options narrow = usual();
  narrow.max_connections = 1;
  narrow.connection.max_in_flight = 1;
  narrow.wait_timeout = 20ms;
  peer_.pause = 100ms;
  run(narrow, [](pool& cache, fake_server&) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    scope callers(co_await this_context());
    std::vector<outcome> got(2);
    for (outcome& each : got) callers.spawn(echo_into(cache, "x", each));
    EXPECT_TRUE(co_await callers.join());
    EXPECT_TRUE(got[0].got);
    EXPECT_TRUE(failed_as(got[1].got, redis_condition::pool_exhausted, errc::limit));
    EXPECT_EQ(got[1].took, 20ms);
    EXPECT_EQ(cache.counters().wait_timeouts, 1U);
  });
}

TEST_F(redis_pool_test, another_connection_is_opened_only_when_those_there_are_have_much_to_do) {
  pool_options spread = usual();
  spread.spread_at = 4;
  spread.max_connections = 3;
  peer_.pause = 10ms;
  run(spread, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    scope callers(co_await this_context());
    std::vector<outcome> got(20);
    for (std::size_t i = 0; i < 4; ++i) callers.spawn(echo_into(cache, "x", got[i]));
    EXPECT_EQ(cache.usage().in_flight, 4U);
    EXPECT_EQ(peer.accepted, 1U);
    for (std::size_t i = 4; i < 20; ++i) {
      callers.spawn(echo_into(cache, "x", got[i]));
      EXPECT_TRUE(co_await delay_for(1ms));
    }
    EXPECT_TRUE(co_await callers.join());
    for (const outcome& each : got) EXPECT_TRUE(each.got);
    EXPECT_EQ(peer.accepted, 3U);
    EXPECT_EQ(cache.usage().open, 3U);
  });
}

TEST_F(redis_pool_test, a_burst_on_a_cold_pool_opens_no_more_than_the_limit_and_all_are_served) {
  pool_options cold = usual();
  cold.max_connections = 2;
  run(cold, [](pool& cache, fake_server& peer) -> task<void> {
    scope callers(co_await this_context());
    std::vector<outcome> got(100);
    for (outcome& each : got) callers.spawn(echo_into(cache, "x", each));
    EXPECT_TRUE(co_await callers.join());
    for (const outcome& each : got) EXPECT_TRUE(each.got) << describe(each.got.error());
    EXPECT_EQ(peer.accepted, 2U);
  });
}

}  // namespace
}  // namespace assay::data::redis::testing
