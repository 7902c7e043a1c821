#include "lab/learn/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "lab/learn/workload_counts.hpp"
#include "lab/model/profile_json.hpp"
#include "lab/model/workload_comparison_json.hpp"
#include "lab/report/workload_text.hpp"

namespace assay::learn {
namespace {

using model::likeness;
using model::measure_kind;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr log_time midnight = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);

// A workload in which everything that is compared can be turned.
struct recipe {
  int seconds = 900;
  double rate_per_s = 2.5;
  double burst = 1;  // the rate of one second in ten, of the others' rate
  std::vector<double> mix = {0.5, 0.3, 0.15, 0.05};
  double failing = 0.02;
  double bytes = 1000;  // median
  int users = 300;
};

model::profile observed(const recipe& of, unsigned seed) {
  static const std::vector<std::string> targets = {"/items/17", "/items?page=2", "/cart", "/static/app.css"};
  std::mt19937_64 random(seed);
  std::discrete_distribution<std::size_t> which(of.mix.begin(), of.mix.end());
  std::lognormal_distribution<double> size(std::log(of.bytes), 0.5);
  std::bernoulli_distribution fails(of.failing);
  workload_counts counts({});
  std::vector<std::string> users;
  for (int i = 0; i < of.users; ++i) users.push_back("192.0.2." + std::to_string(i));
  for (int s = 0; s < of.seconds; ++s) {
    const double base = of.rate_per_s * 10 / (9 + of.burst);
    std::poisson_distribution<int> law(s % 10 == 3 ? base * of.burst : base);
    std::vector<std::int64_t> inside(static_cast<std::size_t>(law(random)));
    for (std::int64_t& each : inside) each = static_cast<std::int64_t>(random() % 1'000'000);
    std::ranges::sort(inside);
    for (const std::int64_t us : inside) {
      access_line line;
      line.address = users[random() % users.size()];
      line.stamp = midnight + std::chrono::seconds(s) + std::chrono::microseconds(us);
      line.method = "GET";
      line.target = targets[which(random)];
      line.status = fails(random) ? 503 : 200;
      line.bytes = static_cast<std::uint64_t>(size(random));
      counts.add(line);
    }
  }
  merge_facts facts;
  facts.fewest_digits = 6;
  model::profile profile;
  counts.describe(profile, facts);
  return profile;
}

model::workload_comparison compared(const model::profile& a, const model::profile& b) {
  const auto made = compare_workloads(a, "a.log", b, "b.log");
  EXPECT_TRUE(made) << made.error();
  return made.value_or(model::workload_comparison{});
}

std::vector<std::string> found(const model::workload_comparison& in, likeness verdict) {
  std::vector<std::string> names;
  for (const model::measure_comparison& each : in.measures) {
    if (each.verdict != verdict) continue;
    names.push_back(std::string(label(each.kind)) + (each.of.empty() ? "" : " " + each.of));
  }
  return names;
}

recipe an_hour() { return {.seconds = 3600, .rate_per_s = 10, .users = 1000}; }

TEST(workloads, two_samples_of_one_are_the_same) {
  const auto made = compared(observed(an_hour(), 1), observed(an_hour(), 2));
  EXPECT_THAT(found(made, likeness::differs), testing::IsEmpty()) << report::workload_text(made);
  EXPECT_THAT(found(made, likeness::same),
              testing::IsSupersetOf({"rate", "route GET /cart", "route GET /items", "route GET /items/17", "status 200",
                                     "status 503", "bytes p50", "bytes p99", "gaps short", "gaps long",
                                     "dispersion 1 s", "session_length", "short_sessions"}));
}

TEST(workloads, a_shifted_mix_is_named) {
  recipe shifted = an_hour();
  shifted.mix = {0.42, 0.38, 0.15, 0.05};
  const auto made = compared(observed(an_hour(), 3), observed(shifted, 4));
  EXPECT_EQ(made.verdict(), likeness::differs);
  EXPECT_THAT(found(made, likeness::differs), testing::UnorderedElementsAre("route GET /items", "route GET /items/17"));
  const auto& first = made.measures.front();
  EXPECT_NEAR(std::abs(first.change), 0.08, 0.02);
  EXPECT_LT(first.low, first.change);
  EXPECT_LT(first.change, first.high);
}

TEST(workloads, a_doubled_rate_is_named) {
  recipe doubled = an_hour();
  doubled.rate_per_s *= 2;
  doubled.users *= 2;
  const auto made = compared(observed(an_hour(), 5), observed(doubled, 6));
  EXPECT_THAT(found(made, likeness::differs), testing::ElementsAre("rate"));
  EXPECT_NEAR(made.measures.front().change, 2, 0.1);
}

TEST(workloads, bursts_are_named) {
  recipe bursty = an_hour();
  bursty.burst = 6;
  const auto made = compared(observed(an_hour(), 7), observed(bursty, 8));
  const auto differ = found(made, likeness::differs);
  EXPECT_THAT(differ, testing::Contains("dispersion 1 s"));
  EXPECT_THAT(differ, testing::Contains("peak 1 s"));
  EXPECT_THAT(differ, Each(Not(testing::AnyOf(HasSubstr("route"), HasSubstr("status"), HasSubstr("rate")))));
}

TEST(workloads, sizes_failures_and_sessions_are_named) {
  recipe other = an_hour();
  other.bytes = 1300;
  other.failing = 0.06;
  other.users = 5000;
  const auto made = compared(observed(an_hour(), 9), observed(other, 10));
  EXPECT_THAT(found(made, likeness::differs),
              testing::UnorderedElementsAre("bytes p50", "bytes p99", "status 200", "status 503", "session_length"));
}

TEST(workloads, the_longer_log_has_no_higher_peaks) {
  recipe longer = an_hour();
  longer.seconds = 4 * 3600;
  longer.users = 4000;
  recipe shorter = an_hour();
  shorter.seconds = 1800;
  shorter.users = 500;
  const auto made = compared(observed(longer, 11), observed(shorter, 12));
  EXPECT_THAT(found(made, likeness::differs), testing::IsSubsetOf({"session_length", "short_sessions"}))
      << "sessions are cut where a log ends\n"
      << report::workload_text(made);
  EXPECT_THAT(found(made, likeness::same), testing::Contains("peak 1 s"));
}

// 5 % of 200 is 10, and more than 19 would happen once in 300 times.
TEST(workloads, false_alarms_are_rare) {
  constexpr unsigned pairs = 200;
  recipe edge;
  edge.mix = {0.52, 0.28, 0.15, 0.05};  // two points: just not beyond the margin
  recipe shifted;
  shifted.mix = {0.62, 0.18, 0.15, 0.05};
  const auto differ = [](const model::profile& a, const model::profile& b) {
    return compared(a, b).verdict() == likeness::differs ? 1U : 0U;
  };
  unsigned alarms = 0;
  unsigned at_the_margin = 0;
  unsigned shifts_found = 0;
  model::profile before = observed({}, 1000);
  for (unsigned seed = 1; seed <= pairs; ++seed) {
    const model::profile plain = observed({}, 1000 + seed);
    alarms += differ(before, plain);
    if (seed % 2 == 0) {
      const model::profile other = observed(edge, 4000 + seed);
      at_the_margin += differ(plain, other) + differ(before, other);
    }
    if (seed % 10 == 0) shifts_found += differ(plain, observed(shifted, 5000 + seed));
    before = plain;
  }
  EXPECT_LE(alarms, pairs / 20);
  EXPECT_LE(at_the_margin, 19U);
  EXPECT_GE(shifts_found, 18U) << "of 20";
}

TEST(workloads, which_is_a_and_which_b_makes_no_difference) {
  recipe other;
  other.mix = {0.4, 0.4, 0.15, 0.05};
  other.rate_per_s = 4;
  const model::profile a = observed({}, 1);
  const model::profile b = observed(other, 2);
  const auto there = compared(a, b);
  const auto back = compared(b, a);
  ASSERT_EQ(there.measures.size(), back.measures.size());
  for (const auto& each : there.measures) {
    const auto same = std::ranges::find_if(
        back.measures, [&](const auto& known) { return known.kind == each.kind && known.of == each.of; });
    ASSERT_NE(same, back.measures.end()) << each.of;
    EXPECT_EQ(same->verdict, each.verdict) << each.of;
    if (each.verdict == likeness::not_compared) continue;
    EXPECT_NEAR(model::is_share(each.kind) ? -same->change : 1 / same->change, each.change, 1e-9);
    EXPECT_NEAR(model::is_share(each.kind) ? -same->low : 1 / same->low, each.high, 1e-9);
  }
}

model::profile with(std::vector<model::measure> measures) {
  model::profile made;
  made.requests = 10'000;
  made.measures = std::move(measures);
  return made;
}

model::measure share_of(std::string route, double value) {
  return {.kind = measure_kind::route, .of = std::move(route), .value = value, .error = 0.002, .freedom = 40};
}

TEST(workloads, what_one_log_folded_and_the_other_not_is_one_route) {
  const auto made = compared(with({share_of("GET /items/{id}", 0.6), share_of("GET /{file}.css", 0.4)}),
                             with({share_of("GET /items/17", 0.35), share_of("GET /items/18", 0.25),
                                   share_of("GET /app.css", 0.3), share_of("GET /items", 0.1)}));
  EXPECT_THAT(found(made, likeness::same), testing::ElementsAre("route GET /items/{}"));
  EXPECT_THAT(found(made, likeness::differs), testing::ElementsAre("route GET /items", "route GET /{}.css"));
}

TEST(workloads, a_route_that_is_new_differs_and_a_rare_one_does_not_count) {
  const auto made = compared(with({share_of("GET /", 0.9), share_of("GET /rare", 0.004)}),
                             with({share_of("GET /", 0.9), share_of("GET /new", 0.05)}));
  EXPECT_THAT(found(made, likeness::differs), testing::ElementsAre("route GET /new"));
  EXPECT_EQ(made.measures.front().a, 0);
  EXPECT_EQ(made.too_small, 1U);
}

TEST(workloads, what_cannot_be_told_is_not_the_same) {
  const model::measure steady{.kind = measure_kind::rate, .of = {}, .value = 5, .error = 0.01, .freedom = 20};
  model::measure zero = steady;
  zero.kind = measure_kind::dispersion;
  zero.value = 0;
  const auto made = compared(with({steady, zero}), with({steady, zero}));
  EXPECT_THAT(found(made, likeness::not_compared), testing::ElementsAre("dispersion"));
  EXPECT_EQ(made.verdict(), likeness::same) << "of what is left";
  model::measure vague = steady;
  vague.error = 0.3;
  EXPECT_EQ(compared(with({steady}), with({vague})).verdict(), likeness::inconclusive);
  EXPECT_THAT(compare_workloads(with({}), "old.json", with({steady}), "b").error(), HasSubstr("old.json: nothing"));
}

TEST(workloads, as_text_and_as_a_document) {
  const auto made = compared(with({share_of("GET /", 0.9)}), with({share_of("GET /", 0.8)}));
  const std::string text = report::workload_text(made);
  EXPECT_THAT(text, testing::StartsWith("DIFFERENT: 1 of 1 measures\n  A  a.log: 10000 requests"));
  EXPECT_THAT(text, HasSubstr("90.00 %    80.00 %  -10.00 (-10.5"));
  const std::string document = model::workload_comparison_json(made);
  EXPECT_THAT(document, HasSubstr("\"format\": \"assay.workloads/1\",\n  \"verdict\": \"differs\""));
  EXPECT_THAT(document, HasSubstr("\"scale\": \"difference\""));
}

TEST(blocks, the_error_of_independent_requests_is_that_of_a_binomial) {
  std::mt19937_64 random(1);
  block_place place;
  block_counts counts;
  block_table table(3);
  for (unsigned i = 0; i < 100'000; ++i, place.next()) {
    const bool met = random() % 10 < 3;
    if (met) counts.add(place);
    table.add(place, met ? 2 : i % 2);
  }
  const auto share = counts.share(place);
  ASSERT_TRUE(share);
  EXPECT_NEAR(share->value, 0.3, 0.01);
  EXPECT_NEAR(share->error, std::sqrt(0.3 * 0.7 / 100'000), 0.0004);
  EXPECT_NEAR(table.share(2, place)->error, share->error, 1e-12);
  EXPECT_NEAR(table.share_below(2, 0.5, place)->value, 0.7 + 0.15, 0.01);
  EXPECT_EQ(table.total(0) + table.total(1) + table.total(2), 100'000U);
}

TEST(blocks, flocks_make_the_error_greater) {
  std::mt19937_64 random(2);
  block_place place;
  block_counts counts;
  for (int flock = 0; flock < 2000; ++flock) {
    const bool met = random() % 10 < 3;
    for (int i = 0; i < 50; ++i, place.next()) {
      if (met) counts.add(place);
    }
  }
  EXPECT_NEAR(counts.share(place)->error, std::sqrt(0.3 * 0.7 / 2000), 0.003);
}

TEST(blocks, merged_they_are_what_they_would_have_been) {
  block_place place;
  block_counts early;
  block_counts late;
  block_counts all;
  for (int i = 0; i < 5000; ++i, place.next()) {
    if (i < 100) early.add(place);  // never coarsened since
    if (i > 4000) late.add(place);
    if (i < 100 || i > 4000) all.add(place);
  }
  late.merge(early);
  EXPECT_DOUBLE_EQ(late.share(place)->error, all.share(place)->error);
  EXPECT_DOUBLE_EQ(late.share(place)->value, (100 + 999) / 5000.0);
  EXPECT_FALSE(early.share({.number = fewest_blocks - 1, .shift = 0})) << "too few";
}

TEST(blocks, classes_of_amounts_cover_all_and_are_in_order) {
  for (std::size_t i = 0; i + 1 < amount_classes; ++i) {
    EXPECT_LT(least_of_class(i), least_of_class(i + 1));
    EXPECT_EQ(amount_class(least_of_class(i)), i);
    EXPECT_EQ(amount_class(least_of_class(i + 1) - 1), i);
  }
  EXPECT_EQ(amount_class(~std::uint64_t{0}), amount_classes - 1);
}

}  // namespace
}  // namespace assay::learn
