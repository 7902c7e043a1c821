// What a cache keeps, for how long, and within what bounds.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "stack/guard/cache/directives.hpp"
#include "stack/guard/cache/key.hpp"
#include "stack/guard/cache/policy.hpp"
#include "tests/stack/guard/guard_test_support.hpp"

namespace assay::guard::cache {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using guard::testing::run_virtual;

constexpr instant start = guard::testing::virtual_start;

TEST(cache_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check({.ttl = 0s, .stale_for = 0s}));
  EXPECT_EQ(check({.ttl = 2h}).error(), "cache.ttl is 7200 s; allowed: 0 s to 3600 s");
  EXPECT_EQ(check({.max_bytes = 2000, .max_answer_bytes = 2001, .statuses = {206}}).error(),
            "cache.max_answer_bytes is 2001; allowed: 1 to 2000\n"
            "cache.statuses is 206; allowed: 200 to 599, not 206 and 304, which are parts");
  EXPECT_DEATH(policy({.max_entries = 0}), "options are checked");
}

// --- Cache-Control
// -----------------------------------------------------------------------------------------------------

directives read(std::string_view value) {
  directives into;
  read_cache_control(value, into);
  return into;
}

TEST(cache_control, is_a_list_of_names_with_arguments) {
  EXPECT_TRUE(read("no-store").no_store);
  EXPECT_TRUE(read("No-Store").no_store);
  EXPECT_TRUE(read("public, max-age=60,NO-CACHE").no_cache);
  EXPECT_TRUE(read(" , ,private").is_private);
  EXPECT_TRUE(read("private=\"set-cookie\"").is_private);
  EXPECT_TRUE(read("proxy-revalidate").must_revalidate);
  EXPECT_EQ(read("max-age=60").max_age, 60s);
  EXPECT_EQ(read("max-age=\"60\"").max_age, 60s);
  EXPECT_EQ(read("max-age=60, max-age=30, max-age=90").max_age, 30s) << "the shortest";
  EXPECT_EQ(read("s-maxage=5,max-age=60").s_maxage, 5s);
  EXPECT_EQ(read("max-age=99999999999999999999").max_age, 24h * 365);
  EXPECT_FALSE(read("x=\"no-store, private\"").no_store) << "within quotes";
  EXPECT_FALSE(read("x=\"a\\\"no-store\"").no_store);
  EXPECT_FALSE(read("").malformed);
  EXPECT_FALSE(read("immutable, stale-if-error=60, x=y").malformed);
}

TEST(cache_control, that_is_malformed_is_told) {
  for (const char* bad : {"max-age", "max-age=", "max-age=x", "max-age=-1", "max-age=1.5", "a=\"b", "a b", "=1",
                          "\"a\"", "max-age=60=60", "a=\"b\"c", "a=\"b\\"}) {
    EXPECT_TRUE(read(bad).malformed) << bad;
  }
}

// No text makes it read beyond its end or loop, whatever stands in it.
TEST(cache_control, survives_any_text) {
  std::mt19937_64 random(1);
  constexpr std::string_view bytes = "max-age=60,no-store\"\\ \tprivate\x00\xff"sv;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto left = random() % 20; left > 0; --left) text += bytes[random() % bytes.size()];
    directives once;
    read_cache_control(text, once);
    read_cache_control(std::string(text) + ",", once);
    if (once.max_age) {
      EXPECT_GE(once.max_age->count(), 0);
    }
  }
}

// --- what becomes of an answer
// -----------------------------------------------------------------------------------------

