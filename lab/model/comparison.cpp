#include "lab/model/comparison.hpp"

#include <algorithm>

namespace assay::model {

std::string_view label(finding found) {
  switch (found) {
    case finding::better:
      return "better";
    case finding::worse:
      return "worse";
    case finding::equivalent:
      return "equivalent";
    case finding::inconclusive:
      return "inconclusive";
    case finding::not_estimable:
      return "not estimable";
  }
  return "not estimable";
}

namespace {

template <typename T, typename Is>
const T* first(const std::vector<T>& list, Is is) {
  const auto found = std::ranges::find_if(list, is);
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

const blocking_site* candidate_summary::worst_site(double threshold_ms) const {
  return first(blocking, [&](const blocking_site& each) { return each.longest_ms >= threshold_ms; });
}

std::vector<std::string> comparison::phases() const {
  std::vector<std::string> found;
  for (const metric_summary& each : metrics) {
    if (!each.phase.empty() && std::ranges::find(found, each.phase) == found.end()) found.push_back(each.phase);
  }
  return found;
}

const candidate_summary* comparison::find_candidate(const std::string& name) const {
  return first(candidates, [&](const candidate_summary& each) { return each.name == name; });
}

const metric_summary* comparison::find_metric(const std::string& candidate, const std::string& phase,
                                              const std::string& metric) const {
  return first(metrics, [&](const metric_summary& each) {
    return each.candidate == candidate && each.phase == phase && each.metric == metric;
  });
}

const metric_comparison* comparison::find_comparison(const std::string& candidate, const std::string& phase,
                                                     const std::string& metric) const {
  return first(comparisons, [&](const metric_comparison& each) {
    return each.candidate == candidate && each.phase == phase && each.metric == metric;
  });
}

const metric_comparison* comparison::find_primary(const std::string& candidate, const std::string& phase) const {
  return first(comparisons, [&](const metric_comparison& each) {
    return each.primary && each.candidate == candidate && each.phase == phase;
  });
}

}  // namespace assay::model
