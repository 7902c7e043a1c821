#include "stack/guard/options.hpp"

#include <gtest/gtest.h>

namespace assay::guard {
namespace {

using namespace std::chrono_literals;

TEST(guard_options, each_that_does_not_fit_is_named_with_what_is_allowed) {
  EXPECT_TRUE(option_check("p").number("a", 1, 1, 1).span("b", 1ms, 1ms, 1s).that(true, "c", "x", "y").outcome());
  EXPECT_EQ(option_check("p").number("a", 1, 0, 9).number("b", 10, 0, 9).number("c", 11, 0, 9).outcome().error(),
            "p.b is 10; allowed: 0 to 9\np.c is 11; allowed: 0 to 9");
  EXPECT_EQ(option_check("p").span("wait", 90s, 100us, 1500ms).outcome().error(),
            "p.wait is 90 s; allowed: 100 us to 1500 ms");
  EXPECT_EQ(option_check("p").that(false, "name", "\"\"", "a token").outcome().error(),
            "p.name is \"\"; allowed: a token");
  const checked other = option_check("q").number("d", 0, 1, 2).outcome();
  EXPECT_EQ(option_check("p").number("a", 1, 2, 2).also(other).also({}).outcome().error(),
            "p.a is 1; allowed: 2 to 2\nq.d is 0; allowed: 1 to 2");
}

TEST(guard_options, a_span_is_written_in_the_largest_unit_that_is_exact) {
  EXPECT_EQ(to_text(0s), "0 s");
  EXPECT_EQ(to_text(2min), "120 s");
  EXPECT_EQ(to_text(1500us), "1500 us");
  EXPECT_EQ(to_text(-3ms), "-3 ms");
  EXPECT_EQ(to_text(1ms + 1ns), "1000001 ns");
}

TEST(guard_options, retry_after_is_never_too_early) {
  EXPECT_EQ(retry_after_seconds(-1s), 1U);
  EXPECT_EQ(retry_after_seconds(0s), 1U);
  EXPECT_EQ(retry_after_seconds(1s), 1U);
  EXPECT_EQ(retry_after_seconds(1s + 1ns), 2U);
}

}  // namespace
}  // namespace assay::guard
