#include "lab/plan/forecast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "lab/model/duration.hpp"

namespace assay::plan {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds length_step = std::chrono::milliseconds(500);
constexpr double shrink = 0.95;
constexpr double least_part = 1e-6;  // of any phase: it has long been at the shortest
constexpr std::array assumed_log_sds{0.05, 0.10};
constexpr double error_share = 0.05;
constexpr double power = 0.8;             // of a difference that is there: it is found so often
constexpr double compared_margin = 0.10;  // of p99 and p90, as the judge has it
constexpr int halvings = 60;              // of an interval of doubles: none of its digits is left open

// Two groups of n runs of equal spread: exp(t sd sqrt(2 / n)) - 1, t of 2 (n - 1) degrees of freedom.
double half_width(double log_sd, unsigned repeats, double alpha) {
  const boost::math::students_t law(2.0 * (repeats - 1));
  const double t = boost::math::quantile(boost::math::complement(law, alpha / 2));
  return std::expm1(t * log_sd * std::sqrt(2.0 / repeats));
}

// The judge finds a difference d (of logarithms) when |d| - m exceeds t standard errors, m its margin. That quotient
// has a noncentral t distribution when the true difference is D, about (D - m) in units of the true standard error.
double found_difference(double log_sd, unsigned repeats, double alpha) {
  const double freedom = 2.0 * (repeats - 1);
  const double t = boost::math::quantile(boost::math::complement(boost::math::students_t(freedom), alpha / 2));
  double low = 0;
  double high = 2 * t + 2;  // with two degrees of freedom it is 1.3 t, with many t + 0.84
  for (int i = 0; i < halvings; ++i) {
    const double middle = (low + high) / 2;
    const boost::math::non_central_t law(freedom, middle);
    (boost::math::cdf(boost::math::complement(law, t)) < power ? low : high) = middle;
  }
  return std::expm1(std::log1p(compared_margin) + high * log_sd * std::sqrt(2.0 / repeats));
}

// Of windows fewer than these nobody sees how they spread.
constexpr std::int64_t fewest_windows = 4;

model::phase_course course_of(const model::phase& of) {
  model::phase_course made{.phase = of.name, .parts = of.shape.size()};
  if (!of.shape.empty()) {
    const double mean = std::accumulate(of.shape.begin(), of.shape.end(), 0.0) / static_cast<double>(of.shape.size());
    made.least_per_s = of.rate_per_s * std::ranges::min(of.shape) / mean;
    made.most_per_s = of.rate_per_s * std::ranges::max(of.shape) / mean;
  }
  if (!of.bursts) return made;
  for (const auto& [scale, unused] : of.bursts->dispersion) {
    if (of.length < fewest_windows * std::chrono::seconds(scale)) continue;
    made.dispersion[scale] = of.bursts->dispersion_at(scale, of.rate_per_s);
  }
  made.too_short = made.dispersion.empty();
  return made;
}

}  // namespace

model::forecast forecast_of(const model::plan& plan) {
  const auto candidates = static_cast<unsigned>(plan.candidates.size());
  model::forecast made;
  made.trials = candidates * plan.repeats;
  made.trial_overhead = trial_overhead;
  unsigned judged = 0;
  for (const model::phase& each : plan.phases) {
    made.trial_length += each.length;
    made.trial_requests += each.rate_per_s * std::chrono::duration<double>(each.length).count();
    judged += each.kind != model::phase_kind::warm_up;
    if (!each.shape.empty() || each.bursts) made.courses.push_back(course_of(each));
  }
  for (const model::background_task& each : plan.background) {
    made.background_times.push_back(each.times_in(plan.phases));
  }
  made.campaign_length = made.trials * (made.trial_length + made.trial_overhead);
  made.campaign_requests = made.trials * made.trial_requests;
  made.comparisons = (std::max(candidates, 1U) - 1) * judged;
  if (plan.repeats < 2 || made.comparisons == 0) return made;
  made.margin = compared_margin;
  const double corrected = error_share / made.comparisons;
  for (const double log_sd : assumed_log_sds) {
    made.differences.push_back({.assumed_log_sd = log_sd,
                                .alone = half_width(log_sd, plan.repeats, error_share),
                                .family = half_width(log_sd, plan.repeats, corrected),
                                .found_alone = found_difference(log_sd, plan.repeats, error_share),
                                .found_family = found_difference(log_sd, plan.repeats, corrected)});
  }
  return made;
}

std::expected<void, std::string> shorten(model::plan& plan, nanoseconds within) {
  const model::forecast now = forecast_of(plan);
  const nanoseconds trial = within / std::max(now.trials, 1U) - now.trial_overhead;
  const double factor = static_cast<double>(trial.count()) / static_cast<double>(now.trial_length.count());
  if (factor >= 1) return {};
  // Phases stop at the shortest, so that the others may have to give more.
  const std::vector<model::phase> whole = plan.phases;
  nanoseconds shortened = now.trial_length;
  for (double part = std::max(factor, 0.0); shortened > trial; part *= shrink) {
    const nanoseconds before = shortened;
    shortened = {};
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const auto scaled = static_cast<std::int64_t>(static_cast<double>(whole[i].length.count()) * part);
      const nanoseconds stepped = nanoseconds(scaled) / length_step * length_step;
      plan.phases[i].length = std::min(whole[i].length, std::max(stepped, shortest_phase));
      shortened += plan.phases[i].length;
    }
    if (shortened == before && part < least_part) break;
  }
  if (shortened <= trial) return {};
  return std::unexpected(
      fmt::format("{} is too short: {} trials of {} phases, at least {} a phase and {} around each trial, take {}",
                  model::duration_text(within), now.trials, plan.phases.size(), model::duration_text(shortest_phase),
                  model::duration_text(now.trial_overhead), model::duration_text(forecast_of(plan).campaign_length)));
}

}  // namespace assay::plan
