// The pool when connections fail, age and carry what they should not; and transactions.
#include <gmock/gmock.h>

#include "tests/stack/data/redis/redis_test_support.hpp"

namespace assay::data::redis::testing {
namespace {

using ::testing::ElementsAre;

class redis_loss_test : public redis_test {
 protected:
  redis_loss_test() : redis_test({.latency = 100us}) {}
};

TEST_F(redis_loss_test, a_connection_lost_in_the_middle_fails_all_that_are_on_it) {
  peer_.pause = 10ms;
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    scope callers(co_await this_context());
    std::vector<outcome> got(3);
    for (outcome& each : got) callers.spawn(echo_into(cache, "x", each));
    EXPECT_TRUE(co_await delay_for(1ms));
    peer.close_all();
    EXPECT_TRUE(co_await callers.join());
    for (const outcome& each : got) {
      EXPECT_FALSE(each.got);
      if (!each.got) EXPECT_EQ(each.got.error().condition, redis_condition::unavailable);
      EXPECT_LT(each.took, 2ms);
    }
    EXPECT_EQ((co_await cache.command("ECHO", "next"))->text, "next");
    EXPECT_EQ(cache.counters().closed_broken, 1U);
  });
}

TEST_F(redis_loss_test, a_connection_that_was_closed_while_idle_is_noticed_before_it_is_used) {
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    peer.close_all();
    EXPECT_TRUE(co_await delay_for(1ms));
    EXPECT_EQ((co_await cache.command("ECHO", "next"))->text, "next");
    EXPECT_EQ(cache.counters().failures, 0U);
    EXPECT_EQ(cache.counters().closed_broken, 1U);
  });
}

TEST_F(redis_loss_test, bytes_that_nobody_asked_for_are_not_taken_for_an_answer) {
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    peer.say(0, "+stray\r\n");
    EXPECT_TRUE(co_await delay_for(1ms));
    EXPECT_EQ((co_await cache.command("ECHO", "mine"))->text, "mine");
    EXPECT_EQ(peer.accepted, 2U);
  });
}

TEST_F(redis_loss_test, what_is_not_redis_is_a_protocol_error) {
  peer_.answer = [](std::size_t connection, const words& command) -> std::optional<std::string> {
    if (connection == 0 && command[0] == "ECHO") return "HTTP/1.1 400 Bad Request\r\n\r\n";
    if (connection == 1 && command[0] == "ECHO") return "+two\r\n+answers\r\n";
    return std::nullopt;
  };
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(failed_as(co_await cache.command("ECHO", "x"), redis_condition::unavailable, errc::protocol));
    EXPECT_EQ((co_await cache.command("ECHO", "x"))->text, "two");
    EXPECT_EQ((co_await cache.command("ECHO", "x"))->text, "x") << "the other of the two ended the connection";
    EXPECT_EQ(peer.accepted, 3U);
  });
}

TEST_F(redis_loss_test, news_between_answers_are_no_answers) {
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "ECHO") return ">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n" + bulk(command[1]);
    return std::nullopt;
  };
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_EQ((co_await cache.command("ECHO", "x"))->text, "x");
    EXPECT_EQ((co_await cache.command("ECHO", "y"))->text, "y");
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_loss_test, old_and_long_idle_connections_are_replaced) {
  pool_options aging = usual();
  aging.max_age = 10s;
  aging.idle_timeout = 2s;
  run(aging, [](pool& cache, fake_server& peer) -> task<void> {
    for (int i = 0; i < 11; ++i) {
      EXPECT_TRUE(co_await cache.command("PING"));
      EXPECT_TRUE(co_await delay_for(1s));
    }
    EXPECT_EQ(cache.counters().closed_old, 1U);
    EXPECT_TRUE(co_await cache.command("PING"));
    EXPECT_TRUE(co_await delay_for(3s));
    EXPECT_TRUE(co_await cache.command("PING"));
    EXPECT_EQ(cache.counters().closed_idle, 1U);
    EXPECT_EQ(peer.accepted, 3U);
    EXPECT_EQ(cache.counters().failures, 0U);
  });
}

