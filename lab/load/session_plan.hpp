// Sessions made ready to run: scenarios with their requests bound, their checks and extractions read, and every
// placeholder known to have a value by the time it is sent.
//
// The model is partly open (Schroeder, Wierman, Harchol-Balter, NSDI 2006): sessions arrive by a schedule that no
// answer moves; inside a session a request waits for the answer before it, and then for the think time.
//
// Misuse: more than one thread; a session plan is run by one.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "lab/load/extraction.hpp"
#include "lab/load/value_draw.hpp"
#include "lab/load/workload.hpp"
#include "lab/model/scenario.hpp"

namespace assay::load {

// Where seconds are kept. While sessions wait for a place, each later second that has had a step stays open, of 36 KiB
// (second_series.hpp): 500 MiB where they wait all the time.
inline constexpr duration max_session_seconds = std::chrono::hours(4);

// A placeholder of a step whose value is the session's.
struct session_value {
  std::size_t placeholder = 0;  // in the request
  std::size_t variable = 0;     // of the session
};

struct session_step {
  std::size_t route = 0;  // in the workload's requests
  answer_checks checks = {};
  std::vector<extractor> takes = {};
  std::vector<std::size_t> takes_into = {};  // variables
  std::vector<session_value> given = {};
  std::size_t known = 0;         // so many variables have a value before it
  model::think_time think = {};  // after it; zero after the last
};

struct session_scenario {
  std::string name = {};
  double rate_per_s = 0;  // the mean
  model::arrival_law arrivals = model::arrival_law::constant;
  std::vector<stage> stages = {};  // as long as the run; those of the run are of all scenarios together
  bool cookies = true;
  std::vector<value_draw> values = {};      // the first variables, drawn once a session
  std::vector<std::size_t> streams = {};    // of them: see streams_of()
  std::vector<std::string> variables = {};  // their names, and those that are extracted
  std::vector<session_step> steps = {};
};

struct session_plan {
  load_plan load;  // where to, for how long; its `connections` bound the sessions under way
  workload work;   // the steps of all scenarios as its requests
  std::vector<session_scenario> scenarios;
};

// The error is one line for the user, with the place in the file where there is one.
std::expected<session_plan, std::string> plan_sessions(const std::vector<model::scenario>& scenarios,
                                                       load_options options);

}  // namespace assay::load
