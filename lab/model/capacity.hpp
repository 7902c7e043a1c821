// What a capacity search found and every run that it rests on.
//
// Misuse: comparing two services by the middles. The intervals say whether they differ; the judge says it over
// restarts of the services, which one search does not have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::model {

enum class capacity_outcome : std::uint8_t {
  found,        // the interval is as narrow as asked
  wide,         // the runs were used up, or the search was ended, before it was
  below_least,  // not even the least rate was kept
  above_most,   // every rate was kept that was tried
};

std::string_view label(capacity_outcome outcome);

struct capacity_estimate {
  capacity_outcome outcome = capacity_outcome::wide;
  double rps = 0;  // the middle; of below_least and above_most the bound
  double low_rps = 0;
  double high_rps = 0;  // infinite when everything was kept
  double spread = 0;    // by what share the capacity differs from run to run, as far as the runs tell
  std::size_t runs = 0;
};

struct capacity_run {
  double rate_rps = 0;
  bool valid = false;  // else it says nothing about the service
  bool kept = false;
  double achieved_rps = 0;
  double goodput_rps = 0;  // answers that were no errors
  std::optional<double> p50_ns = {};
  std::optional<double> p99_ns = {};
  double error_share = 0;
  std::vector<gate_outcome> gates = {};
  std::vector<std::string> reasons = {};  // why not valid
};

struct capacity_result {
  std::string url;
  std::string objectives;  // as typed
  double confidence = 0;
  double run_length_s = 0;
  unsigned connections = 0;
  bool interrupted = false;
  std::optional<double> generator_limit_rps;  // above it this machine's runs were INVALID
  capacity_estimate estimate;
  std::vector<capacity_run> runs;  // in the order in which they were made
};

}  // namespace assay::model