TEST_F(redis_loss_test, a_transaction_is_sent_as_a_whole_and_its_answers_are_those_of_its_commands) {
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "INCR" || command[0] == "EXPIRE") return "+QUEUED\r\n";
    if (command[0] == "EXEC") return "*2\r\n:7\r\n-WRONGTYPE no\r\n";
    return std::nullopt;
  };
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    batch both;
    both.add("INCR", "a").add("EXPIRE", "a", 60);
    const auto done = co_await cache.atomic(both);
    EXPECT_TRUE(done) << describe(done.error());
    if (done) {
      EXPECT_EQ((*done)[0].integer_if(), 7);
      EXPECT_TRUE((*done)[1].is_error());
    }
    EXPECT_THAT(peer.commands, ElementsAre(words{"HELLO", "3"}, words{"MULTI"}, words{"INCR", "a"},
                                           words{"EXPIRE", "a", "60"}, words{"EXEC"}));
  });
}

TEST_F(redis_loss_test, a_transaction_that_was_refused_says_why) {
  peer_.answer = [](std::size_t, const words& command) -> std::optional<std::string> {
    if (command[0] == "INCR") return "-MOVED 1 127.0.0.1:7001\r\n";
    if (command[0] == "EXEC") return "-EXECABORT Transaction discarded because of previous errors.\r\n";
    return std::nullopt;
  };
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    batch one;
    one.add("INCR", "a");
    EXPECT_TRUE(failed_as(co_await cache.atomic(one), redis_condition::moved, errc::system));
    EXPECT_EQ(cache.counters().error_replies, 1U);
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_loss_test, what_cannot_be_sent_is_refused) {
  pool_options small = usual();
  small.connection.max_commands = 2;
  small.connection.max_unsent_bytes = 1000;
  run(small, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_EQ((co_await cache.run({})).error().code, errc::invalid_argument);
    batch three;
    three.add("PING").add("PING").add("PING");
    EXPECT_EQ((co_await cache.run(three)).error().code, errc::invalid_argument);
    EXPECT_TRUE(
        failed_as(co_await cache.command("ECHO", std::string(1000, 'x')), redis_condition::overloaded, errc::limit));
    EXPECT_EQ((co_await cache.command("ECHO", "x"))->text, "x");
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_loss_test, an_unusable_url_is_said_by_every_command) {
  pool_options bad = usual();
  bad.url = "http://127.0.0.1";
  run(bad, [](pool& cache, fake_server&) -> task<void> {
    EXPECT_EQ((co_await cache.open()).error().code, errc::invalid_argument);
    EXPECT_EQ((co_await cache.command("PING")).error().code, errc::invalid_argument);
  });
}

TEST_F(redis_loss_test, a_host_name_is_looked_up_by_a_pool_that_was_given_no_resolver) {
  pool_options named = usual();
  named.url = "redis://localhost";
  named.connect_timeout = duration::max();  // virtual time does not wait for a thread
  run(named, [](pool& cache, fake_server&) -> task<void> {
    EXPECT_EQ((co_await cache.command("ECHO", "found"))->text, "found");
  });
  named.url = "redis://no.such.host.invalid";
  run(named, [](pool& cache, fake_server&) -> task<void> {
    EXPECT_TRUE(failed_as(co_await cache.command("PING"), redis_condition::unavailable, errc::unresolved));
  });
}

TEST_F(redis_loss_test, who_gives_up_alone_in_the_middle_of_sending_ends_the_connection) {
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    peer.pause = 1s;  // the server reads nothing meanwhile, and the window fills
    outcome late;
    co_await echo_until(cache, std::string(8'000'000, 'x'), 10ms, late);
    EXPECT_TRUE(failed_as(late.got, redis_condition::none, errc::timed_out));
    peer.pause = {};
    EXPECT_EQ((co_await cache.command("ECHO", "next"))->text, "next");
  });
}

