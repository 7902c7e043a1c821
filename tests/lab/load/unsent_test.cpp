// Runs of which nearly nothing is sent, because nothing is answered: far more arrivals than could be charged one by
// one, or kept, are charged to their stages, seconds and windows.
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration latency = 50us;  // one way

// A service that hangs. The first request times out when sending has long ended, and the drain cuts the second.
struct hanging : world {
  explicit hanging(std::vector<stage> stages) : world(latency) {
    options.timeout = 1s;
    for (const stage& each : stages) options.timeout += each.length;
    options.stages = std::move(stages);
    options.connections = 1;
    server.decide = [](std::size_t, std::size_t) { return reply{.bytes = ""}; };
  }
};
constexpr std::uint64_t sent = 2;

std::uint64_t unsent_of(const model::load_stage& row) {
  const auto found = row.errors.find("unsent");
  return found == row.errors.end() ? 0 : found->second;
}

TEST(unsent, a_day_at_two_thousand_a_second_is_charged_to_the_last_of_it) {
  hanging stage({{.rate_per_s = 2000, .length = 24h}});
  const outcome seen = stage.run();
  EXPECT_EQ(seen.due, 172'800'000U);
  EXPECT_EQ(seen.failed(failure_kind::unsent), 172'800'000U - sent);
  // The lower bound of each is from when it was meant to when the drain ended: a day of them, evenly.
  EXPECT_NEAR(seen.response().mean(), static_cast<double>(ns(seen.took - 12h)), 1e-6 * static_cast<double>(ns(24h)));
}

// 10^11 requests: a step or a byte for each would not pass unnoticed.
TEST(unsent, more_than_could_be_counted_are_charged_to_their_stages) {
  const std::vector<stage> stages = {{.rate_per_s = 100, .length = 10min},
                                     {.rate_per_s = 0, .length = 1h, .end_rate_per_s = 9'000'000},
                                     {.rate_per_s = 0, .length = 10min},
                                     {.rate_per_s = 5'000'000, .length = 4h, .swing_per_s = 4'000'000, .period = 1h},
                                     {.rate_per_s = 3, .length = 10min + 7ms},
                                     {.rate_per_s = 8'000'000, .length = 30min}};
  for (const model::arrival_law law : {model::arrival_law::constant, model::arrival_law::poisson}) {
    hanging stage(stages);
    stage.options.arrivals = law;
    const outcome seen = stage.run();
    EXPECT_GT(seen.due, 100'000'000'000U);
    EXPECT_EQ(seen.response().count(), seen.due);
    ASSERT_EQ(seen.judged.stages.size(), stages.size());
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const model::load_stage& row = seen.judged.stages[i];
      const double expected = stages[i].arrivals();
      // Of Poisson arrivals the many are as many as are expected, and the first and the few are drawn.
      const double chance = law == model::arrival_law::poisson ? 5 * std::sqrt(std::min(expected, 1e8)) : 0;
      EXPECT_NEAR(static_cast<double>(row.offered), expected, 1 + chance + 1e-12 * expected) << i << label(law);
      EXPECT_EQ(unsent_of(row), row.offered - (i == 0 ? sent : 0)) << i;
      EXPECT_EQ(row.latency.response_time.count(), row.offered) << i;
    }
    // Of the last stage nothing waits longer than the drain and that stage are.
    const auto longest = static_cast<double>(seen.judged.stages[5].latency.response_time.max());
    EXPECT_NEAR(longest, static_cast<double>(ns(stage.options.timeout + 30min)), 0.001 * longest);
  }
}

// A burst keeps all seconds, objectives of windows all windows, and a tick moves arrivals back over their ends.
TEST(unsent, what_is_charged_at_once_is_in_its_second_and_its_window) {
  const std::vector<stage> stages = {{.rate_per_s = 1000, .length = 10min},
                                     {.rate_per_s = 20'000, .length = 5min + 500ms, .burst_of_per_s = 1000},
                                     {.rate_per_s = 1000, .length = 10min}};
  for (const duration tick : {duration(0), duration(7ms)}) {
    hanging stage(stages);
    stage.options.tick = tick;
    stage.options.windowed = parse_gates("errors<1% every 30s").value();
    const outcome seen = stage.run();
    EXPECT_NEAR(static_cast<double>(seen.due), 7'210'000, tick == 0s ? 0 : 7);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(static_cast<double>(seen.judged.stages[i].offered), stages[i].arrivals(), tick == 0s ? 0 : 7) << i;
    }
    const std::vector<model::load_second> seconds = stage.seconds().seconds();
    ASSERT_EQ(seconds.size(), 1501U);
    std::uint64_t offered = 0;
    for (std::size_t s = 0; s < seconds.size(); ++s) {
      const double of_it = s < 600 || s > 900 ? 1000 : s == 900 ? 10'500 : 20'000;
      const double whole = s == 1500 ? of_it / 2 : of_it;
      EXPECT_NEAR(static_cast<double>(seconds[s].offered), whole, tick == 0s ? 0 : 20'000 * 0.007) << s;
      offered += seconds[s].offered;
    }
    EXPECT_EQ(offered, seen.due);
    ASSERT_EQ(seen.judged.windows.size(), 1U);
    EXPECT_EQ(seen.judged.windows[0].windows, 50U);
    EXPECT_EQ(seen.judged.windows[0].failed, 50U);
  }
}

}  // namespace
}  // namespace assay::load
