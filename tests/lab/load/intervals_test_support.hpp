// Runs of a service whose mean and quantiles are known, in the histograms that a generator keeps; and how often the
// intervals of a run hold what is known.
//
// Misuse: too few runs: chance does 0.01 to a coverage that is seen in 500.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <expected>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "lab/load/intervals.hpp"
#include "lab/load/run_parts.hpp"

namespace assay::load {

inline constexpr duration run_length = std::chrono::seconds(32);

// A run in the histograms that a generator keeps.
class simulated_run {
 public:
  void clear() {
    all_.reset();
    bunches_ = each_its_own;
    parts_ = run_parts(run_length);
  }
  // So many bunches, of which the samples are.
  void of_bunches(std::uint64_t count) { bunches_ = count; }
  void add(std::size_t i, std::size_t of, double ms, std::uint64_t times = 1) {
    const auto offset = duration(static_cast<duration::rep>(static_cast<double>(run_length.count()) *
                                                            static_cast<double>(i) / static_cast<double>(of)));
    const auto response = duration(static_cast<duration::rep>(ms * 1e6));
    all_.record(static_cast<std::uint64_t>(response.count()), times);
    parts_.record(offset, response, times);
  }
  std::expected<model::quantile_interval, model::untold_interval> quantile(double q) const {
    return quantile_interval(all_, parts_.histograms(), q, bunches_);
  }
  std::expected<model::time_interval, model::untold_interval> mean() const {
    return mean_interval(parts_.histograms());
  }

 private:
  observe::histogram all_ = observe::histogram::with_defaults();
  run_parts parts_{run_length};
  std::uint64_t bunches_ = each_its_own;
};

struct truth {
  double quantile = 0;  // 0: the mean
  double ms = 0;
  unsigned told = 0;
  unsigned held = 0;
  double effective = 0;
};

struct known_source {
  std::string name;
  std::size_t samples = 0;
  unsigned runs = 0;
  std::function<void(std::mt19937_64&, std::size_t, simulated_run&)> fill;
  std::vector<truth> truths;
  bool regular = false;  // slow at regular moments: the share of slow ones is the same in each run
};

inline void count_held(const simulated_run& run, std::vector<truth>& truths) {
  for (truth& each : truths) {
    const double ns = each.ms * 1e6;
    if (each.quantile == 0) {
      const auto mean = run.mean();
      each.told += mean ? 1 : 0;
      each.held += mean && mean->low_ns <= ns && ns <= mean->high_ns ? 1 : 0;
      continue;
    }
    const auto told = run.quantile(each.quantile);
    if (!told) continue;
    each.told++;
    each.held += told->within.low_ns <= ns && ns <= told->within.high_ns ? 1 : 0;
    each.effective += told->effective_samples;
  }
}

inline void simulate(known_source& of, simulated_run& run) {
  std::mt19937_64 random(7);
  for (unsigned i = 0; i < of.runs; ++i) {
    run.clear();
    of.fill(random, of.samples, run);
    count_held(run, of.truths);
  }
}

// So many effective samples beyond a quantile are whole ones, so that no interval of them holds in just 95 of 100 runs:
// the exact one does in more.
inline constexpr double discrete = 40;

// What is told in most runs holds in 95 of 100 of them. What is told in fewer is told in those that look calmer than
// the service is: then so many runs at most are wrong about it.
inline void expect_coverage(const known_source& of, const truth& seen, double band) {
  const double coverage = seen.told > 0 ? static_cast<double>(seen.held) / seen.told : 1;
  const double effective = seen.effective / std::max(seen.told, 1U);
  std::cout << of.name << (seen.quantile == 0 ? ", mean" : ", p" + std::to_string(100 * seen.quantile)) << ": told in "
            << seen.told << " of " << of.runs << " runs and held in " << 100 * coverage << " % of them, worth "
            << effective << " of " << of.samples << " samples\n";
  if (seen.told >= of.runs / 2) {
    const bool is_exact = of.regular || (seen.quantile > 0 && effective * (1 - seen.quantile) < discrete);
    EXPECT_GE(coverage, 0.95 - band) << of.name << " " << seen.quantile;
    EXPECT_LE(coverage, is_exact ? 1 : 0.95 + band) << of.name << " " << seen.quantile;
  }
  EXPECT_LE(seen.told - seen.held, of.runs * (0.05 + band)) << of.name << " " << seen.quantile;
}

}  // namespace assay::load
