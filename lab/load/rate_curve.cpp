#include "lab/load/rate_curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>

namespace assay::load {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();
// Newton's steps double the digits; those that leave the bracket halve it instead. Of 2^53 values it cannot take more.
constexpr int most_steps = 64;
constexpr double close_enough_ns = 0.01;
constexpr double rounding = 1e-12;  // of a sum over a course, relative

double length_ns(const stage& of) { return static_cast<double>(of.length.count()); }

}  // namespace

double stage::arrivals() const { return rate_curve(*this).arrivals_until(length_ns(*this)); }

double arrivals_of(std::span<const stage> stages) {
  double sum = 0;
  for (const stage& each : stages) sum += each.arrivals();
  return sum;
}

std::string shape_text(const stage& of) {
  if (of.end_rate_per_s) return fmt::format("{:g}..{:g}/s", of.rate_per_s, *of.end_rate_per_s);
  if (of.burst_of_per_s) return fmt::format("{:g}*{:g}/s", *of.burst_of_per_s, of.rate_per_s / *of.burst_of_per_s);
  if (of.swing_per_s == 0) return fmt::format("{:g}/s", of.rate_per_s);
  return fmt::format("{:g}~{:g}/{:g}s", of.rate_per_s, of.swing_per_s,
                     std::chrono::duration<double>(of.period).count());
}

rate_curve::rate_curve(const stage& of)
    : rate_per_s_(of.rate_per_s), rate_(of.rate_per_s / 1e9), gap_ns_(of.rate_per_s > 0 ? 1e9 / of.rate_per_s : never) {
  assert(of.rate_per_s >= 0);
  if (of.end_rate_per_s) {
    assert(*of.end_rate_per_s >= 0 && of.length > duration::zero() && of.swing_per_s == 0);
    slope_ = (*of.end_rate_per_s / 1e9 - rate_) / length_ns(of);
  }
  if (of.swing_per_s != 0) {
    assert(of.swing_per_s > 0 && of.swing_per_s <= of.rate_per_s && of.period > duration::zero());
    turn_ = 2 * std::numbers::pi / static_cast<double>(of.period.count());
    swing_ = of.swing_per_s / 1e9 / turn_;
  }
  if (of.course.empty()) return;
  assert(of.length > duration::zero() && of.swing_per_s == 0 && !of.end_rate_per_s);
  step_ns_ = length_ns(of) / static_cast<double>(of.course.size());
  course_.reserve(of.course.size());
  double arrivals = 0;
  for (const double each : of.course) {
    assert(each >= 0);
    course_.push_back({.rate = each / 1e9, .before = arrivals});
    arrivals += each / 1e9 * step_ns_;
  }
}

// The last step goes on for ever, as other stages do.
double rate_curve::course_until(double since_ns) const {
  const auto steps_gone = static_cast<std::size_t>(std::max(since_ns, 0.0) / step_ns_);
  const std::size_t at = std::min(steps_gone, course_.size() - 1);
  return course_[at].before + course_[at].rate * (since_ns - static_cast<double>(at) * step_ns_);
}

double rate_curve::course_reached_at(double arrivals) const {
  // The last step that begins with no more; one without arrivals is passed over where another follows.
  arrivals = std::max(arrivals, 0.0);
  const auto after = std::ranges::upper_bound(course_, arrivals, {}, &step::before);
  const step& in = *std::prev(after);
  const double begins_ns = static_cast<double>(std::prev(after) - course_.begin()) * step_ns_;
  if (in.rate == 0) return arrivals <= in.before * (1 + rounding) ? begins_ns : never;
  return begins_ns + (arrivals - in.before) / in.rate;
}

double rate_curve::arrivals_until(double since_ns) const {
  if (!course_.empty()) return course_until(since_ns);
  if (swing_ != 0) return rate_ * since_ns + swing_ * (1 - std::cos(turn_ * since_ns));
  if (slope_ != 0) return (rate_ + slope_ * since_ns / 2) * since_ns;
  return since_ns * rate_per_s_ / 1e9;  // in this order: whole numbers stay whole
}

double rate_curve::reached_at(double arrivals) const {
  if (!course_.empty()) return course_reached_at(arrivals);
  if (rate_ == 0 && slope_ <= 0) return never;
  if (arrivals <= 0) return 0;
  if (swing_ != 0) return sine_reached_at(arrivals);
  if (slope_ == 0) return arrivals * gap_ns_;
  const double square = rate_ * rate_ + 2 * slope_ * arrivals;
  return square >= 0 ? 2 * arrivals / (rate_ + std::sqrt(square)) : never;
}

// L lies between r t and r t + 2 a P / 2 pi, and never falls.
double rate_curve::sine_reached_at(double arrivals) const {
  double low = std::max(0.0, (arrivals - 2 * swing_) * gap_ns_);
  double high = arrivals * gap_ns_;
  double at = (low + high) / 2;
  for (int step = 0; step < most_steps && high - low > close_enough_ns; ++step) {
    const double excess = arrivals_until(at) - arrivals;
    (excess > 0 ? high : low) = at;
    const double rate = rate_ + swing_ * turn_ * std::sin(turn_ * at);
    const double newton = at - excess / rate;  // infinite, or not a number, where the rate is zero
    const double next = newton > low && newton < high ? newton : (low + high) / 2;
    if (std::abs(next - at) < close_enough_ns) return next;
    at = next;
  }
  return at;
}

}  // namespace assay::load
