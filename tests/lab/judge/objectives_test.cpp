// Which objectives were broken, in steady phases and by complete runs alone.
#include "lab/judge/objectives.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::judge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

model::objective p99_below(double ms, std::string route = {}) {
  model::objective made{.quantile = 0.99, .limit = ms * 1e6, .route = std::move(route)};
  made.text = "p99";
  return made;
}

model::plan plan_with(std::vector<model::objective> objectives) {
  model::plan made;
  made.candidates.resize(1);
  made.candidates[0].name = "flask";
  made.phases.resize(2);
  made.phases[0].name = "steady";
  made.phases[1].name = "burst";
  made.phases[1].kind = model::phase_kind::burst;
  made.objectives = std::move(objectives);
  return made;
}

model::route_measurement measured(std::uint64_t answers, double ms, std::uint64_t failed = 0) {
  model::route_measurement made{.route = "GET /a", .offered = answers, .answered = answers};
  made.answered_well = answers - failed;
  for (std::uint64_t i = 0; i < answers; ++i) made.latency.response_time.record(static_cast<std::uint64_t>(ms * 1e6));
  return made;
}

model::trial trial_of(const model::route_measurement& steady, const model::route_measurement& burst) {
  model::trial made;
  made.candidate = "flask";
  made.phases.resize(2);
  made.phases[0].name = "steady";
  made.phases[1].name = "burst";
  made.phases[0].all = steady;
  made.phases[0].routes = {steady};
  made.phases[1].all = burst;
  return made;
}

TEST(objectives, that_are_kept_are_not_told) {
  const std::vector<model::trial> trials(3, trial_of(measured(2'000, 10), measured(2'000, 900, 1'000)));
  model::objective errors{.of = model::objective::kind::error_share, .limit = 0.001, .text = "errors<0.1%"};
  EXPECT_THAT(broken_objectives(plan_with({p99_below(20), p99_below(20, "GET /a"), errors}), trials), IsEmpty())
      << "what the burst does is no matter";
}

TEST(objectives, that_are_broken_are_told_with_their_worst) {
  std::vector<model::trial> trials(3, trial_of(measured(2'000, 10), measured(2'000, 10)));
  trials[1] = trial_of(measured(2'000, 1500, 4), measured(2'000, 10));
  model::objective errors{.of = model::objective::kind::error_share, .limit = 0.001, .text = "errors<0.1%"};
  EXPECT_THAT(broken_objectives(plan_with({p99_below(20), errors}), trials),
              ElementsAre(testing::MatchesRegex("flask, steady: p99 was not kept in 1 of 3 runs: 150. ms at the worst"),
                          "flask, steady: errors<0.1% was not kept in 1 of 3 runs: 0.2 % at the worst"));
  trials[1].state = model::trial_state::invalid;
  EXPECT_THAT(broken_objectives(plan_with({p99_below(20), errors}), trials), IsEmpty()) << "that run shows nothing";
}

TEST(objectives, that_nobody_can_tell_are_not_said_to_be_kept) {
  const std::vector<model::trial> trials(2, trial_of(measured(999, 10), measured(999, 10)));
  EXPECT_THAT(broken_objectives(plan_with({p99_below(20)}), trials),
              ElementsAre("flask, steady: p99 cannot be told in 2 of 2 runs: too few answers"));
  EXPECT_THAT(broken_objectives(plan_with({p99_below(20)}), {}),
              ElementsAre("flask: no objective can be told: none of its runs is complete"));
}

}  // namespace
}  // namespace assay::judge
