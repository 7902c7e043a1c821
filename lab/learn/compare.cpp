#include "lab/learn/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "lab/learn/compare_steps.hpp"
#include "lab/learn/same_routes.hpp"
#include "lab/model/holm.hpp"

namespace assay::learn {
namespace {

using model::likeness;
using model::measure;
using model::measure_comparison;
using model::measure_kind;
using enum model::measure_kind;

// In double, not through long double: a third of the time, and 1e-15 is more than any log is worth.
using students_t =
    boost::math::students_t_distribution<double,
                                         boost::math::policies::policy<boost::math::policies::promote_double<false>>>;

constexpr double sure_freedom = 1e6;  // of a count that is zero: the error is a bound, not an estimate
constexpr double of_interest = 0.5;   // of the margin: a share below it on both sides cannot differ by the margin

using key = std::pair<measure_kind, std::string>;

struct pair_of_measures {
  const measure* a = nullptr;
  const measure* b = nullptr;
};

// The change from a to b on the scale on which errors are.
struct change {
  double value = 0;
  double error = 0;
  double freedom = 1;
};

double on_scale(const measure& of) { return model::is_share(of.kind) ? of.value : std::log(of.value); }

change change_of(const measure& a, const measure& b) {
  const double of_a = a.error * a.error;
  const double of_b = b.error * b.error;
  const double spread = of_a * of_a / a.freedom + of_b * of_b / b.freedom;
  return {.value = on_scale(b) - on_scale(a),
          .error = std::sqrt(of_a + of_b),
          .freedom = spread > 0 ? (of_a + of_b) * (of_a + of_b) / spread : sure_freedom};
}

double half_width(const change& of) {
  if (of.error <= 0) return 0;
  return of.error * boost::math::quantile(students_t(of.freedom), 0.5 + compare_confidence / 2);
}

// Two-sided, of "within the margin in truth".
double p_beyond(const change& of, double margin) {
  const double beyond = std::abs(of.value) - margin;
  if (beyond <= 0) return 1;
  if (of.error <= 0) return 0;
  return std::min(1.0, 2 * boost::math::cdf(boost::math::complement(students_t(of.freedom), beyond / of.error)));
}

double margin_on_scale(measure_kind kind) {
  return model::is_share(kind) ? margin_of(kind) : std::log(margin_of(kind));
}

bool is_usable(const measure& of) {
  return std::isfinite(on_scale(of)) && std::isfinite(of.error) && of.error >= 0 && of.freedom >= 1;
}

// A route or a status that one side never met: as rare as one request in all could make it.
measure never_met(const measure& other, std::uint64_t requests) {
  return {.kind = other.kind,
          .of = other.of,
          .value = 0,
          .error = 1 / static_cast<double>(std::max<std::uint64_t>(requests, 1)),
          .freedom = sure_freedom};
}

bool can_be_missing(measure_kind kind) { return kind == route || kind == status; }

class comparer {
 public:
  comparer(const model::profile& a, const model::profile& b) : a_(a), b_(b), routes_(a.measures, b.measures) {
    found_.a = {.name = {}, .requests = a.requests, .first = a.arrival.first, .last = a.arrival.last};
    found_.b = {.name = {}, .requests = b.requests, .first = b.arrival.first, .last = b.arrival.last};
    found_.confidence = compare_confidence;
  }

  model::workload_comparison run() {
    std::map<key, pair_of_measures> pairs;
    for (const measure& each : routes_.a()) pairs[{each.kind, each.of}].a = &each;
    for (const measure& each : routes_.b()) pairs[{each.kind, each.of}].b = &each;
    for (const auto& [of, both] : pairs) compare(both);
    judge();
    return std::move(found_);
  }

