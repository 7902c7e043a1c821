// Calls that were given up when nobody else was on their connection: what they leave behind is in nobody's way.
#include <gmock/gmock.h>

#include "tests/stack/data/redis/redis_test_support.hpp"

namespace assay::data::redis::testing {
namespace {

using ::testing::Each;
using ::testing::Field;

std::string text_of(const outcome& of) { return of.got ? of.got->text : "failed: " + describe(of.got.error()); }

class redis_given_up_test : public redis_test {
 protected:
  redis_given_up_test() : redis_test({.latency = 100us}) {}

  static pool_options of_places(std::size_t count) {
    pool_options options = usual();
    options.max_connections = 1;
    options.connection.max_in_flight = count;
    return options;
  }
};

TEST_F(redis_given_up_test, the_only_place_is_free_again_when_its_only_user_has_left) {
  run(of_places(1), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    peer.pause = 50ms;
    outcome gone;
    co_await echo_until(cache, "gone", 10ms, gone);
    EXPECT_TRUE(failed_as(gone.got, redis_condition::none, errc::timed_out));
    outcome next;
    co_await echo_into(cache, "next", next);
    EXPECT_EQ(text_of(next), "next");
    EXPECT_LT(next.took, 100ms) << "the answer before it, and its own";
    EXPECT_EQ(peer.accepted, 1U);
    EXPECT_EQ(cache.usage().in_flight, 0U);
  });
}

TEST_F(redis_given_up_test, who_stands_in_line_reads_what_the_last_user_left_behind) {
  run(of_places(1), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    peer.pause = 50ms;
    scope callers(co_await this_context());
    outcome gone;
    outcome waited;
    callers.spawn(echo_until(cache, "gone", 10ms, gone));
    callers.spawn(echo_into(cache, "waited", waited));
    EXPECT_EQ(cache.usage().waiting, 1U);
    EXPECT_TRUE(co_await callers.join());
    EXPECT_FALSE(gone.got);
    EXPECT_EQ(text_of(waited), "waited");
    EXPECT_LT(waited.took, 110ms);
    EXPECT_EQ(peer.accepted, 1U);
  });
}

TEST_F(redis_given_up_test, a_pause_of_the_server_that_everybody_gives_up_in_costs_nobody_his_place) {
  pool_options small = of_places(4);
  small.max_connections = 2;
  small.spread_at = 4;
  run(small, [](pool& cache, fake_server& peer) -> task<void> {
    peer.pause = 100ms;
    std::vector<outcome> gone(8);
    scope callers(co_await this_context());
    for (outcome& each : gone) callers.spawn(echo_until(cache, "gone", 250ms, each));
    EXPECT_TRUE(co_await callers.join());
    std::vector<outcome> later(8);
    scope others(co_await this_context());
    for (std::size_t i = 0; i < later.size(); ++i) others.spawn(echo_into(cache, std::to_string(i), later[i]));
    EXPECT_TRUE(co_await others.join());
    for (std::size_t i = 0; i < later.size(); ++i) {
      EXPECT_TRUE(later[i].got && later[i].got->text == std::to_string(i)) << i;
    }
    EXPECT_EQ(peer.accepted, 2U);
    EXPECT_EQ(cache.usage().in_flight, 0U);
  });
}

TEST_F(redis_given_up_test, what_is_never_answered_ends_the_connection_in_its_time_though_nobody_waited_for_it) {
  pool_options brief = of_places(1);
  brief.connection.reply_timeout = 1s;
  peer_.answer = [](std::size_t, const words& command) {
    return command.back() == "lost" ? std::optional<std::string>("") : std::nullopt;
  };
  run(brief, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    outcome lost;
    co_await echo_until(cache, "lost", 10ms, lost);
    outcome next;
    co_await echo_into(cache, "next", next);
    EXPECT_EQ(text_of(next), "next");
    EXPECT_GT(next.took, 980ms);
    EXPECT_LT(next.took, 1s);
    EXPECT_EQ(peer.accepted, 2U);
    EXPECT_EQ(cache.counters().closed_broken, 1U);
  });
}

TEST_F(redis_given_up_test, the_wait_for_the_answers_of_others_has_the_limits_of_any_wait_for_a_place) {
  pool_options brief = of_places(1);
  brief.wait_timeout = 20ms;
  run(brief, [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    peer.pause = 100ms;
    outcome gone;
    co_await echo_until(cache, "gone", 10ms, gone);
    outcome refused;
    co_await echo_into(cache, "refused", refused);
    EXPECT_TRUE(failed_as(refused.got, redis_condition::pool_exhausted, errc::limit));
    EXPECT_EQ(refused.took, 20ms);
    outcome late;
    co_await echo_until(cache, "late", 10ms, late);
    EXPECT_TRUE(failed_as(late.got, redis_condition::none, errc::timed_out));
    EXPECT_EQ(cache.counters().waits, 2U);
    EXPECT_EQ(cache.counters().wait_timeouts, 1U);
    EXPECT_TRUE(co_await delay_for(100ms));
    EXPECT_EQ((co_await cache.command("ECHO", "next"))->text, "next");
    EXPECT_EQ(peer.count("ECHO"), 2U) << "what was refused was not sent";
  });
}

TEST_F(redis_given_up_test, several_wait_for_one_connection_and_each_is_served_in_turn) {
  run(of_places(2), [](pool& cache, fake_server& peer) -> task<void> {
    EXPECT_TRUE(co_await cache.open());
    peer.pause = 10ms;
    scope first(co_await this_context());
    std::vector<outcome> gone(2);
    for (outcome& each : gone) first.spawn(echo_until(cache, "gone", 5ms, each));
    EXPECT_TRUE(co_await first.join());
    scope callers(co_await this_context());
    std::vector<outcome> got(6);
    for (outcome& each : got) callers.spawn(echo_into(cache, "mine", each));
    EXPECT_TRUE(co_await callers.join());
    EXPECT_THAT(got, Each(Field(&outcome::took, ::testing::Lt(duration(100ms)))));
    for (const outcome& each : got) EXPECT_TRUE(each.got && each.got->text == "mine");
    EXPECT_EQ(peer.count("ECHO"), 8U);
  });
}

}  // namespace
}  // namespace assay::data::redis::testing
