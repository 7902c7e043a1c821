// Which host is chosen, and which are left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "stack/guard/balance/policy.hpp"
#include "stack/guard/balance/rendezvous.hpp"

namespace assay::guard::balance {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;

constexpr instant start{1000s};

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("host-" + std::to_string(i) + ".internal:80");
  return all;
}

TEST(balance_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check(options{}));
  EXPECT_EQ(check(options{.failures_to_eject = 0, .max_ejection = 1s}).error(),
            "balance.failures_to_eject is 0; allowed: 1 to 1000000\n"
            "balance.max_ejection is 1 s; allowed: 30 s to 86400 s");
  EXPECT_EQ(check(options{.panic_percent = 101}).error(), "balance.panic_percent is 101; allowed: 0 to 100");
  EXPECT_DEATH(policy({.checks_to_leave = 0}, names(1)), "options are checked");
  EXPECT_DEATH(policy({}, {}), "there is a host");
}

// --- methods
// -----------------------------------------------------------------------------------------------------------

std::size_t chosen(policy& among, instant now = start, std::string_view key = {}) {
  result<lease> turn = among.choose(key, now);
  EXPECT_TRUE(turn);
  if (!turn) return max_hosts;
  const std::size_t host = turn->host();
  turn->succeed(now);
  return host;
}

void fail(policy& among, std::size_t host, unsigned times, instant now) {
  while (times > 0) {
    result<lease> turn = among.choose({}, now);
    ASSERT_TRUE(turn);
    if (turn->host() != host) continue;  // it says nothing of how that went
    turn->fail(now);
    times--;
  }
}

TEST(balance_round_robin, asks_in_turn_and_passes_over_who_is_left_out) {
  policy among({.by = method::round_robin, .failures_to_eject = 1, .seed = 1}, names(3));
  std::vector<std::size_t> order;
  for (int i = 0; i < 6; ++i) order.push_back(chosen(among));
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 0, 1, 2));
  fail(among, 1, 1, start);
  order.clear();
  for (int i = 0; i < 4; ++i) order.push_back(chosen(among));
  EXPECT_THAT(order, ElementsAre(2, 0, 2, 0));
}

TEST(balance_least_in_flight, asks_who_has_least_to_do_and_any_of_those) {
  policy among({.by = method::least_in_flight, .seed = 1}, names(3));
  std::list<lease> held;
  for (int i = 0; i < 6; ++i) held.push_back(*among.choose({}, start));
  for (std::size_t host = 0; host < 3; ++host) EXPECT_EQ(among.in_flight(host), 2U);
  held.remove_if([](const lease& one) { return one.host() == 1; });
  EXPECT_EQ(among.in_flight(1), 0U);
  EXPECT_EQ(chosen(among), 1U);
  held.clear();
  std::vector<int> count(3);
  for (int i = 0; i < 3000; ++i) count[chosen(among)]++;
  for (const int each : count) EXPECT_NEAR(each, 1000, 130) << "five standard errors";
}

// Of requests that stay: with one choice the fullest host would have about 10 + 3 sqrt(10), with two it has few more.
TEST(balance_two_choices, keeps_the_fullest_near_to_the_mean) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    policy among({.by = method::two_choices, .seed = seed}, names(100));
    std::list<lease> held;
    for (int i = 0; i < 1000; ++i) held.push_back(*among.choose({}, start));
    std::size_t most = 0;
    for (std::size_t host = 0; host < 100; ++host) most = std::max(most, among.in_flight(host));
    EXPECT_LE(most, 13U) << "seed " << seed;
  }
}

TEST(balance_two_choices, draws_two_that_differ) {
  policy among({.by = method::two_choices, .seed = 1}, names(2));
  const lease held = *among.choose({}, start);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(chosen(among), 1 - held.host());
}

TEST(balance_methods, are_functions_of_the_seed) {
  for (const method by : {method::two_choices, method::least_in_flight}) {
    policy one({.by = by, .seed = 7}, names(5));
    policy same({.by = by, .seed = 7}, names(5));
    policy other({.by = by, .seed = 8}, names(5));
    int differing = 0;
    for (int i = 0; i < 100; ++i) {
      const std::size_t host = chosen(one);
      ASSERT_EQ(host, chosen(same));
      differing += host != chosen(other) ? 1 : 0;
    }
    EXPECT_GT(differing, 50);
  }
}

