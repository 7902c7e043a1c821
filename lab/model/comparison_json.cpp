#include "lab/model/comparison_json.hpp"

#include <nlohmann/json.hpp>
#include <optional>

namespace assay::model {
namespace {

using json = nlohmann::ordered_json;

json written(const std::optional<estimate>& of) {
  if (!of) return nullptr;
  return {{"value", of->value}, {"low", of->low}, {"high", of->high}, {"n", of->n}};
}

json written(const provenance& of) {
  json host = json::object();
  for (const auto& [key, value] : of.host) host[key] = value;
  return {{"experiment_id", of.experiment_id},
          {"created", of.created},
          {"tool_version", of.tool_version},
          {"plan_sha256", of.plan_sha256},
          {"results_sha256", of.results_sha256},
          {"seed", of.seed},
          {"repeats", of.repeats},
          {"host", host}};
}

json written(const shared_cause& of) {
  json numbers = json::object();
  for (const evidence& each : of.what.numbers) numbers[each.name] = each.value;
  return {{"kind", std::string(label(of.what.kind))},
          {"runs", of.runs},
          {"run", of.run},
          {"call", of.what.call},
          {"peer", of.what.peer},
          {"place", of.what.place},
          {"text", of.what.text},
          {"numbers", numbers},
          {"next", of.what.next}};
}

json written(const candidate_diagnosis& of) {
  json findings = json::array();
  for (const shared_cause& each : of.findings) findings.push_back(written(each));
  return {{"verdict", std::string(label(of.verdict))},
          {"text", of.text},
          {"phase", of.phase.empty() ? json(nullptr) : json(of.phase)},
          {"judged", of.judged},
          {"agreeing", of.agreeing},
          {"findings", findings},
          {"remarks", of.remarks}};
}

json written(const candidate_summary& of) {
  json blocking = json::array();
  for (const blocking_site& each : of.blocking) {
    blocking.push_back({{"call", each.call},
                        {"peer", each.peer},
                        {"place", each.place},
                        {"stack", each.stack},
                        {"count", each.count},
                        {"total_ms", each.total_ms},
                        {"longest_ms", each.longest_ms}});
  }
  return {{"name", of.name},       {"title", of.title},
          {"ours", of.ours},       {"complete", of.complete},
          {"invalid", of.invalid}, {"failed", of.failed},
          {"remarks", of.remarks}, {"freezes", of.freezes},
          {"blocking", blocking},  {"diagnosis", written(of.diagnosis)}};
}

json written(const metric_summary& of) {
  return {{"candidate", of.candidate},
          {"phase", of.phase.empty() ? json(nullptr) : json(of.phase)},
          {"metric", of.metric},
          {"runs", of.runs},
          {"estimate", written(of.over_runs)},
          {"why_not", of.why_not.empty() ? json(nullptr) : json(of.why_not)}};
}

json written(const metric_comparison& of) {
  return {{"candidate", of.candidate},
          {"reference", of.reference},
          {"phase", of.phase},
          {"metric", of.metric},
          {"primary", of.primary},
          {"ratio", written(of.ratio)},
          {"margin", of.margin},
          {"p_value", of.p_value ? json(*of.p_value) : json(nullptr)},
          {"verdict", std::string(label(of.verdict))},
          {"why", of.why}};
}

template <typename T>
json written(const std::vector<T>& list) {
  json array = json::array();
  for (const T& each : list) array.push_back(written(each));
  return array;
}

}  // namespace

std::string comparison_to_json(const comparison& judged) {
  json document;
  document["format"] = "assay.report/1";
  document["source"] = written(judged.source);
  document["plan"] = judged.plan_name;
  document["reference"] = judged.reference;
  document["confidence"] = judged.confidence;
  document["stall_threshold_ms"] = judged.stall_threshold_ms;
  document["candidates"] = written(judged.candidates);
  document["comparisons"] = written(judged.comparisons);
  document["metrics"] = written(judged.metrics);
  document["anomalies"] = judged.anomalies;
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::model
