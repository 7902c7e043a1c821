// `assay watch`: a command or a process in, what its loop does and a diagnosis out.
//
// Misuse: logic here. What is seen and judged is the lab's; how it reads is lab/report's.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assay::cli {

struct watch_arguments {
  std::vector<std::string> command;  // behind --
  std::optional<std::string> pid;
  std::optional<std::string> length;
  std::string interval = "1s";
  std::string runtime = "auto";
  std::string postgres;
  bool json = false;
};

int watch_command(const watch_arguments& typed);

}  // namespace assay::cli
