// `assay learn`: access logs in, the workload on one screen and as a profile.
//
// Misuse: logic here. Reading is lab/learn's; the portrait is lab/report's.
#pragma once

#include <string>
#include <vector>

namespace assay::cli {

struct learn_arguments {
  std::vector<std::string> logs;
  std::vector<std::string> patterns;
  std::string output;
  bool json = false;
};

int learn_command(const learn_arguments& typed);

}  // namespace assay::cli
