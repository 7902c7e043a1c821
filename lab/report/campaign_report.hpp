// A campaign as a report: one self-contained HTML page that opens offline, prints, and is complete without a script but
// for its charts.
//
// Misuse: adding a number here that the judge has not estimated. The page shows what comparison and trials hold.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lab/model/comparison.hpp"
#include "lab/model/plan.hpp"
#include "lab/model/trial.hpp"

namespace assay::report {

struct campaign_report {
  model::plan plan;
  model::comparison compared;
  std::vector<model::trial> trials;          // in the order they ran
  std::map<std::string, std::string> facts;  // of the host, the tool, the dependencies
  std::string record;                        // the decision record, Markdown
};

std::string campaign_html(const campaign_report& report);

// The charts' data as JSON, as web/data.ts reads them; without "<", so that it may stand inside a script element.
std::string chart_data(const campaign_report& report);

}  // namespace assay::report
