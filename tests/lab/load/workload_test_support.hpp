// Routes and phases for tests, in a line each.
//
// Misuse: outside of tests; a plan's workload comes out of lab/plan.
#pragma once

#include <string>
#include <string_view>

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

// A write with a key of its own; without Idempotency-Key, so that it is never sent twice.
inline model::bound_route order() {
  model::bound_route made = route("POST", "/orders");
  made.body = R"({{"order":"{order}"}})";
  made.values["order"].from = model::value_source::kind::uuid;
  made.expected = {201, 409};
  made.acknowledged_by = "order";
  return made;
}

// The key in the bytes of such a request; empty for others.
inline std::string key_in(std::string_view request) {
  const std::size_t at = request.find(R"("order":")");
  return at == std::string_view::npos ? "" : std::string(request.substr(at + 9, 36));
}

}  // namespace assay::load
