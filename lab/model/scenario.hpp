// What a session does: requests one after the other, with a pause between two, and values that are taken from an answer
// and sent again later. The value that lab/plan decodes from YAML and lab/load runs.
//
// Misuse: building one by hand outside of tests; the decoder is where the rules are kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/load_result.hpp"
#include "lab/model/plan.hpp"

namespace assay::model {

inline constexpr std::size_t most_scenarios = 16;
inline constexpr std::size_t most_steps = 64;  // of a scenario

// From the end of an answer to the next request.
struct think_time {
  enum class kind : std::uint8_t { constant, exponential, lognormal };
  kind law = kind::constant;
  std::chrono::nanoseconds mean{};
  double cv = 0;  // of a lognormal one: its standard deviation over its mean
};

// What is taken from an answer, for later steps.
struct extraction {
  enum class kind : std::uint8_t {
    json,    // the value at the path `what`
    header,  // the field `what`, or what of it lies between `after` and `before`
    cookie,  // the cookie `what` that this answer sets
    body,    // what lies between `after` and `before`
  };
  std::string name = {};  // of the placeholder
  kind from = kind::json;
  std::string what = {};
  std::string after = {};
  std::string before = {};  // empty, of a header: up to its end
};

struct scenario_step {
  bound_route request = {};  // whose name is the step's; a placeholder may be without a value here
  std::vector<std::string> checks = {};
  std::vector<extraction> takes = {};
  std::optional<think_time> think = {};  // after it; else the scenario's
  std::string place = {};                // "FILE:LINE:COLUMN", for messages
};

struct scenario {
  std::string name = {};
  std::optional<double> rate_per_s = {};  // sessions a second; else the command line's, or in stages
  std::vector<std::string> stages = {};   // in place of a rate, as after --stage; not read yet
  std::optional<arrival_law> arrivals = {};
  bool cookies = true;
  std::map<std::string, value_source> values = {};  // drawn once a session
  std::optional<think_time> think = {};
  std::vector<scenario_step> steps = {};  // at least one
  std::string place = {};
};

}  // namespace assay::model
