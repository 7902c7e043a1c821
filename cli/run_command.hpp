// `assay run PLAN` and `assay report DIRECTORY`.
//
// Misuse: putting logic here; the conductor is lab/campaign.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assay::cli {

struct run_arguments {
  std::string plan;
  std::string directory;  // empty: results/<plan name>
  std::vector<std::string> only;
  std::vector<std::string> without;
  std::optional<unsigned> repeats;
  bool resume = false;
  bool without_ours = false;
};

struct report_arguments {
  std::string directory;
};

int run_command(const run_arguments& typed);
int report_command(const report_arguments& typed);

}  // namespace assay::cli
