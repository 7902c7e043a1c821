// Whole campaigns with a known truth: how often is a word said that is not true, and how often is a true one missed?
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "lab/judge/compare.hpp"

namespace assay::judge {
namespace {

model::plan plan_of(unsigned candidates, unsigned repeats) {
  model::plan plan;
  plan.repeats = repeats;
  for (unsigned i = 0; i < candidates; ++i) plan.candidates.emplace_back().name = "c" + std::to_string(i);
  plan.reference = "c0";
  for (const auto kind : {model::phase_kind::warm_up, model::phase_kind::steady, model::phase_kind::burst,
                          model::phase_kind::fault, model::phase_kind::recovery}) {
    model::phase& phase = plan.phases.emplace_back();
    phase.name = label(kind);
    phase.kind = kind;
    phase.rate_per_s = 200;
    phase.length = std::chrono::seconds(10);
  }
  return plan;
}

struct truth {
  double run_spread = 0.1;    // of the logarithm: what all phases of a run share
  double phase_spread = 0.1;  // and what they do not
  double last_ratio = 1;      // response times of the last candidate
};

// Lognormal run and phase effects, in each metric; the quantiles of a phase go together.
run simulate(const model::plan& plan, std::size_t candidate, unsigned repeat, const truth& of,
             std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  const double slower = candidate + 1 == plan.candidates.size() ? of.last_ratio : 1;
  const double shared = of.run_spread * normal(random);
  run made;
  made.candidate = plan.candidates[candidate].name;
  made.repeat = repeat;
  for (const model::phase& phase : plan.phases) {
    if (phase.kind == model::phase_kind::warm_up) continue;
    phase_run in{.phase = phase.name, .offered_rps = 200, .offered = 2000, .metrics = {}};
    const double here = shared + of.phase_spread * normal(random);
    auto& values = in.metrics.values;
    values["response_p50_ms"] = slower * 5 * std::exp(here / 2);
    values["response_p90_ms"] = slower * 20 * std::exp(here);
    values["response_p99_ms"] = slower * 50 * std::exp(here);
    values["goodput_rps"] = 200 * std::exp(0.02 * normal(random));
    values["cpu_ms_per_request"] = std::exp((shared + of.phase_spread * normal(random)) / 2);
    values["rss_mib"] = 80 * std::exp(0.05 * normal(random));
    values["error_share"] = 0;
    made.phases.push_back(std::move(in));
  }
  return made;
}

struct rates {
  double false_primary = 0;  // campaigns with a false better or worse among the primary verdicts
  double false_any = 0;      // among all verdicts
  double power = 0;          // of the true primary differences, those that were said
};

rates simulate_campaigns(unsigned count, unsigned candidates, unsigned repeats, const truth& of) {
  const model::plan plan = plan_of(candidates, repeats);
  std::mt19937_64 random(candidates * 1000 + repeats);
  rates found;
  double said = 0;
  double to_say = 0;
  for (unsigned i = 0; i < count; ++i) {
    std::vector<run> runs;
    for (std::size_t each = 0; each < candidates; ++each) {
      for (unsigned repeat = 1; repeat <= repeats; ++repeat) runs.push_back(simulate(plan, each, repeat, of, random));
    }
    const model::comparison judged = compare(plan, runs);
    bool wrong_primary = false;
    bool wrong = false;
    for (const model::metric_comparison& each : judged.comparisons) {
      const bool word = each.verdict == model::finding::better || each.verdict == model::finding::worse;
      const bool differs =
          of.last_ratio != 1 && each.candidate == plan.candidates.back().name && each.metric.starts_with("response");
      if (differs) {
        if (each.primary) ++to_say;
        if (each.primary && each.verdict == model::finding::worse) ++said;
        wrong = wrong || each.verdict == model::finding::better;
      } else if (word) {
        wrong = true;
        wrong_primary = wrong_primary || each.primary;
      }
    }
    found.false_primary += wrong_primary ? 1.0 / count : 0;
    found.false_any += wrong ? 1.0 / count : 0;
  }
  found.power = to_say > 0 ? said / to_say : 0;
  return found;
}

constexpr unsigned campaigns = 1000;

TEST(simulation, false_words_stay_within_five_percent_of_campaigns) {
  for (const double spread : {0.10, 0.20}) {
    for (const unsigned candidates : {2u, 4u}) {
      for (const unsigned repeats : {3u, 5u}) {
        if (spread < 0.2 && candidates == 2) continue;  // milder than the others in every way
        // Half of the variance is shared by the phases of a run.
        const truth same{.run_spread = spread * std::sqrt(0.5), .phase_spread = spread * std::sqrt(0.5)};
        const rates found = simulate_campaigns(campaigns, candidates, repeats, same);
        std::cout << candidates << " candidates alike, " << repeats << " repeats, spread " << 100 * spread
                  << " %: false word in " << 100 * found.false_primary << " % of campaigns (primary), "
                  << 100 * found.false_any << " % (all metrics)\n";
        EXPECT_LE(found.false_primary, 0.05);
        EXPECT_LE(found.false_any, 0.05);
      }
    }
  }
}

// The margin is part of the null hypothesis: at its edge, where p values are uniform, the family's rate still holds.
TEST(simulation, false_words_stay_rare_at_the_edge_of_the_margin) {
  const model::plan plan = plan_of(2, 5);
  const truth edge{.run_spread = 0.02, .phase_spread = 0.05, .last_ratio = 1.1};
  std::mt19937_64 random(5);
  unsigned wrong = 0;
  for (unsigned i = 0; i < campaigns; ++i) {
    std::vector<run> runs;
    for (unsigned repeat = 1; repeat <= 5; ++repeat) {
      for (std::size_t each = 0; each < 2; ++each) runs.push_back(simulate(plan, each, repeat, edge, random));
    }
    bool word = false;
    for (const model::metric_comparison& each : compare(plan, runs).comparisons) {
      word = word || (each.primary && each.verdict == model::finding::worse);
    }
    wrong += word ? 1 : 0;
  }
  std::cout << "true ratio at the margin: called worse in " << 100.0 * wrong / campaigns << " % of campaigns\n";
  EXPECT_LE(wrong, campaigns * 65 / 1000);  // 5 % and two standard errors of this simulation
  EXPECT_GT(wrong, 0u);                     // the test is no empty promise either
}

TEST(simulation, a_twofold_difference_is_said) {
  for (const double spread : {0.05, 0.10, 0.20}) {
    for (const unsigned repeats : {3u, 5u}) {
      const truth twofold{
          .run_spread = spread * std::sqrt(0.5), .phase_spread = spread * std::sqrt(0.5), .last_ratio = 2};
      const rates found = simulate_campaigns(100, 4, repeats, twofold);
      std::cout << "4 candidates, one twice as slow, " << repeats << " repeats, spread " << 100 * spread
                << " %: said in " << 100 * found.power << " % of its phases, false word about the others in "
                << 100 * found.false_primary << " % of campaigns\n";
      EXPECT_LE(found.false_primary, 0.05);
      if (repeats == 5 && spread <= 0.10) {
        EXPECT_GE(found.power, 0.95);
      }
    }
  }
}

}  // namespace
}  // namespace assay::judge
