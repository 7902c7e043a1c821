// The order of the runs, and two real servers: that each level has a run of either. No times are judged here.
#include "lab/load/crossover_sweep.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/lab/load/live_server.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

load_options up_to(unsigned connections, duration length) {
  load_options options;
  options.connections = connections;
  options.length = length;
  options.io.kind = io_kind::epoll;
  return options;
}

TEST(crossover_sweep, levels_double_up_to_the_limit) {
  EXPECT_EQ(crossover_levels(1, 64), (std::vector<unsigned>{1, 2, 4, 8, 16, 32, 64}));
  EXPECT_EQ(crossover_levels(1, 10), (std::vector<unsigned>{1, 2, 4, 8, 10}));
  EXPECT_EQ(crossover_levels(3, 10), (std::vector<unsigned>{4, 8, 10})) << "a thread needs a connection";
  EXPECT_EQ(crossover_levels(1, 1), std::vector<unsigned>{1});
  EXPECT_EQ(crossover_levels(1, max_connections).back(), max_connections);
}

TEST(crossover_sweep, who_is_first_alternates_over_levels_and_repeats) {
  const std::vector<crossover_turn> order = crossover_order(3, 4);
  ASSERT_EQ(order.size(), 24U);
  for (std::size_t level = 0; level < 3; ++level) {
    std::vector<std::size_t> sides;
    for (const crossover_turn& each : order) {
      if (each.level == level) sides.push_back(each.side);
    }
    EXPECT_EQ(std::ranges::count(sides, 0U), 4);
    EXPECT_NE(sides[0], sides[1]);
    EXPECT_NE(sides[0], sides[2]) << "in the next repeat the other one is first";
  }
  EXPECT_NE(order[0].side, order[2].side) << "and at the next level";
}

TEST(crossover_sweep, each_level_has_a_run_of_either_a_repeat) {
  const live_server first;
  const live_server second;
  std::vector<std::string> told;
  crossover_sweep sweep(up_to(2, 50ms), {first.url(), second.url()}, {.repeats = 2},
                        [&told](unsigned connections, std::size_t side, const model::load_result& seen) {
                          EXPECT_EQ(seen.model, model::load_model::closed);
                          EXPECT_EQ(seen.connections, connections);
                          told.push_back(std::string(1, "AB"[side]) + std::to_string(connections));
                        });
  const auto found = sweep.run();
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(told, (std::vector<std::string>{"A1", "B1", "B2", "A2", "B1", "A1", "A2", "B2"}));
  ASSERT_EQ(found->levels.size(), 2U);
  for (const model::crossover_level& level : found->levels) {
    for (const model::crossover_side& side : level.sides) EXPECT_EQ(side.good_rps.size() + side.invalid, 2U);
  }
  EXPECT_FALSE(found->interrupted);
}

TEST(crossover_sweep, ends_when_told_with_what_is_known) {
  const live_server server;
  std::optional<crossover_sweep> sweep;
  sweep.emplace(up_to(4, 20ms), std::array{server.url(), server.url()}, crossover_options{.repeats = 100},
                [&sweep, runs = 0](unsigned, std::size_t, const model::load_result&) mutable {
                  if (++runs == 3) sweep->stop();
                });
  const auto found = sweep->run();
  ASSERT_TRUE(found) << found.error();
  EXPECT_TRUE(found->interrupted);
  EXPECT_EQ(found->levels[0].sides[0].good_rps.size() + found->levels[0].sides[0].invalid, 1U);
}

}  // namespace
}  // namespace assay::load