// --- hosts that had the request before
// -----------------------------------------------------------------------------------

TEST(balance_asked, are_left_out_while_there_is_another) {
  for (const method by : {method::two_choices, method::least_in_flight, method::round_robin, method::sticky}) {
    policy among({.by = by, .checks_to_leave = 1, .seed = 1}, names(5));
    among.on_check(4, false);  // not usable, and no reason to ask the others twice
    const std::vector<std::size_t> asked = {2, 0};
    for (int i = 0; i < 100; ++i) {
      const result<lease> turn = among.choose("session-" + std::to_string(i), start, asked);
      ASSERT_TRUE(turn);
      EXPECT_TRUE(turn->host() == 1 || turn->host() == 3) << static_cast<int>(by) << ": " << turn->host();
    }
  }
}

TEST(balance_asked, when_they_are_all_only_the_last_is_left_out) {
  for (const method by : {method::two_choices, method::least_in_flight, method::round_robin, method::sticky}) {
    policy among({.by = by, .seed = 1}, names(3));
    const std::vector<std::size_t> asked = {0, 2, 1};
    std::vector<int> count(3);
    for (int i = 0; i < 100; ++i) count[among.choose("session-" + std::to_string(i), start, asked)->host()]++;
    EXPECT_EQ(count[1], 0) << static_cast<int>(by);
    EXPECT_GT(count[0], 20);
    EXPECT_GT(count[2], 20);
  }
}

TEST(balance_asked, who_is_alone_is_asked_again) {
  policy among({.checks_to_leave = 1, .seed = 1}, names(2));
  among.on_check(1, false);
  const std::vector<std::size_t> asked = {0};
  const result<lease> turn = among.choose({}, start, asked);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->host(), 0U);
}

// --- sticky
// ------------------------------------------------------------------------------------------------------------

std::map<std::string, std::string> owners(policy& among, instant now = start) {
  std::map<std::string, std::string> owner;
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = "session-" + std::to_string(i);
    owner[key] = among.name_of(chosen(among, now, key));
  }
  return owner;
}

TEST(balance_sticky, spreads_keys_evenly_and_in_every_process_alike) {
  policy among({.by = method::sticky, .seed = 1}, names(10));
  policy elsewhere({.by = method::sticky, .seed = 2}, names(10));
  const auto owner = owners(among);
  EXPECT_EQ(owner, owners(elsewhere));
  std::map<std::string, int> count;
  for (const auto& [key, host] : owner) count[host]++;
  for (const auto& [host, keys] : count) EXPECT_NEAR(keys, 1000, 150) << "five standard errors: " << host;
}

TEST(balance_sticky, moves_no_key_of_a_host_that_stays) {
  std::vector<std::string> fewer = names(10);
  fewer.erase(fewer.begin() + 3);
  std::ranges::reverse(fewer);
  policy all({.by = method::sticky, .seed = 1}, names(10));
  policy rest({.by = method::sticky, .seed = 1}, fewer);
  const auto before = owners(all);
  const auto after = owners(rest);
  std::map<std::string, int> heirs;
  for (const auto& [key, host] : before) {
    if (host == names(10)[3]) {
      heirs[after.at(key)]++;
    } else {
      ASSERT_EQ(after.at(key), host) << key;
    }
  }
  EXPECT_EQ(heirs.size(), 9U);
  for (const auto& [host, keys] : heirs) EXPECT_NEAR(keys, 111, 55) << "five standard errors: " << host;
}

TEST(balance_sticky, a_key_comes_back_to_its_host) {
  policy among({.by = method::sticky, .failures_to_eject = 1, .base_ejection = 10s, .seed = 1}, names(4));
  const std::size_t home = chosen(among, start, "ada");
  {
    result<lease> turn = among.choose("ada", start);
    turn->fail(start);
  }
  const std::size_t refuge = chosen(among, start + 1s, "ada");
  EXPECT_NE(refuge, home);
  EXPECT_EQ(chosen(among, start + 9s, "ada"), refuge);
  EXPECT_EQ(chosen(among, start + 11s, "ada"), home);
}

