#include "lab/plan/forecast.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace assay::plan {
namespace {

constexpr std::array assumed_log_sds{0.05, 0.10};
constexpr double error_share = 0.05;

// Two groups of n runs of equal spread: exp(t sd sqrt(2 / n)) - 1, t of 2 (n - 1) degrees of freedom.
double half_width(double log_sd, unsigned repeats, double alpha) {
  const boost::math::students_t law(2.0 * (repeats - 1));
  const double t = boost::math::quantile(boost::math::complement(law, alpha / 2));
  return std::expm1(t * log_sd * std::sqrt(2.0 / repeats));
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
  }
  made.campaign_length = made.trials * (made.trial_length + made.trial_overhead);
  made.campaign_requests = made.trials * made.trial_requests;
  made.comparisons = (std::max(candidates, 1U) - 1) * judged;
  if (plan.repeats < 2 || made.comparisons == 0) return made;
  for (const double log_sd : assumed_log_sds) {
    made.differences.push_back({.assumed_log_sd = log_sd,
                                .alone = half_width(log_sd, plan.repeats, error_share),
                                .family = half_width(log_sd, plan.repeats, error_share / made.comparisons)});
  }
  return made;
}

}  // namespace assay::plan
