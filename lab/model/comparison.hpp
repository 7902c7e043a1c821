// What the trials of a campaign say, taken together: the value that lab/judge hands to lab/decide and lab/report.
//
// Misuse: naming a winner from `runs` or from a point estimate; `finding` is the only place where a verdict is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/estimate.hpp"
#include "lab/model/trial.hpp"

namespace assay::model {

enum class finding : std::uint8_t { better, worse, equivalent, inconclusive, not_estimable };
std::string_view label(finding found);

// One metric of one candidate in one phase, over its trials.
struct metric_summary {
  std::string candidate;
  std::string phase;  // empty: of the whole trial
  std::string
      metric;  // "response_p99_ms", "error_share", "goodput_rps", "cpu_ms_per_request", "rss_mib", "lag_p99_ms"…
  std::vector<double> runs;           // a value a trial; trials where it was not estimable are left out
  std::optional<estimate> over_runs;  // geometric mean for what is a ratio scale; absent when n < 2
  std::string why_not;                // when absent
};

// A candidate against the reference.
struct metric_comparison {
  std::string candidate;
  std::string reference;
  std::string phase;
  std::string metric;
  bool primary = false;           // takes part in the familywise error control
  std::optional<estimate> ratio;  // candidate / reference
  double margin = 0;              // differences below are of no interest: 0.1 is 10 %
  std::optional<double> p_value;  // adjusted (Holm) when primary
  finding verdict = finding::not_estimable;
  std::string why;  // one sentence
};

struct candidate_summary {
  std::string name;
  std::string title;
  bool ours = false;
  unsigned complete = 0;
  unsigned invalid = 0;
  unsigned failed = 0;
  std::vector<std::string> remarks;     // reasons of failed trials, anomalies
  std::vector<blocking_site> blocking;  // over all its trials, by total time, descending
  bool freezes = false;                 // a blocking call on a loop thread is behind the lag
};

struct comparison {
  std::string plan_name;
  std::string reference;
  double confidence = 0.95;
  std::vector<candidate_summary> candidates;
  std::vector<metric_summary> metrics;
  std::vector<metric_comparison> comparisons;
  std::vector<std::string> anomalies;
};

}  // namespace assay::model
