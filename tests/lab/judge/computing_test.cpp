// Places where the runtime's shim saw the loop compute: they name a cause, and are no blocking calls.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "lab/judge/blocking.hpp"
#include "lab/judge/diagnose.hpp"

namespace assay::judge {
namespace {

using model::cause;

// Half a minute of a loop that was away for 3 s in stretches of 90 ms, and used the CPU meanwhile.
model::diagnosis diagnosed(double computed_s, const std::string& function) {
  const std::array<model::process_second, 2> looks{
      {{.at_s = 0, .cpu_s = 0, .anonymous_bytes = 1 << 20}, {.at_s = 30, .cpu_s = 9, .anonymous_bytes = 1 << 20}}};
  model::loop_lag lag;
  lag.quality = model::lag_quality::traced;
  lag.utilisation = 0.3;
  lag.max_ms = 90;
  lag.stalled_s = {{50, 3.0}};
  const std::vector<model::blocking_site> sites{{.call = std::string(computing_call),
                                                 .peer = function,
                                                 .place = "app.js:15 in answer",
                                                 .count = 30,
                                                 .total_ms = computed_s * 1e3,
                                                 .longest_ms = 90}};
  return diagnose(symptoms{.length_s = 30, .processes = looks, .lag = lag, .blocking = sites});
}

TEST(computing, is_named_with_function_and_place) {
  const auto made = diagnosed(2.4, "crypto.pbkdf2Sync");
  EXPECT_EQ(made.verdict, cause::cpu_bound);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].place, "app.js:15 in answer");
  EXPECT_EQ(made.findings[0].peer, "crypto.pbkdf2Sync");
  EXPECT_TRUE(made.text.ends_with("; 2.40 s of it in crypto.pbkdf2Sync at app.js:15 in answer")) << made.text;
  EXPECT_TRUE(diagnosed(2.4, "").text.ends_with("; 2.40 s of it at app.js:15 in answer"));
}

TEST(computing, of_which_little_was_seen_is_not_placed) {
  const auto made = diagnosed(0.1, "");
  EXPECT_EQ(made.verdict, cause::cpu_bound);
  EXPECT_EQ(made.findings.at(0).place, "");
}

TEST(computing, is_not_what_a_loop_without_a_cpu_did) {
  const std::array<model::process_second, 2> looks{
      {{.at_s = 0, .cpu_s = 0, .anonymous_bytes = 1 << 20}, {.at_s = 30, .cpu_s = 12, .anonymous_bytes = 1 << 20}}};
  model::loop_lag lag;
  lag.quality = model::lag_quality::traced;
  lag.utilisation = 0.5;
  lag.stalled_s = {{50, 1.0}};
  std::vector<model::blocking_site> sites{
      {.call = std::string(lack_of_cpu_call), .peer = {}, .count = 12, .total_ms = 900, .longest_ms = 103}};
  const auto judged = [&] {
    return diagnose(symptoms{.length_s = 30, .processes = looks, .lag = lag, .blocking = sites});
  };
  EXPECT_EQ(judged().verdict, cause::healthy) << judged().text;
  sites.clear();
  EXPECT_EQ(judged().verdict, cause::cpu_bound);
}

TEST(computing, freezes_no_candidate) {
  run one;
  one.loaded_s = 30;
  one.stalled_s = 3.0;
  one.blocking = {{.call = "recv", .peer = {}, .count = 20, .total_ms = 2000, .longest_ms = 90}};
  EXPECT_TRUE(run_freezes(one, 50));
  one.blocking[0].call = computing_call;
  EXPECT_FALSE(run_freezes(one, 50));
  one.blocking[0].call = lack_of_cpu_call;
  EXPECT_FALSE(run_freezes(one, 50));
}

}  // namespace
}  // namespace assay::judge
