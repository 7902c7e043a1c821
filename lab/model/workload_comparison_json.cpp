#include "lab/model/workload_comparison_json.hpp"

#include <nlohmann/json.hpp>

#include "lab/model/utc_text.hpp"

namespace assay::model {
namespace {

using json = nlohmann::ordered_json;

json written(const workload_side& of) {
  return {{"name", of.name}, {"requests", of.requests}, {"first", utc_text(of.first)}, {"last", utc_text(of.last)}};
}

json or_null(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

json written(const measure_comparison& of) {
  const bool compared = of.verdict != likeness::not_compared;
  return {{"kind", label(of.kind)},
          {"of", of.of},
          {"a", or_null(of.a)},
          {"b", or_null(of.b)},
          {"scale", is_share(of.kind) ? "difference" : "ratio"},
          {"change", compared ? json(of.change) : json(nullptr)},
          {"low", compared ? json(of.low) : json(nullptr)},
          {"high", compared ? json(of.high) : json(nullptr)},
          {"margin", of.margin},
          {"p_value", or_null(of.p_value)},
          {"verdict", label(of.verdict)},
          {"why", of.why}};
}

json steps_json(const std::optional<steps_comparison>& of) {
  if (!of) return nullptr;
  return {{"distance", of->distance},
          {"low", of->low},
          {"high", of->high},
          {"margin", of->margin},
          {"verdict", label(of->verdict)}};
}

}  // namespace

std::string workload_comparison_json(const workload_comparison& of) {
  json document;
  document["format"] = "assay.workloads/1";
  document["verdict"] = label(of.verdict());
  document["confidence"] = of.confidence;
  document["a"] = written(of.a);
  document["b"] = written(of.b);
  document["measures"] = json::array();
  for (const measure_comparison& each : of.measures) document["measures"].push_back(written(each));
  document["too_small"] = of.too_small;
  document["steps"] = steps_json(of.steps);
  // A file's name need not be UTF-8.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::model