answer with(std::vector<std::pair<std::string, std::string>> headers, int status = 200, std::string body = "x") {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

fate of(std::vector<std::pair<std::string, std::string>> headers, int status = 200, const options& by = {}) {
  return judge(with(std::move(headers), status), by);
}

TEST(cache_judge, keeps_what_nobody_forbids_for_as_long_as_it_says) {
  EXPECT_EQ(of({}).how, use::keep);
  EXPECT_EQ(of({}).ttl, 10s);
  EXPECT_EQ(of({{"cache-control", "max-age=60"}}).ttl, 60s);
  EXPECT_EQ(of({{"Cache-Control", "max-age=60"}, {"cache-control", "s-maxage=30"}}).ttl, 30s);
  EXPECT_EQ(of({{"cache-control", "max-age=7201"}}).ttl, 1h) << "max_ttl";
  EXPECT_EQ(of({{"cache-control", "max-age=60"}, {"age", "20"}}).ttl, 40s);
  EXPECT_EQ(of({{"cache-control", "max-age=60"}, {"age", "20"}}).age, 20s);
  EXPECT_TRUE(of({}).when_stale);
  EXPECT_FALSE(of({{"cache-control", "max-age=60, must-revalidate"}}).when_stale);
}

TEST(cache_judge, gives_to_nobody_else_what_is_for_one) {
  for (const char* control : {"no-store", "no-cache", "private", "max-age=0", "max-age=60, private", "max-age=x"}) {
    EXPECT_EQ(of({{"cache-control", control}}).how, use::own) << control;
  }
  EXPECT_EQ(of({{"set-cookie", "a=b"}}).how, use::own);
  EXPECT_EQ(of({{"vary", "*"}}).how, use::own);
  EXPECT_EQ(of({{"vary", "accept-language"}}).how, use::own);
  EXPECT_EQ(of({{"expires", "0"}}).how, use::own) << "it is not read, and somebody meant it";
  EXPECT_EQ(of({{"expires", "0"}, {"cache-control", "max-age=5"}}).how, use::keep) << "max-age goes before it";
  EXPECT_EQ(of({{"cache-control", "max-age=60"}, {"age", "60"}}).how, use::own) << "no longer fresh";
  EXPECT_EQ(of({{"cache-control", "no-store"}}, 500).how, use::own);
  EXPECT_EQ(of({}, 206).how, use::own);
}

TEST(cache_judge, shares_and_forgets_other_statuses) {
  EXPECT_EQ(of({}, 404).how, use::share);
  EXPECT_EQ(of({}, 503).how, use::share);
  EXPECT_EQ(of({}, 404, {.statuses = {200, 404}}).how, use::keep);
  EXPECT_EQ(of({}, 200, {.ttl = 0s}).how, use::share) << "what does not say is not kept";
  EXPECT_EQ(of({{"cache-control", "max-age=60"}}, 200, {.ttl = 0s}).how, use::keep);
}

TEST(cache_judge, lets_an_answer_vary_by_what_is_in_the_key) {
  const options by = {.key_fields = {"Accept-Language", "accept"}};
  EXPECT_EQ(of({{"vary", "accept-language"}}, 200, by).how, use::keep);
  EXPECT_EQ(of({{"vary", "Accept ,\taccept-language,"}}, 200, by).how, use::keep);
  EXPECT_EQ(of({{"vary", "accept"}, {"vary", "origin"}}, 200, by).how, use::own);
  EXPECT_EQ(of({{"vary", "accept, *"}}, 200, by).how, use::own);
}

// --- keys
// --------------------------------------------------------------------------------------------------------------

using fields = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string> key(std::string_view target, const fields& sent = {}, const options& by = {},
                               std::string_view verb = "GET") {
  return key_of(verb, "host", target, sent, by);
}

TEST(cache_key, tells_requests_apart_by_what_they_ask_and_by_key_fields) {
  EXPECT_EQ(key("/a"), key("/a", {{"user-agent", "x"}}));
  EXPECT_NE(key("/a"), key("/b"));
  EXPECT_NE(key("/a"), key("/a", {}, {}, "HEAD"));
  EXPECT_NE(key("/a"), key_of("GET", "other", "/a", fields(), options()));
  const options by = {.key_fields = {"accept", "x"}};
  EXPECT_NE(key("/a", {{"Accept", "text/html"}}, by), key("/a", {}, by));
  EXPECT_NE(key("/a", {{"accept", "1"}}, by), key("/a", {{"x", "1"}}, by));
}

TEST(cache_key, is_none_for_what_goes_past) {
  EXPECT_EQ(key("/a", {}, {}, "POST"), std::nullopt);
  EXPECT_EQ(key("/a", {}, {}, "get"), std::nullopt);
  for (const char* name : {"Authorization", "cookie", "Range", "if-none-match", "If-Modified-Since", "upgrade"}) {
    EXPECT_EQ(key("/a", {{name, "x"}}), std::nullopt) << name;
  }
  for (const char* control : {"no-cache", "no-store", "max-age=0", "=", "max-age=x"}) {
    EXPECT_EQ(key("/a", {{"cache-control", control}}), std::nullopt) << control;
  }
  EXPECT_NE(key("/a", {{"cache-control", "max-stale"}}), std::nullopt);
  EXPECT_EQ(key("/a", {{"x-api-key", "x"}}, {.credential_fields = {"X-Api-Key"}}), std::nullopt);
}

// --- the store
// ---------------------------------------------------------------------------------------------------------

// What is there for the key: a body, "alone", or nothing, and then nothing is asked either.
task<std::string> look(policy* store, std::string key) {
  const decision decided = co_await store->enter(std::move(key));
  if (const auto* found = std::get_if<hit>(&decided)) co_return found->given->body;
  co_return std::holds_alternative<alone>(decided) ? "alone" : "";
}

task<void> look_at(policy* store, std::string key, instant when, std::string* into) {
  std::ignore = co_await delay_until(when);
  *into = co_await look(store, std::move(key));
}

std::string there(policy& store, std::string key, instant when) {
  std::string found;
  run_virtual(look_at(&store, std::move(key), when, &found));
  return found;
}

TEST(cache_store, gives_what_it_keeps_until_its_time_and_as_stale_beyond_it) {
  policy store({.ttl = 10s, .stale_for = 20s});
  EXPECT_EQ(there(store, "a", start), "");
  store.offer("a", with({}, 200, "one"), start);
  EXPECT_EQ(there(store, "a", start + 10s - 1ns), "one");
  EXPECT_EQ(there(store, "a", start + 10s), "");
  EXPECT_EQ(store.stale("a", start + 30s - 1ns)->given->body, "one");
  EXPECT_EQ(store.stale("a", start + 30s - 1ns)->age, 30s - 1ns);
  EXPECT_FALSE(store.stale("a", start + 30s));
  EXPECT_EQ(store.entries(), 0U);
  EXPECT_EQ(store.bytes(), 0U);
}

TEST(cache_store, keeps_the_last_answer_of_a_key) {
  policy store({});
  store.offer("a", with({}, 200, "one"), start);
  store.offer("a", with({}, 200, "two"), start + 1s);
  EXPECT_EQ(there(store, "a", start + 2s), "two");
  EXPECT_EQ(store.entries(), 1U);
  EXPECT_EQ(store.counted().evicted, 0U);
  store.offer("a", with({{"cache-control", "no-store"}}, 200, "three"), start + 2s);
  EXPECT_EQ(there(store, "a", start + 3s), "two") << "what is not offered to be kept changes nothing";
}

TEST(cache_store, forgets_the_least_recently_used) {
  policy store({.max_entries = 2});
  store.offer("a", with({}, 200, "a"), start);
  store.offer("b", with({}, 200, "b"), start);
  EXPECT_EQ(there(store, "a", start), "a");
  store.offer("c", with({}, 200, "c"), start);
  EXPECT_EQ(there(store, "a", start), "a");
  EXPECT_EQ(there(store, "b", start), "");
  EXPECT_EQ(store.counted().evicted, 1U);
}

TEST(cache_store, does_not_keep_what_is_too_large) {
  policy store({.max_answer_bytes = 1000});
  store.offer("a", with({}, 200, std::string(1000, 'x')), start);
  EXPECT_EQ(store.entries(), 0U);
  EXPECT_EQ(store.counted().too_large, 1U);
}

TEST(cache_store, never_holds_more_than_it_may) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    policy store({.stale_for = 5s, .max_entries = 20, .max_bytes = 20'000, .max_answer_bytes = 5000});
    instant now = start;
    for (int step = 0; step < 5000; ++step) {
      now += std::chrono::milliseconds(random() % 200);
      const std::string key = "k" + std::to_string(random() % 40);
      if (random() % 2 == 0) {
        const std::string control = "max-age=" + std::to_string(random() % 20);
        store.offer(key, with({{"cache-control", control}}, 200, std::string(random() % 6000, 'x')), now);
      } else if (const auto old = store.stale(key, now)) {
        ASSERT_LT(*old->age, 25s);
      }
      ASSERT_LE(store.entries(), 20U);
      ASSERT_LE(store.bytes(), 20'000U);
      ASSERT_EQ(store.entries() == 0, store.bytes() == 0);
    }
    EXPECT_GT(store.counted().evicted, 100U);
  }
}

}  // namespace
}  // namespace assay::guard::cache
