// `assay capacity`: arguments in, the highest rate inside the objectives out.
//
// Misuse: logic here. How it is searched is lab/load's, how it reads lab/report's.
#pragma once

#include <string>

#include "cli/load_command.hpp"

namespace assay::cli {

// As typed; what it shares with `assay load` means the same.
struct capacity_arguments {
  load_arguments load;
  std::string from = "100";
  std::string most = "1000000";
  std::string precision = "5%";
  std::size_t runs = 40;
  std::size_t curve = 6;  // runs of it; 0: none
  bool no_curve = false;
};

int capacity_command(const capacity_arguments& typed);

}  // namespace assay::cli