 private:
  void compare(const pair_of_measures& both) {
    const measure& any = both.a != nullptr ? *both.a : *both.b;
    const bool rare = can_be_missing(any.kind);
    const double least = of_interest * margin_of(any.kind);
    if (rare && (both.a == nullptr || both.a->value < least) && (both.b == nullptr || both.b->value < least)) {
      ++found_.too_small;
      return;
    }
    measure_comparison made{.kind = any.kind, .of = any.of, .a = {}, .b = {}, .margin = margin_of(any.kind)};
    if (both.a != nullptr) made.a = both.a->value;
    if (both.b != nullptr) made.b = both.b->value;
    if (!rare && (both.a == nullptr || both.b == nullptr)) {
      made.why = fmt::format("too few requests or too coarse stamps in {} to tell", both.a == nullptr ? "A" : "B");
      left_out_.push_back(std::move(made));
      return;
    }
    const measure in_a = both.a != nullptr ? *both.a : never_met(any, a_.requests);
    const measure in_b = both.b != nullptr ? *both.b : never_met(any, b_.requests);
    if (!is_usable(in_a) || !is_usable(in_b)) {
      made.why = "zero on one side, so there is no ratio";
      left_out_.push_back(std::move(made));
      return;
    }
    made.a = in_a.value;
    made.b = in_b.value;
    changes_.push_back(change_of(in_a, in_b));
    found_.measures.push_back(std::move(made));
  }

  void judge() {
    std::vector<double> p_values;
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      p_values.push_back(p_beyond(changes_[i], margin_on_scale(found_.measures[i].kind)));
    }
    const std::vector<double> adjusted = model::holm(p_values);
    for (std::size_t i = 0; i < changes_.size(); ++i) conclude(found_.measures[i], changes_[i], adjusted[i]);
    std::ranges::move(left_out_, std::back_inserter(found_.measures));
    std::ranges::sort(found_.measures, {},
                      [](const measure_comparison& each) { return std::tie(each.verdict, each.kind, each.of); });
  }

  static void conclude(measure_comparison& to, const change& of, double p_value) {
    const double margin = margin_on_scale(to.kind);
    const double half = half_width(of);
    const bool share = model::is_share(to.kind);
    to.change = share ? of.value : std::exp(of.value);
    to.low = share ? of.value - half : std::exp(of.value - half);
    to.high = share ? of.value + half : std::exp(of.value + half);
    to.p_value = p_value;
    const bool beyond = std::abs(of.value) - half > margin;
    if (beyond && p_value < compare_alpha) {
      to.verdict = likeness::differs;
      to.why = "the interval lies beyond the margin, and the test holds after the correction for all measures";
    } else if (std::abs(of.value) + half <= margin) {
      to.verdict = likeness::same;
      to.why = "the interval lies within the margin";
    } else {
      to.verdict = likeness::inconclusive;
      to.why = beyond                      ? "beyond the margin on its own, not after the correction for all measures"
               : std::abs(of.value) > half ? "a change, but it may be within the margin"
                                           : "the interval includes no change, and more than the margin";
    }
  }

  const model::profile& a_;
  const model::profile& b_;
  matched_measures routes_;
  model::workload_comparison found_;
  std::vector<change> changes_;  // of found_.measures
  std::vector<measure_comparison> left_out_;
};

}  // namespace

double margin_of(measure_kind kind) {
  switch (kind) {
    case rate:
    case bytes:
      return 1.1;
    case route:
      return 0.02;
    case status:
      return 0.01;
    case gaps:
    case short_sessions:
      return 0.05;
    case dispersion:
    case peak:
      return 1.5;
    case session_length:
      return 1.25;
  }
  return 1;
}

std::expected<model::workload_comparison, std::string> compare_workloads(const model::profile& a,
                                                                         const std::string& name_of_a,
                                                                         const model::profile& b,
                                                                         const std::string& name_of_b) {
  for (const auto& [profile, name] : {std::pair(&a, &name_of_a), std::pair(&b, &name_of_b)}) {
    if (!profile->measures.empty()) continue;
    return std::unexpected(fmt::format(
        "{}: nothing to compare by: too few requests, or a profile of an older assay; learn its log again", *name));
  }
  model::workload_comparison made = comparer(a, b).run();
  made.a.name = name_of_a;
  made.b.name = name_of_b;
  made.steps = compare_steps(a.session.paths, b.session.paths);
  return made;
}

}  // namespace assay::learn
