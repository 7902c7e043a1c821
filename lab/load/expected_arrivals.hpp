// How many arrivals of one thread are expected until an offset: the time in which they are of one even law, whatever
// stages there are.
//
// Misuse: none.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "lab/load/rate_curve.hpp"

namespace assay::load {

class expected_arrivals {
 public:
  // Of stages that so many threads share.
  expected_arrivals(std::span<const stage> stages, unsigned threads) : threads_(threads) {
    duration begin{};
    double before = 0;
    for (const stage& each : stages) {
      segments_.push_back({.begin = begin, .before = before, .curve = rate_curve(each)});
      begin += each.length;
      before += each.arrivals();
    }
    end_ = begin;
  }
  // None before the begin, and none after the end.
  double until(duration offset) const {
    const duration within = std::clamp(offset, duration::zero(), end_);
    auto in = segments_.rbegin();
    while (in + 1 != segments_.rend() && in->begin > within) ++in;
    return (in->before + in->curve.arrivals_until(static_cast<double>((within - in->begin).count()))) / threads_;
  }
  duration end() const { return end_; }

 private:
  struct segment {
    duration begin{};
    double before = 0;
    rate_curve curve;
  };
  std::vector<segment> segments_;
  double threads_;
  duration end_{};
};

}  // namespace assay::load
