// `assay learn`: access logs in, portrait or profile out; or two workloads in, and where they differ.
//
// Misuse: logic here. What a log means is lab/learn's; how it reads is lab/report's.
#pragma once

#include <string>
#include <vector>

namespace assay::cli {

// As typed.
struct learn_arguments {
  std::vector<std::string> files;
  std::string output;
  std::string page;  // of HTML
  std::vector<std::string> routes;
  std::string format;
  std::string explained;  // a route
  std::string openapi;
  bool compare = false;
  bool json = false;
};

int learn_command(const learn_arguments& typed);

}  // namespace assay::cli