TEST(balance_sticky, without_a_key_makes_two_choices) {
  policy among({.by = method::sticky, .seed = 1}, names(2));
  const lease held = *among.choose({}, start);
  EXPECT_EQ(chosen(among), 1 - held.host());
}

// --- ejection
// ----------------------------------------------------------------------------------------------------------

// Ejects at the third failure, for 10 s to 11 s.
constexpr options quick = {
    .by = method::round_robin, .failures_to_eject = 3, .base_ejection = 10s, .max_ejection = 25s, .seed = 1};

TEST(balance_ejection, comes_with_failures_in_a_row) {
  policy among(quick, names(2));
  fail(among, 0, 2, start);
  EXPECT_EQ(chosen(among), 1U);
  EXPECT_EQ(chosen(among), 0U) << "a success between them";
  fail(among, 0, 2, start);
  EXPECT_TRUE(among.usable(0, start));
  fail(among, 0, 1, start);
  EXPECT_FALSE(among.usable(0, start));
  EXPECT_EQ(among.counted().ejected, 1U);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(chosen(among, start + 9s), 1U);
  EXPECT_TRUE(among.usable(0, start + 11s));
}

// When host 0, ejected at `now`, is usable again; found by halving.
duration ejected_for(const policy& among, instant now) {
  duration low{};
  duration high = 1h;
  while (high - low > 1ns) (among.usable(0, now + (low + high) / 2) ? high : low) = (low + high) / 2;
  return high;
}

TEST(balance_ejection, grows_up_to_the_longest_and_shrinks_in_quiet_times) {
  policy among(quick, names(2));
  instant now = start;
  std::vector<duration> spans;
  for (int i = 0; i < 4; ++i) {
    fail(among, 0, 3, now);
    spans.push_back(ejected_for(among, now));
    now += spans.back();
  }
  const std::vector<duration> expected = {10s, 20s, 25s, 25s};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GE(spans[i], expected[i]);
    EXPECT_LE(spans[i], expected[i] + expected[i] / 10);
  }
  fail(among, 0, 3, now + 21s);
  EXPECT_LE(ejected_for(among, now + 21s), 22s) << "two spans of 10 s without: 3 - 2 + 1";
  fail(among, 0, 3, now + 1h);
  EXPECT_LE(ejected_for(among, now + 1h), 11s) << "as if never before";
}

TEST(balance_ejection, takes_no_more_than_its_share_and_never_the_last) {
  for (const auto& [percent, hosts, most] : {std::tuple(50U, 5U, 2U), {100U, 5U, 4U}, {100U, 1U, 0U}, {0U, 5U, 0U}}) {
    options chosen = quick;
    chosen.max_ejected_percent = percent;
    chosen.panic_percent = 0;
    policy among(chosen, names(hosts));
    for (int i = 0; i < 100; ++i) among.choose({}, start)->fail(start);
    std::size_t out = 0;
    for (std::size_t host = 0; host < hosts; ++host) out += among.usable(host, start) ? 0U : 1U;
    EXPECT_EQ(out, most) << percent << " % of " << hosts;
    EXPECT_EQ(among.counted().ejected, most);
    EXPECT_GT(among.counted().not_ejected, 0U);
  }
}

TEST(balance_ejection, what_began_before_it_no_longer_decides) {
  policy among(quick, names(2));
  std::list<lease> early;
  for (int i = 0; i < 20; ++i) early.push_back(*among.choose({}, start));
  fail(among, 0, 3, start);
  for (lease& each : early) {
    if (each.host() == 0) each.fail(start + 12s);
  }
  EXPECT_TRUE(among.usable(0, start + 12s));
  EXPECT_EQ(among.counted().ejected, 1U);
  early.clear();
  EXPECT_EQ(among.in_flight(0) + among.in_flight(1), 0U);
}

