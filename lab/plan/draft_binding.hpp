// A binding to begin with: every route that is worth sending, with all that the profile tells filled in. What nobody
// but the user knows is marked with "fill in", and until it is the draft makes no plan: no candidate stands in it, and
// each feed is a file that is not there yet.
//
// Misuse: taking the ranges of numbers for the rows of the database that a candidate is given.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "lab/model/profile.hpp"
#include "lab/plan/openapi.hpp"

namespace assay::plan {

struct drafted_binding {
  std::string text;
  unsigned routes = 0;
  unsigned left_out = 0;
  unsigned dropped = 0;   // too rare, or never found
  unsigned bodies = 0;    // drafted from the description
  std::size_t marks = 0;  // "fill in"
};

// The service's own description, of which bodies are drafted.
struct described_service {
  std::map<std::string, drafted_body> bodies = {};  // by route, as openapi_routes() has it
  std::string file = {};                            // its name, for the comments
};

// `profile_name`: of its file; the binding's name begins as it does.
drafted_binding draft_binding(const model::profile& profile, const std::string& profile_name,
                              const described_service& described = {});

}  // namespace assay::plan
