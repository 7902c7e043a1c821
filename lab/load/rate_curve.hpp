// The rate of a stage over its time, and the two functions that a schedule needs of it: how many arrivals are expected
// until an offset, and when the n-th is. Constant, an even ramp, a sine around a mean, or a course of many short steps;
// few steps, bursts and on-off loads are stages one after the other.
//
// With r in arrivals per nanosecond and t since the stage's begin:
//   constant  L(t) = r t                                  t(n) = n / r
//   ramp      L(t) = r t + s t^2 / 2, s the slope         t(n) = 2 n / (r + sqrt(r^2 + 2 s n)), which loses no digits
//   sine      L(t) = r t + a P / 2 pi (1 - cos 2 pi t/P)  t(n) by Newton's method in a bracket of a P / pi r: the mean,
//             and a swing of a about it with period P, that rises first
//   course    L(t) = L(step's begin) + its r t            t(n) in the step that n lies in, which is looked up
//
// Misuse: asking a decreasing ramp for more arrivals than it has; the answer is infinity, as in a pause.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stack/runtime/time.hpp"

namespace assay::load {

// All rates are of all threads together.
struct stage {
  double rate_per_s = 0;  // at its begin, or the mean of a sine; zero: a pause
  duration length{};
  std::optional<double> end_rate_per_s = {};  // a ramp
  double swing_per_s = 0;                     // a sine: at most rate_per_s, so that the rate is never negative
  duration period{};
  std::optional<double> burst_of_per_s = {};  // a burst: rate_per_s is a multiple of this, which was the rate before
  std::vector<double> course = {};            // rates, each for an equal part of the length; rate_per_s is their mean

  // Expected arrivals of the whole stage.
  double arrivals() const;
  bool is_burst() const { return burst_of_per_s.has_value(); }
  // Its rate is the same from begin to end.
  bool is_even() const { return !end_rate_per_s && swing_per_s == 0 && course.empty(); }
};

// Expected arrivals of all of them.
double arrivals_of(std::span<const stage> stages);

// "100/s", "100..500/s", "300~200/20s", "100*10/s": the rates, for people.
std::string shape_text(const stage& of);

class rate_curve {
 public:
  explicit rate_curve(const stage& of);

  // Expected arrivals in the first `since_ns` of the stage.
  double arrivals_until(double since_ns) const;
  // When so many are expected; infinity when that is never. Not a number never.
  double reached_at(double arrivals) const;

 private:
  double sine_reached_at(double arrivals) const;
  double course_until(double since_ns) const;
  double course_reached_at(double arrivals) const;

  double rate_per_s_;
  double rate_;       // per ns
  double gap_ns_;     // 1 / rate_
  double slope_ = 0;  // per ns^2
  double swing_ = 0;  // a P / 2 pi: arrivals
  double turn_ = 0;   // 2 pi / P, per ns
  struct step {
    double rate = 0;    // per ns
    double before = 0;  // arrivals until its begin
  };
  std::vector<step> course_;
  double step_ns_ = 0;
};

}  // namespace assay::load
