#include "lab/load/joint_stages.hpp"

#include <cassert>
#include <cmath>
#include <set>

namespace assay::load {
namespace {

constexpr double sum_rounding = 1e-12;  // of a sum, relative

// Where a stage of any of them ends; the last is the end of the run.
std::set<duration> ends_of(std::span<const std::vector<stage>> schedules) {
  std::set<duration> ends;
  for (const std::vector<stage>& each : schedules) {
    duration end{};
    for (const stage& one : each) ends.insert(end += one.length);
  }
  return ends;
}

// What one schedule does in a slice that lies in one stage of it.
struct slice {
  const stage* in = nullptr;
  duration from{};  // since the stage's begin
  duration length{};

  bool is_whole() const { return from == duration::zero() && length == in->length; }
  bool is_sine() const { return in->swing_per_s != 0; }
  double mean() const {
    const rate_curve curve(*in);
    const auto begin_ns = static_cast<double>(from.count());
    const auto length_ns = static_cast<double>(length.count());
    return in->is_even()
               ? in->rate_per_s
               : (curve.arrivals_until(begin_ns + length_ns) - curve.arrivals_until(begin_ns)) / length_ns * 1e9;
  }
  double at(duration since) const {
    if (!in->end_rate_per_s) return mean();
    const double share = static_cast<double>(since.count()) / static_cast<double>(in->length.count());
    return in->rate_per_s + share * (*in->end_rate_per_s - in->rate_per_s);
  }
};

slice slice_of(const std::vector<stage>& schedule, duration begin, duration length) {
  duration stage_begin{};
  for (const stage& each : schedule) {
    if (begin < stage_begin + each.length) return {.in = &each, .from = begin - stage_begin, .length = length};
    stage_begin += each.length;
  }
  assert(false && "schedules of different lengths");
  return {.in = &schedule.back(), .length = length};
}

stage sum_of(std::span<const slice> all, duration length) {
  double begin = 0;
  double end = 0;
  double mean = 0;
  double without_bursts = 0;
  const slice* sine = nullptr;
  bool others_even = true;
  bool burst = false;
  for (const slice& each : all) {
    begin += each.at(each.from);
    end += each.at(each.from + length);
    mean += each.mean();
    without_bursts += each.in->burst_of_per_s.value_or(each.mean());
    burst = burst || each.in->is_burst();
    if (each.is_sine() && each.is_whole() && sine == nullptr) {
      sine = &each;
    } else {
      others_even = others_even && each.in->is_even();
    }
  }
  if (burst) return {.rate_per_s = mean, .length = length, .burst_of_per_s = without_bursts};
  if (sine != nullptr && others_even) {
    // Its mean over a part of a period is another one.
    const double middle = mean - sine->mean() + sine->in->rate_per_s;
    return {.rate_per_s = middle, .length = length, .swing_per_s = sine->in->swing_per_s, .period = sine->in->period};
  }
  if (std::abs(end - begin) <= sum_rounding * mean) return {.rate_per_s = mean, .length = length};
  return {.rate_per_s = begin, .length = length, .end_rate_per_s = end};
}

// The two one after the other, both bursts.
void join(stage& first, const stage& second) {
  const double share =
      static_cast<double>(first.length.count()) / static_cast<double>((first.length + second.length).count());
  first.rate_per_s = share * first.rate_per_s + (1 - share) * second.rate_per_s;
  first.burst_of_per_s = share * *first.burst_of_per_s + (1 - share) * *second.burst_of_per_s;
  first.length += second.length;
}

}  // namespace

std::vector<stage> joint_stages(std::span<const std::vector<stage>> schedules) {
  std::vector<stage> joint;
  duration begin{};
  for (const duration end : ends_of(schedules)) {
    std::vector<slice> all;
    for (const std::vector<stage>& each : schedules) all.push_back(slice_of(each, begin, end - begin));
    const stage sum = sum_of(all, end - begin);
    if (sum.is_burst() && !joint.empty() && joint.back().is_burst()) {
      join(joint.back(), sum);
    } else {
      joint.push_back(sum);
    }
    begin = end;
  }
  return joint;
}

}  // namespace assay::load
