// From the trials that are stored to what people read: comparison, decision record, report. May run as often as one
// likes, also while trials are missing.
//
// Misuse: editing report.html or record.md in the results' directory; the next call writes them anew.
#pragma once

#include <expected>
#include <string>

#include "lab/model/comparison.hpp"

namespace assay::campaign {

struct written_results {
  model::comparison compared;
  std::string summary;             // for the terminal
  bool objectives_broken = false;  // one of the plan's was not kept by a candidate, or cannot be told
  std::string report_path;         // report.html
  std::string record_path;         // record.md
  std::string json_path;           // report.json
};

// Reads DIRECTORY/campaign.db and writes the three beside it, each whole or not at all.
std::expected<written_results, std::string> write_results(const std::string& directory);

}  // namespace assay::campaign
