// A plan as a complete, commented YAML file, which decodes to the same value again.
//
// Misuse: writing it to another directory than the one that was named: relative paths would lead elsewhere.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/plan.hpp"

namespace assay::plan {

// Why the plan is as it is; each line becomes a comment.
struct plan_notes {
  std::vector<std::string> head;
  std::vector<std::string> workload;
  std::vector<std::string> phases;
  std::vector<std::string> objectives;           // about the proposed ones
  std::map<std::string, std::string> objective;  // by text
  std::map<std::string, std::string> routes;     // by name
  std::map<std::string, std::string> phase;      // by name
};

// Plain when no reader of YAML could take it for anything but this text, else double-quoted.
std::string yaml_scalar(std::string_view text);
// A comment is one line whatever it quotes.
std::string yaml_comment(std::string text);

std::string plan_yaml(const model::plan& plan, const plan_notes& notes, const std::filesystem::path& directory);

}  // namespace assay::plan
