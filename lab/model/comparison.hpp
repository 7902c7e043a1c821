// What the trials of a campaign say, taken together: the value that lab/judge hands to lab/decide and lab/report.
//
// Misuse: naming a winner from `runs` or from a point estimate; `finding` is the only place where a verdict is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/diagnosis.hpp"
#include "lab/model/estimate.hpp"
#include "lab/model/trial.hpp"

namespace assay::model {

enum class finding : std::uint8_t { better, worse, equivalent, inconclusive, not_estimable };
std::string_view label(finding found);

// One metric of one candidate in one phase, over its trials.
struct metric_summary {
  std::string candidate = {};
  std::string phase = {};  // empty: of the whole trial
  // "response_p99_ms", "error_share", "goodput_rps", "cpu_ms_per_request", "rss_mib", "lag_p99_ms"…
  std::string metric = {};
  std::vector<double> runs = {};           // a value a trial; trials where it was not estimable are left out
  std::optional<estimate> over_runs = {};  // geometric mean for what is a ratio scale; absent when n < 2
  std::string why_not = {};                // when absent
};

// A candidate against the reference.
struct metric_comparison {
  std::string candidate = {};
  std::string reference = {};
  std::string phase = {};
  std::string metric = {};
  bool primary = false;                // takes part in the familywise error control
  std::optional<estimate> ratio = {};  // candidate / reference
  double margin = 0;                   // differences below are of no interest: 0.1 is 10 %
  std::optional<double> p_value =
      {};  // of "no more than the margin", Holm-adjusted within all primary or all other ones
  finding verdict = finding::not_estimable;
  std::string why = {};  // one sentence
};

struct candidate_summary {
  std::string name = {};
  std::string title = {};
  bool ours = false;
  unsigned complete = 0;
  unsigned invalid = 0;
  unsigned failed = 0;
  std::vector<std::string> remarks = {};     // reasons of failed trials, anomalies
  std::vector<blocking_site> blocking = {};  // over all its trials: calls, then what was none; each by total time
  bool freezes = false;                      // a blocking call on a loop thread is behind the lag
  candidate_diagnosis diagnosis = {};

  // The site with the most time among those that once lasted so long; null when there is none.
  const blocking_site* worst_site(double threshold_ms) const;
};

// Where the figures come from. The conductor fills it in; what it does not know stays empty.
struct provenance {
  std::string experiment_id = {};
  std::string created = {};  // UTC, ISO 8601
  std::string tool_version = {};
  std::string plan_sha256 = {};
  std::string results_sha256 = {};  // of the campaign's file
  std::uint64_t seed = 0;
  unsigned repeats = 0;
  std::map<std::string, std::string> host = {};  // "cpu", "kernel", "memory", …
};

struct comparison {
  provenance source = {};
  std::string plan_name = {};
  std::string reference = {};
  double confidence = 0.95;
  double stall_threshold_ms = 25;  // of the plan
  std::vector<candidate_summary> candidates = {};
  std::vector<metric_summary> metrics = {};
  std::vector<metric_comparison> comparisons = {};
  std::vector<std::string> anomalies = {};

  std::vector<std::string> phases() const;  // that were judged, in the order of the plan
  const candidate_summary* find_candidate(const std::string& name) const;
  const metric_summary* find_metric(const std::string& candidate, const std::string& phase,
                                    const std::string& metric) const;
  const metric_comparison* find_comparison(const std::string& candidate, const std::string& phase,
                                           const std::string& metric) const;
  const metric_comparison* find_primary(const std::string& candidate, const std::string& phase) const;
};

}  // namespace assay::model