TEST(balance_ejection, a_lease_that_says_nothing_counts_for_nothing) {
  policy among(quick, names(2));
  for (int i = 0; i < 20; ++i) std::ignore = among.choose({}, start);
  EXPECT_EQ(among.counted().not_counted, 20U);
  EXPECT_EQ(among.in_flight(0), 0U);
  EXPECT_TRUE(among.usable(0, start));
}

// --- health checks and panic
// -------------------------------------------------------------------------------------------

TEST(balance_checks, take_a_host_out_and_bring_it_back) {
  policy among({.by = method::round_robin, .checks_to_leave = 3, .checks_to_return = 2, .seed = 1}, names(2));
  for (const bool passed : {false, false, true, false, false}) among.on_check(0, passed);
  EXPECT_TRUE(among.usable(0, start)) << "two in a row, twice";
  among.on_check(0, false);
  EXPECT_FALSE(among.usable(0, start));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(chosen(among), 1U);
  for (const bool passed : {true, false, true}) among.on_check(0, passed);
  EXPECT_FALSE(among.usable(0, start));
  among.on_check(0, true);
  EXPECT_TRUE(among.usable(0, start));
  EXPECT_EQ(among.counted().left, 1U);
  EXPECT_EQ(among.counted().returned, 1U);
}

TEST(balance_panic, asks_all_when_too_few_are_usable) {
  policy among({.by = method::round_robin, .checks_to_leave = 1, .panic_percent = 50, .seed = 1}, names(4));
  among.on_check(0, false);
  among.on_check(1, false);
  EXPECT_EQ(chosen(among), 2U) << "half of them are enough";
  EXPECT_EQ(among.counted().panicked, 0U);
  among.on_check(2, false);
  std::vector<int> count(4);
  for (int i = 0; i < 40; ++i) count[chosen(among)]++;
  EXPECT_THAT(count, Each(10));
  EXPECT_EQ(among.counted().panicked, 40U);
}

TEST(balance_panic, when_it_is_off_says_that_no_host_is_left) {
  policy among({.checks_to_leave = 1, .panic_percent = 0, .seed = 1}, names(2));
  among.on_check(0, false);
  EXPECT_EQ(chosen(among), 1U);
  among.on_check(1, false);
  const result<lease> none = among.choose({}, start);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::limit);
  EXPECT_EQ(http_status(none.error()), 503);
  EXPECT_EQ(among.counted().refused, 1U);
}

// Whatever happens to the hosts: somebody is asked, and only who is usable while enough are.
TEST(balance, always_has_a_host_and_never_loses_count) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t hosts = 1 + random() % 8;
    const auto by = static_cast<method>(random() % 4);
    policy among({.by = by, .failures_to_eject = 2, .base_ejection = 1s, .max_ejected_percent = 100, .seed = seed},
                 names(hosts));
    std::list<lease> out;
    instant now = start;
    for (int step = 0; step < 5000; ++step) {
      now += std::chrono::milliseconds(random() % 100);
      if (random() % 10 == 0) among.on_check(random() % hosts, random() % 3 != 0);
      if (random() % 2 == 0) {
        std::size_t usable = 0;
        for (std::size_t host = 0; host < hosts; ++host) usable += among.usable(host, now) ? 1U : 0U;
        result<lease> turn = among.choose(random() % 2 == 0 ? "" : std::to_string(random() % 9), now);
        ASSERT_TRUE(turn);
        ASSERT_TRUE(among.usable(turn->host(), now) || usable * 100 < hosts * 30) << "seed " << seed;
        out.push_back(std::move(*turn));
      } else if (!out.empty()) {
        const auto ended = std::next(out.begin(), static_cast<std::ptrdiff_t>(random() % out.size()));
        const auto how = random() % 3;
        if (how == 0) ended->succeed(now);
        if (how == 1) ended->fail(now);
        out.erase(ended);
      }
      std::size_t in_flight = 0;
      for (std::size_t host = 0; host < hosts; ++host) in_flight += among.in_flight(host);
      ASSERT_EQ(in_flight, out.size());
    }
    const counters& all = among.counted();
    EXPECT_EQ(all.chosen, all.succeeded + all.failed + all.not_counted + out.size());
  }
}

}  // namespace
}  // namespace assay::guard::balance
