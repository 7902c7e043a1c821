// The pure parts: commands as bytes, errors, URLs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "stack/data/redis/batch.hpp"
#include "stack/data/redis/redis_error.hpp"
#include "stack/data/redis/target.hpp"

namespace assay::data::redis {
namespace {

using namespace std::string_view_literals;

TEST(batch_test, each_word_has_its_length_whatever_is_in_it) {
  batch one;
  one.add("SET", std::string("k\r\ney"), "a\0b"sv);
  EXPECT_EQ(one.bytes(), "*3\r\n$3\r\nSET\r\n$5\r\nk\r\ney\r\n$3\r\na\0b\r\n"sv);
  EXPECT_EQ(one.size(), 1U);
}

TEST(batch_test, numbers_are_sent_as_their_digits) {
  batch one;
  one.add("X", std::numeric_limits<std::int64_t>::min(), 7U, 0.5, 0, "");
  EXPECT_EQ(one.bytes(),
            "*6\r\n$1\r\nX\r\n$20\r\n-9223372036854775808\r\n$1\r\n7\r\n$3\r\n0.5\r\n$1\r\n0\r\n$0\r\n\r\n");
}

TEST(batch_test, commands_stand_in_order) {
  batch first;
  first.add("PING").add("GET", "a");
  batch all;
  all.add("MULTI").append(first);
  EXPECT_EQ(all.size(), 3U);
  EXPECT_EQ(all.bytes(), "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
  const std::vector<word> words{"DEL", "a", 7};
  batch computed;
  computed.add_words(words);
  EXPECT_EQ(computed.bytes(), "*3\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\n7\r\n");
}

TEST(redis_error_test, codes_map_to_conditions) {
  const auto of = [](std::string_view said) { return from_reply(said, "command"); };
  EXPECT_EQ(of("MOVED 3999 127.0.0.1:6381").condition, redis_condition::moved);
  EXPECT_EQ(of("MOVED 3999 127.0.0.1:6381").message, "3999 127.0.0.1:6381");
  EXPECT_EQ(of("MOVED 3999 127.0.0.1:6381").code_word(), "MOVED");
  EXPECT_EQ(of("NOAUTH Authentication required.").code, errc::permission);
  EXPECT_EQ(of("WRONGTYPE Operation against a key").condition, redis_condition::wrong_type);
  EXPECT_EQ(of("OOM command not allowed").code, errc::limit);
  EXPECT_EQ(of("LOADING Redis is loading").condition, redis_condition::unavailable);
  EXPECT_EQ(of("ERR unknown command").condition, redis_condition::invalid_command);
  EXPECT_EQ(of("ERR max number of clients reached").condition, redis_condition::overloaded);
  EXPECT_EQ(of("MYMODULE said no").condition, redis_condition::other);
  EXPECT_EQ(of("MYMODULE said no").code_word(), "MYMODULE");
  EXPECT_EQ(of("a script's own words").code_word(), "");
  EXPECT_EQ(of("a script's own words").message, "a script's own words");
  EXPECT_EQ(of("").condition, redis_condition::other);
}

TEST(redis_error_test, a_message_is_one_line_of_bounded_length) {
  EXPECT_EQ(describe(from_reply("ERR two\r\nlines", "command")), "command: system: invalid_command [ERR]: two  lines");
  EXPECT_EQ(from_reply("ERR " + std::string(10'000, 'x'), "command").message.size(), redis_error::max_message_bytes);
  EXPECT_LT(from_reply(std::string(100, 'X'), "command").code_word().size(), 24U);
}

TEST(redis_error_test, every_condition_has_a_label_of_its_own) {
  std::set<std::string_view> labels;
  for (int i = 0; i <= static_cast<int>(redis_condition::other); ++i) {
    labels.insert(label(static_cast<redis_condition>(i)));
  }
  EXPECT_EQ(labels.size(), static_cast<std::size_t>(redis_condition::other) + 1);
}

TEST(target_test, a_url_says_who_and_where) {
  const auto full = target::parse("redis://app:p%40ss%2F@10.0.0.7:6380/3");
  ASSERT_TRUE(full) << describe(full.error());
  EXPECT_EQ(full->user, "app");
  EXPECT_EQ(full->password, "p@ss/");
  EXPECT_EQ(full->host, "10.0.0.7");
  EXPECT_EQ(full->port, 6380);
  EXPECT_EQ(full->database, 3U);
  const auto bare = target::parse("redis://cache.internal");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->host, "cache.internal");
  EXPECT_EQ(bare->port, 6379);
  EXPECT_EQ(bare->database, 0U);
  const auto v6 = target::parse("redis://:secret@[::1]:7000/");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->user, "");
  EXPECT_EQ(v6->password, "secret");
}

TEST(target_test, what_is_no_such_url_is_refused_and_does_not_tell_the_password) {
  for (const char* bad :
       {"", "127.0.0.1:6379", "http://a/", "redis://", "redis://:6379", "redis://a:0", "redis://a:70000", "redis://a:x",
        "redis://a/x", "redis://a/-1", "redis://[::1", "redis://a,b", "redis://u@a", "redis://u:se%zzcret@a",
        "redis://u:secret%4@a", "redis://a?db=1", "redis://[::1]x"}) {
    const auto refused = target::parse(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, errc::invalid_argument) << bad;
    EXPECT_THAT(describe(refused.error()), ::testing::Not(::testing::HasSubstr("cret"))) << bad;
  }
  EXPECT_EQ(target::parse("rediss://a").error().code, errc::unsupported);
}

TEST(target_test, a_setting_that_is_no_such_url_is_refused_by_its_name) {
  EXPECT_EQ(checked_url("REDIS_URL", "redis://a/3"), "redis://a/3");
  EXPECT_EQ(checked_url("REDIS_URL", ""), "") << "there is no Redis";
  const auto refused = checked_url("REDIS_URL", "redis://u:secret@a:x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(),
            "REDIS_URL is no URL of a Redis (host or port); allowed: redis://[user[:password]@]host[:port][/database]");
}

}  // namespace
}  // namespace assay::data::redis
