// `assay compare`: URLs and a log in, a judged comparison out, without a plan file to write first.
//
// Misuse: logic here. The plan is lab/plan's, the campaign lab/campaign's.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assay::cli {

// As typed.
struct compare_arguments {
  std::vector<std::string> candidates;  // NAME=URL
  std::vector<std::string> logs;
  std::vector<std::string> routes;
  std::string directory;  // empty: results/<names>
  std::string within;     // empty: as long as usual
  std::optional<double> rate_per_s;
  unsigned repeats = 3;
  bool unsafe = false;
};

int compare_command(const compare_arguments& typed);

}  // namespace assay::cli
