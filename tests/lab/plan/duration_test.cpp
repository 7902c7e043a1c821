#include "lab/model/duration.hpp"

#include <gtest/gtest.h>

namespace assay::model {
namespace {

using namespace std::chrono_literals;

TEST(duration_text, reads_back) {
  for (const auto& [length, text] :
       std::initializer_list<std::pair<std::chrono::nanoseconds, const char*>>{{0s, "0s"},
                                                                               {150ms, "150ms"},
                                                                               {10s, "10s"},
                                                                               {90s, "90s"},
                                                                               {5min, "5m"},
                                                                               {1500ms, "1.5s"},
                                                                               {24h, "24h"},
                                                                               {250us, "250us"}}) {
    EXPECT_EQ(duration_text(length), text);
    EXPECT_EQ(parse_duration(text), length);
  }
  for (const auto length : {1ns, 123'456'789ns, std::chrono::nanoseconds(3601s), std::chrono::nanoseconds(12345678s)}) {
    EXPECT_EQ(parse_duration(duration_text(length)), length) << duration_text(length);
  }
}

TEST(duration, needs_its_unit_in_a_file) {
  EXPECT_EQ(parse_duration("10").error(), "\"10\": expected a duration such as 30s, 5m, 1.5h or 250ms");
  EXPECT_EQ(parse_duration("10", bare_number::seconds), 10s);
  for (const char* bad : {"", "s", "-1s", "1 s", "1s ", "inf", "nans", "1e300h", "0x1s", "+1s"}) {
    EXPECT_FALSE(parse_duration(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace assay::model
