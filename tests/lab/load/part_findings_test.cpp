// What the parts of a run say: of which of them, and whether the load was the same in all.
#include "lab/load/part_findings.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <tuple>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration all_of_it = 32s;  // a part is a second

// So many times of `ns` in part i, in no order.
run_parts parts_with(const std::function<std::uint64_t(int)>& count, const std::function<double(int)>& ns) {
  run_parts parts(all_of_it);
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> about(0.5, 1.5);
  for (int i = 0; i < 32; ++i) {
    for (std::uint64_t n = 0; n < count(i); ++n) {
      parts.record(i * 1s + 500ms, duration(static_cast<duration::rep>(about(random) * ns(i))));
    }
  }
  return parts;
}

observe::histogram all_of(const run_parts& parts) {
  observe::histogram all = observe::histogram::create(run_parts::layout).value();
  for (const observe::histogram& each : parts.histograms()) std::ignore = all.merge(each);
  return all;
}

TEST(part_findings, leave_out_what_comes_before_the_load_is_even) {
  const run_parts parts = parts_with([](int i) { return i < 4 ? 30 : 100; }, [](int i) { return i < 4 ? 9e6 : 1e6; });
  const part_findings found =
      findings_of(all_of(parts), parts, {.planned = all_of_it, .measured = all_of_it, .even_from = 3500ms});
  EXPECT_EQ(found.intervals.from_s, 4) << "to whole parts";
  ASSERT_FALSE(found.intervals.quantiles.empty());
  EXPECT_LT(found.intervals.quantiles.front().within.high_ns, 1.2e6);
  EXPECT_GT(found.intervals.quantiles.front().within.low_ns, 0.8e6);
  ASSERT_TRUE(found.steady);
  EXPECT_EQ(found.steady->from_s, 0) << "what is left is of one state";
}

TEST(part_findings, what_comes_after_a_warm_up_has_bounds_of_its_own) {
  const run_parts parts = parts_with([](int) { return 100; }, [](int i) { return i < 6 ? 9e6 : 1e6; });
  const part_findings found = findings_of(all_of(parts), parts, {.planned = all_of_it, .measured = all_of_it});
  ASSERT_TRUE(found.steady && found.steady->since);
  EXPECT_EQ(found.steady->from_s, 6);
  EXPECT_EQ(found.steady->since->count(), 2600U);
  const auto& bounds = found.steady->intervals.quantiles;
  ASSERT_FALSE(bounds.empty());
  EXPECT_GT(bounds.front().within.low_ns, 0.9e6);
  EXPECT_LT(bounds.front().within.high_ns, 1.1e6);
}

TEST(part_findings, of_an_even_load_are_of_all_of_it) {
  const run_parts parts = parts_with([](int) { return 100; }, [](int) { return 1e6; });
  for (const duration little : {0ms, 90ms}) {
    const part_findings found =
        findings_of(all_of(parts), parts, {.planned = all_of_it, .measured = all_of_it, .even_from = little});
    EXPECT_EQ(found.intervals.from_s, 0) << "less than a tenth of a part";
    EXPECT_FALSE(found.intervals.quantiles.empty());
  }
}

TEST(part_findings, a_load_that_grows_or_falls_all_the_time_is_not_even) {
  const stretch whole{.planned = all_of_it, .measured = all_of_it};
  const auto one = [](int) { return 1e6; };
  const auto why = [&](const std::function<std::uint64_t(int)>& count, const stretch& of) {
    return why_not_even(parts_with(count, one), of);
  };
  const auto grows = [](int i) { return static_cast<std::uint64_t>(100 + 5 * i); };
  EXPECT_TRUE(why(grows, whole).contains("more and more"));
  EXPECT_TRUE(why([&](int i) { return grows(31 - i); }, whole).contains("fewer and fewer"));
  EXPECT_EQ(why([](int i) { return i % 2 == 0 ? 90 : 110; }, whole), "");
  const auto grows_first = [](int i) { return static_cast<std::uint64_t>(i < 10 ? 10 + 9 * i : 100 + i % 3); };
  EXPECT_EQ(why(grows_first, {.planned = all_of_it, .measured = all_of_it, .even_from = 10s}), "");
}

TEST(part_findings, a_load_that_becomes_even_only_late_is_not) {
  const auto count = [](int) { return 100; };
  const run_parts parts = parts_with(count, [](int) { return 1e6; });
  EXPECT_EQ(why_not_even(parts, {.planned = all_of_it, .measured = all_of_it, .even_from = 16s}), "");
  EXPECT_TRUE(why_not_even(parts, {.planned = all_of_it, .measured = all_of_it, .even_from = 17s}).contains("half"));
  EXPECT_TRUE(why_not_even(parts, {.planned = all_of_it, .measured = 20s, .even_from = 5s}).contains("too early"));
}

}  // namespace
}  // namespace assay::load
