#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "stack/guard/rate_limit/layer.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::rate_limit {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr instant start{1000s};

TEST(rate_limit_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check({.requests = 1, .per = 24h, .burst = 1}));
  EXPECT_EQ(check({.requests = 0}).error(), "rate_limit.requests is 0; allowed: 1 to 1000000");
  EXPECT_EQ(check({.per = 0s}).error(), "rate_limit.per is 0 s; allowed: 1 ms to 86400 s");
  EXPECT_EQ(check({.requests = 1, .per = 1h, .burst = 25}).error(), "rate_limit.burst is 25; allowed: 1 to 24")
      << "a bucket that fills within a day";
  EXPECT_EQ(check({.max_keys = 0}).error(), "rate_limit.max_keys is 0; allowed: 1 to 10000000");
  EXPECT_DEATH(policy({.burst = 0}), "options are checked");
}

TEST(rate_limit, a_burst_and_then_one_by_one) {
  policy quota({.requests = 10, .per = 1s, .burst = 3});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(quota.take("a", start).allowed);
  EXPECT_FALSE(quota.take("a", start).allowed);
  EXPECT_EQ(quota.take("a", start).retry_after, 100ms);
  EXPECT_EQ(quota.take("a", start + 99ms).retry_after, 1ms) << "what was refused has cost nothing";
  EXPECT_TRUE(quota.take("a", start + 100ms).allowed);
  EXPECT_FALSE(quota.take("a", start + 100ms).allowed);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(quota.take("a", start + 1h).allowed) << "never more than a burst";
  EXPECT_FALSE(quota.take("a", start + 1h).allowed);
  EXPECT_EQ(quota.counted().allowed, 7U);
  EXPECT_EQ(quota.counted().refused, 5U);
}

TEST(rate_limit, each_key_has_its_own_bucket_up_to_its_first_bytes) {
  policy quota({.requests = 1, .per = 1s, .burst = 1});
  const std::string lengthy(max_key_bytes, 'k');
  for (const std::string& key : {std::string("a"), std::string("b"), std::string(), lengthy}) {
    EXPECT_TRUE(quota.take(key, start).allowed);
    EXPECT_FALSE(quota.take(key, start).allowed);
  }
  EXPECT_FALSE(quota.take(lengthy + "and more", start).allowed);
  EXPECT_EQ(quota.keys(), 4U);
}

TEST(rate_limit, beyond_max_keys_the_one_unused_for_longest_is_forgotten_and_says_so) {
  policy quota({.requests = 1, .per = 1s, .burst = 2, .max_keys = 2});
  std::ignore = quota.take("a", start);
  std::ignore = quota.take("b", start);
  std::ignore = quota.take("a", start);  // a is empty, b was used longer ago
  std::ignore = quota.take("c", start);
  EXPECT_EQ(quota.keys(), 2U);
  EXPECT_EQ(quota.counted().forgotten_in_debt, 1U) << "b lacked a token";
  EXPECT_FALSE(quota.take("a", start).allowed) << "still known";
  std::ignore = quota.take("d", start + 1s);
  EXPECT_EQ(quota.counted().forgotten, 2U);
  EXPECT_EQ(quota.counted().forgotten_in_debt, 1U) << "c was full again: nothing is lost";
}

// The textbook's bucket: a level that is raised by the time that passed.
struct level_bucket {
  duration level;
  instant filled_at;
};

TEST(rate_limit, decides_as_a_bucket_whose_level_is_kept) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    const options given = {.requests = 1 + random() % 1000,
                           .per = std::chrono::milliseconds(1 + random() % 5000),
                           .burst = 1 + random() % 20};
    ASSERT_TRUE(check(given)) << check(given).error();
    policy quota(given);
    const duration token = given.per / static_cast<duration::rep>(given.requests);
    const duration most = token * static_cast<duration::rep>(given.burst);
    std::map<std::string, level_bucket> model;
    instant now = start;
    for (int step = 0; step < 5000; ++step) {
      now += duration(static_cast<duration::rep>(random() % static_cast<std::uint64_t>(token.count())));
      const std::string key(1, static_cast<char>('a' + random() % 3));
      level_bucket& expected = model.try_emplace(key, level_bucket{.level = most, .filled_at = now}).first->second;
      expected.level = std::min(most, expected.level + (now - expected.filled_at));
      expected.filled_at = now;
      const verdict told = quota.take(key, now);
      ASSERT_EQ(told.allowed, expected.level >= token) << "seed " << seed << " step " << step;
      if (told.allowed) {
        expected.level -= token;
      } else {
        ASSERT_EQ(told.retry_after, token - expected.level);
      }
    }
  }
}

TEST(rate_limit, in_front_of_a_handler_answers_429_with_the_time_to_come_back) {
  using http::testing::get;
  const auto quota = std::make_shared<policy>(options{.requests = 1, .per = 5s, .burst = 1});
  const auto seen = http::testing::play_one(
      compose({layer(quota, by_field("X-Api-Key"))}, http::handler(http::testing::answer_target)),
      {{0ms, get("/a", "x-api-key: one\r\n")},
       {1s, get("/b", "x-api-key: one\r\n")},
       {2s, get("/c", "x-api-key: two\r\n")},
       {3s, get("/d")},
       {5s, get("/e", "x-api-key: one\r\n")}});
  const auto responses = http::testing::split_responses(seen);
  EXPECT_THAT(http::testing::statuses(seen), ElementsAre(200, 429, 200, 200, 200));
  EXPECT_EQ(responses.at(1).header("retry-after"), "4");
  EXPECT_TRUE(responses.at(1).keep_alive);
}

TEST(rate_limit, for_all_is_one_bucket) {
  const auto quota = std::make_shared<policy>(options{.requests = 1, .per = 5s, .burst = 1});
  const auto seen = http::testing::play_one(
      compose({layer(quota, for_all())}, http::handler(http::testing::answer_target)),
      {{0ms, http::testing::get("/a", "x-api-key: one\r\n") + http::testing::get("/b", "x-api-key: two\r\n")}});
  EXPECT_THAT(http::testing::statuses(seen), ElementsAre(200, 429));
}

}  // namespace
}  // namespace assay::guard::rate_limit
