// Lag by sampling against what pings meet, in virtual time: a loop, the open loads of `./run bench lag-estimate`, its
// bars.
//
// Turns that follow each other without a sleep are one stretch to a sampler, and to these pings: they wait until the
// loop sleeps. Pings that a turn in between picks up wait for less; the benchmark tells by how
// much, and of its closed loop, which may sleep once in several samples: that is no cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

#include "lab/inside/lag_estimate.hpp"
#include "lab/inside/syscall_sampler.hpp"

namespace assay::inside {
namespace {

constexpr double ms = 1e6;
constexpr double length_ns = 60'000 * ms;
constexpr double pings_per_s = 500;

// From the return of one wait of the loop to the entry of the next.
struct turn {
  double begin_ns = 0;
  double end_ns = 0;
};

class simulated_loop {
 public:
  simulated_loop(unsigned every, unsigned seed) : every_(every), random_(seed) {}

  // Requests come at random moments.
  std::vector<turn> open(double rate_per_s) {
    std::exponential_distribution<double> gap(rate_per_s / 1e9);
    std::vector<turn> turns;
    double arrival_ns = gap(random_);
    for (double now_ns = 0; std::max(now_ns, arrival_ns) < length_ns;) {
      turn made{.begin_ns = std::max(now_ns, arrival_ns)};
      made.end_ns = made.begin_ns + turn_cost_ns;
      for (; arrival_ns <= made.begin_ns; arrival_ns += gap(random_)) made.end_ns += work_ns();
      now_ns = made.end_ns;
      turns.push_back(made);
    }
    return turns;
  }

 private:
  static constexpr double turn_cost_ns = 0.05 * ms;
  double work_ns() {
    std::uniform_real_distribution<double> usual_ns(0.1 * ms, 0.5 * ms);
    if (++requests_ % every_ != 0) return usual_ns(random_);
    return (requests_ / every_) % 2 == 0 ? 10 * ms : 40 * ms;
  }
  std::uint64_t every_;
  std::uint64_t requests_ = 0;
  std::mt19937_64 random_;
};

// What is between two sleeps.
std::vector<turn> stretches_of(const std::vector<turn>& turns) {
  std::vector<turn> joined;
  for (const turn& each : turns) {
    if (joined.empty() || joined.back().end_ns < each.begin_ns) {
      joined.push_back(each);
    } else {
      joined.back().end_ns = each.end_ns;
    }
  }
  return joined;
}

std::vector<double> pings_of(const std::vector<turn>& turns) {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> gap(pings_per_s / 1e9);
  std::vector<double> lags;
  auto at = turns.begin();
  for (double ping_ns = gap(random); ping_ns < length_ns; ping_ns += gap(random)) {
    while (at != turns.end() && at->end_ns <= ping_ns) ++at;
    lags.push_back(at == turns.end() || at->begin_ns > ping_ns ? 0 : at->end_ns - ping_ns);
  }
  std::ranges::sort(lags);
  return lags;
}

// A thousand times a second, each a little early or late, as the sampler's timer comes.
busy_segments samples_of(const std::vector<turn>& turns) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> late_ns(0, 0.2 * ms);
  sampled_thread thread(1, "loop", 0);
  auto at = turns.begin();
  bool slept = false;  // since a sample met it awake: the kernel's count is asked for only then
  for (double due_ns = ms; due_ns < length_ns; due_ns += ms) {
    const double now_ns = due_ns + late_ns(random);
    for (; at != turns.end() && at->begin_ns <= now_ns; ++at) {
      slept |= at == turns.begin() || std::prev(at)->end_ns < at->begin_ns;
    }
    const bool parked = at == turns.begin() || std::prev(at)->end_ns <= now_ns;
    thread.sample(static_cast<std::uint64_t>(now_ns), parked, !parked && slept);
    slept &= parked;
  }
  thread.end(static_cast<std::uint64_t>(length_ns));
  busy_segments segments;
  segments.window_ns = length_ns;
  for (const auto& [index, bucket] : thread.counters().buckets) segments.add_bucket(bucket);
  return segments;
}

void expect_near_the_pings(const std::vector<turn>& turns, const char* load) {
  const auto pings = pings_of(stretches_of(turns));
  const auto segments = samples_of(turns);
  for (const auto& [q, share] : {std::pair(0.5, 0.2), std::pair(0.9, 0.1), std::pair(0.99, 0.1)}) {
    const double truth_ns = pings[static_cast<std::size_t>(std::ceil(q * static_cast<double>(pings.size()))) - 1];
    EXPECT_NEAR(lag_quantile(segments, q), truth_ns, std::max(share * truth_ns, 2 * ms)) << load << ", " << q;
  }
}

TEST(sampled_lag, is_what_pings_meet_at_the_open_loads_of_the_benchmark) {
  expect_near_the_pings(simulated_loop(20, 1).open(100), "100 a second");
  expect_near_the_pings(simulated_loop(25, 2).open(400), "400 a second");
}

}  // namespace
}  // namespace assay::inside