TEST_F(redis_loss_test, large_values_pass) {
  run(usual(), [](pool& cache, fake_server&) -> task<void> {
    const std::string large(3'000'000, 'x');
    const auto got = co_await cache.command("ECHO", large);
    EXPECT_TRUE(got && got->text == large);
  });
}

class redis_away_test : public sim_test {};

task<errc> ping_within(pool& cache, duration patience) {
  const context& ctx = co_await this_context();
  const auto got = co_await with_deadline(ctx.on->turn_time() + patience, cache.command("PING"));
  co_return got ? errc::system : got.error().code;
}

TEST_F(redis_loss_test, a_server_that_accepts_and_says_nothing_is_away_though_callers_have_less_than_connect_timeout) {
  pool_options patient = usual();
  patient.backoff_min = patient.backoff_max = 10s;
  peer_.answer = [](std::size_t, const words&) -> std::optional<std::string> { return ""; };
  run(patient, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_EQ(co_await ping_within(cache, 400ms), errc::timed_out);
    EXPECT_EQ(co_await ping_within(cache, 600ms), errc::timed_out) << "the first had no fair wait";
    EXPECT_EQ(co_await ping_within(cache, 600ms), errc::refused);
    EXPECT_EQ(cache.counters().refused_while_away, 1U);
    EXPECT_EQ(peer.accepted, 2U);
  });
}

TEST_F(redis_loss_test, a_server_that_has_stopped_answering_is_away_once_a_row_of_calls_had_no_answer) {
  pool_options patient = usual();
  patient.backoff_min = patient.backoff_max = 10s;
  peer_.answer = [](std::size_t, const words& command) {
    return command[0] == "PING" ? std::optional<std::string>("") : std::nullopt;
  };
  run(patient, [](pool& cache, fake_server& peer) -> task<void> {
    for (const duration patience : {600ms, 600ms, 400ms})
      EXPECT_EQ(co_await ping_within(cache, patience), errc::timed_out);
    peer.say(0, "+PONG\r\n+PONG\r\n+PONG\r\n");
    EXPECT_TRUE(co_await cache.command("ECHO", "x")) << "two had a fair wait, and then it answers";
    for (int times = 0; times < 3; ++times) EXPECT_EQ(co_await ping_within(cache, 600ms), errc::timed_out) << times;
    const auto told = co_await ping(cache);
    EXPECT_FALSE(told);
    if (!told) EXPECT_EQ(told.error().code, errc::refused);
    EXPECT_EQ(cache.usage().open, 0U);
    EXPECT_EQ(cache.counters().closed_broken, 1U);
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_loss_test, who_tells_whether_it_is_ready_asks_the_pool) {
  run(usual(), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await ping(cache));
    EXPECT_EQ(peer.count("PING"), 1U);
  });
}

TEST_F(redis_away_test, a_server_that_is_away_is_asked_again_only_after_growing_pauses) {
  pool cache({.url = url, .backoff_min = 100ms, .backoff_max = 400ms, .seed = 1});
  auto body = [](pool& db) -> task<void> {
    std::vector<std::uint64_t> attempts;
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(failed_as(co_await db.command("PING"), redis_condition::unavailable, errc::refused));
      attempts.push_back(db.counters().open_failures);
      EXPECT_TRUE(co_await delay_for(10ms));
    }
    EXPECT_EQ(attempts.front(), 1U);
    EXPECT_GE(attempts.back(), 5U) << "2 s of pauses of at most 0.4 s";
    EXPECT_LE(attempts.back(), 13U);
    EXPECT_EQ(db.counters().refused_while_away, 200 - attempts.back());
  };
  on_.run(body(cache));
  EXPECT_EQ(cache.usage().open, 0U);
}

}  // namespace
}  // namespace assay::data::redis::testing
