// A database that was looked into, for a terminal and as JSON.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lab/model/database.hpp"

namespace assay::report {

// Means over looks with a connection open, and the most of each.
struct database_usual {
  std::size_t looks = 0;
  double connections = 0;
  double active = 0;
  double held = 0;
  double lock_waits = 0;
  unsigned most_connections = 0;
  unsigned most_of_server = 0;
  double longest_idle_s = 0;
  double longest_wait_s = 0;
};
database_usual usual_of(const std::vector<model::database_look>& looks);

// Some lines, each indented by two.
std::string database_text(const model::database_view& of);

nlohmann::ordered_json database_json(const model::database_view& of);

}  // namespace assay::report
