// Access logs in, profile out: routes, arrivals, sessions, errors.
//
//   auto profile = learn::learn({.files = {"access.log"}});
//
// One pass, in memory that does not grow with the log; the limits are named beside what they bound.
//
// Misuse: expecting anything of a log that a sampler has thinned out: rates and bursts are then the sampler's.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lab/learn/format_choice.hpp"
#include "lab/learn/input_paths.hpp"
#include "lab/model/profile.hpp"

namespace assay::learn {

struct learn_options {
  std::vector<std::string> files;           // files, globs, directories; "-" is standard input
  std::vector<std::string> routes;          // 'GET /items/{id}/price', before any that is guessed
  std::string format = {};                  // as format_choice reads it; empty: whichever it is
  std::vector<std::string> described = {};  // like `routes`, and after them: of the service's own description
  std::string description = {};             // its name, for notes
};

// Whether the options can be followed at all, before a file is read.
std::expected<void, std::string> check(const learn_options& options);

std::expected<model::profile, std::string> learn(const learn_options& options);

}  // namespace assay::learn
