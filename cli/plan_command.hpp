// `assay plan`: a profile and a binding in, a plan out; and what a plan will do.
//
// Misuse: logic here. Decoding, binding and writing are lab/plan's; how a forecast reads is lab/report's.
#pragma once

#include <string>

namespace assay::cli {

// As typed.
struct plan_arguments {
  std::string profile;
  std::string binding;
  std::string drafted;  // a binding to write
  std::string openapi;  // the service's description, for its bodies
  std::string output;
  std::string within;
  std::string checked;
  bool full = false;
  bool schema = false;
  bool page = false;
};

int plan_command(const plan_arguments& typed);

}  // namespace assay::cli
