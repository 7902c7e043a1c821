// Routes and phases for tests, in a line each.
//
// Misuse: outside of tests; a plan's workload comes out of lab/plan.
#pragma once

#include <string>

#include "lab/model/plan.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

inline model::bound_route route(const std::string& method, const std::string& target, double weight = 1) {
  model::bound_route made;
  made.name = method + " " + target;
  made.method = method;
  made.target = target;
  made.weight = weight;
  return made;
}

inline model::phase phase(const std::string& name, double rate_per_s, duration length) {
  model::phase made;
  made.name = name;
  made.rate_per_s = rate_per_s;
  made.length = length;
  return made;
}

inline model::value_source integers(model::value_source::kind from, std::int64_t low, std::int64_t high,
                                    double exponent = 1) {
  model::value_source made;
  made.from = from;
  made.low = low;
  made.high = high;
  made.exponent = exponent;
  return made;
}

}  // namespace assay::load
