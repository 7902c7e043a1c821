#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>

#include "stack/guard/idempotency/policy.hpp"

namespace assay::guard::idempotency {
namespace {

using namespace std::chrono_literals;

constexpr instant start{1000s};
constexpr fingerprint some_print{.hash = 1, .body_bytes = 1};

TEST(idempotency_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_EQ(check({.ttl = 0s}).error(), "idempotency.ttl is 0 s; allowed: 1 s to 604800 s");
  EXPECT_EQ(check({.max_bytes = 2000, .max_answer_bytes = 2001}).error(),
            "idempotency.max_answer_bytes is 2001; allowed: 1 to 2000");
  EXPECT_EQ(check({.work_limit = 0s}).error(), "idempotency.work_limit is 0 s; allowed: 1 ms to 3600 s");
  EXPECT_DEATH(policy({.max_keys = 0}), "options are checked");
}

TEST(idempotency_fingerprint, tells_apart_what_is_asked) {
  const fingerprint print = fingerprint_of("POST", "/a", "bc");
  EXPECT_EQ(print, fingerprint_of("POST", "/a", "bc"));
  EXPECT_NE(print, fingerprint_of("PATCH", "/a", "bc"));
  EXPECT_NE(print, fingerprint_of("POST", "/ab", "c"));
  EXPECT_NE(print, fingerprint_of("POST", "/a", "bd"));
  EXPECT_NE(print, fingerprint_of("POST", "/a", std::string("bc\0", 3)));
}

// --- the store
// ---------------------------------------------------------------------------------------------------------

bool is_reserved(const decision& decided) { return std::holds_alternative<reservation>(decided); }

// The body of a replay; else what it is instead.
std::string told(const decision& decided) {
  if (is_reserved(decided)) return "reserved";
  if (const auto* kept = std::get_if<std::shared_ptr<const answer>>(&decided)) return "replay " + (*kept)->body;
  switch (std::get<refusal>(decided)) {
    case refusal::in_progress:
      return "in progress";
    case refusal::unknown:
      return "unknown";
    case refusal::mismatch:
      return "mismatch";
    case refusal::full:
      return "full";
  }
  return "";
}

answer with_body(std::string body) {
  answer given;
  given.body = std::move(body);
  return given;
}

void carry_out(policy& store, std::string_view key, instant now, std::string body) {
  decision first = store.begin(key, some_print, now);
  ASSERT_TRUE(is_reserved(first)) << told(first);
  std::get<reservation>(first).keep(with_body(std::move(body)), now);
}

TEST(idempotency_store, reserves_refuses_and_replays) {
  policy store(options{});
  {
    decision first = store.begin("k", some_print, start);
    EXPECT_EQ(told(first), "reserved");
    EXPECT_EQ(told(store.begin("k", some_print, start)), "in progress");
    EXPECT_EQ(told(store.begin("k", {.hash = 2, .body_bytes = 1}, start)), "mismatch");
    std::get<reservation>(first).keep(with_body("done"), start + 1s);
  }
  EXPECT_EQ(told(store.begin("k", some_print, start + 2s)), "replay done");
  EXPECT_EQ(told(store.begin("k", {.hash = 1, .body_bytes = 2}, start + 2s)), "mismatch");
}

TEST(idempotency_store, a_reservation_that_is_released_frees_its_key) {
  policy store(options{});
  {
    decision first = store.begin("k", some_print, start);
    std::get<reservation>(first).release();
  }
  EXPECT_EQ(store.keys(), 0U);
  EXPECT_EQ(store.counted().released, 1U);
  EXPECT_EQ(told(store.begin("k", {.hash = 2, .body_bytes = 1}, start)), "reserved");
}

TEST(idempotency_store, a_reservation_that_is_dropped_leaves_its_key_until_the_ttl_is_over) {
  policy store({.ttl = 10s});
  {
    const decision first = store.begin("k", some_print, start);
  }
  EXPECT_EQ(told(store.begin("k", some_print, start + 10s - 1ns)), "unknown");
  EXPECT_EQ(told(store.begin("k", {.hash = 2, .body_bytes = 1}, start)), "mismatch");
  EXPECT_GT(store.kept_bytes(), 0U);
  const decision again = store.begin("k", some_print, start + 10s);
  EXPECT_EQ(told(again), "reserved");
  EXPECT_EQ(store.kept_bytes(), 0U);
  EXPECT_EQ(store.counted().unanswered, 1U);
}

TEST(idempotency_store, an_answer_is_kept_for_its_ttl_from_the_end) {
  policy store({.ttl = 10s});
  carry_out(store, "k", start, "done");
  EXPECT_EQ(told(store.begin("k", some_print, start + 10s - 1ns)), "replay done");
  const decision again = store.begin("k", some_print, start + 10s);
  EXPECT_EQ(told(again), "reserved");
  EXPECT_EQ(store.counted().evicted, 0U);
  EXPECT_EQ(store.kept_bytes(), 0U);
}

TEST(idempotency_store, the_oldest_answer_makes_room_and_what_is_in_progress_never) {
  policy store({.max_keys = 2});
  carry_out(store, "a", start, "A");
  const decision running = store.begin("b", some_print, start);
  carry_out(store, "c", start, "C");
  EXPECT_EQ(store.counted().evicted, 1U);
  EXPECT_EQ(told(store.begin("c", some_print, start)), "replay C");
  const decision other = store.begin("d", some_print, start);
  EXPECT_EQ(told(other), "reserved");
  EXPECT_EQ(told(store.begin("e", some_print, start)), "full") << "two are in progress";
  EXPECT_EQ(told(store.begin("b", some_print, start)), "in progress");
  EXPECT_EQ(store.counted().full, 1U);
}

TEST(idempotency_store, an_answer_that_is_too_large_is_not_kept_and_its_key_is) {
  policy store({.max_answer_bytes = 1000});
  carry_out(store, "k", start, std::string(1000, 'x'));
  EXPECT_EQ(store.counted().too_large, 1U);
  EXPECT_LT(store.kept_bytes(), 1000U);
  EXPECT_EQ(told(store.begin("k", some_print, start)), "unknown");
}

// Against a map without bounds, while none are met.
TEST(idempotency_store, decides_as_a_map_of_all_keys) {
  struct known {
    fingerprint print;
    bool running = true;
    instant expires{};
    std::string body;
  };
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    policy store({.ttl = 5s});
    std::map<std::string, known> model;
    std::map<std::string, reservation> running;
    instant now = start;
    for (int step = 0; step < 5000; ++step) {
      now += std::chrono::milliseconds(random() % 500);
      std::erase_if(model, [now](const auto& each) { return !each.second.running && each.second.expires <= now; });
      const std::string key(1, static_cast<char>('a' + random() % 8));
      if (const auto mine = running.find(key); mine != running.end() && random() % 2 == 0) {
        const bool keeps = random() % 3 != 0;
        const std::string body = std::to_string(step);
        if (keeps) {
          mine->second.keep(with_body(body), now);
        } else {
          mine->second.release();
        }
        running.erase(mine);
        if (keeps) {
          model[key].running = false;
          model[key].expires = now + 5s;
          model[key].body = body;
        } else {
          model.erase(key);
        }
        continue;
      }
      const fingerprint print{.hash = random() % 2, .body_bytes = 0};
      decision decided = store.begin(key, print, now);
      const auto before = model.find(key);
      if (before == model.end()) {
        ASSERT_EQ(told(decided), "reserved") << "seed " << seed << " step " << step;
        running.emplace(key, std::move(std::get<reservation>(decided)));
        model[key].print = print;
      } else if (before->second.print != print) {
        ASSERT_EQ(told(decided), "mismatch");
      } else {
        ASSERT_EQ(told(decided), before->second.running ? "in progress" : "replay " + before->second.body);
      }
      ASSERT_EQ(store.keys(), model.size());
    }
  }
}

TEST(idempotency_store, never_grows_beyond_its_bounds) {
  std::mt19937_64 random(1);
  policy store({.max_keys = 50, .max_bytes = 20'000, .max_answer_bytes = 3000});
  for (int step = 0; step < 5000; ++step) {
    decision decided = store.begin(std::to_string(random() % 200), some_print, start + step * 1ms);
    if (is_reserved(decided)) {
      std::get<reservation>(decided).keep(with_body(std::string(random() % 4000, 'x')), start + step * 1ms);
    }
    ASSERT_LE(store.keys(), 50U);
    ASSERT_LE(store.kept_bytes(), 20'000U);
  }
  EXPECT_GT(store.counted().evicted, 100U);
  EXPECT_GT(store.counted().replayed, 100U);
  EXPECT_GT(store.counted().too_large, 100U);
}

}  // namespace
}  // namespace assay::guard::idempotency
