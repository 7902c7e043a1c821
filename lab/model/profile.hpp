// What an access log says about the workload: the value that lab/learn hands on and lab/plan reads.
//
// Counts, not only shares, so that an interval can be computed wherever a share is used. Rates are requests a second.
// The file format is profile_json.hpp's, version profile_version; a reader refuses another major version.
//
// Misuse: reading a rate below the log's resolution. A log with one-second stamps does not say how requests lie inside
// a second (`resolution`), and no number here claims to know.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/estimate.hpp"

namespace assay::model {

inline constexpr int profile_version = 1;

struct log_source {
  std::string path = {};
  std::string sha256 = {};
  std::string format = {};  // "combined", "common"
  std::uint64_t lines = 0;
  std::uint64_t kept = 0;
  std::map<std::string, std::uint64_t> rejected = {};       // by reason
  std::map<std::string, std::string> rejected_sample = {};  // by reason: "line 17: …"
};

// A placeholder of a route's template, and what stood there.
struct placeholder {
  std::string name = {};   // as in the template, without braces
  std::string shape = {};  // "integer", "uuid", "hex", "date", "slug", "text"
  std::uint64_t distinct = 0;
  std::optional<double> zipf_exponent = {};  // of popularity by rank; absent when it cannot be estimated
  double top_tenth_share = 0;                // of the requests, for the most popular tenth of the values
  std::optional<std::int64_t> least = {};    // of integers
  std::optional<std::int64_t> greatest = {};
};

struct route {
  std::string method = {};
  std::string path = {};  // template: /items/{id}
  std::uint64_t requests = 0;
  std::map<int, std::uint64_t> statuses = {};
  std::map<std::string, std::uint64_t> query_keys = {};  // how many requests carry the key; values are not kept
  std::vector<placeholder> placeholders = {};
  double response_bytes_p50 = 0;
  double response_bytes_p99 = 0;

  std::string name() const { return method + " " + path; }
};

// Arrivals in the log, at the scales it can resolve.
struct arrivals {
  std::chrono::sys_seconds first{};
  std::chrono::sys_seconds last{};
  std::uint64_t requests = 0;
  double mean_per_s = 0;
  double median_hour_per_s = 0;   // of whole hours with the log inside
  double busiest_hour_per_s = 0;  // "peak"
  double busiest_second_per_s = 0;
  std::map<int, double> dispersion = {};    // index of dispersion for counts at 1, 10, 60, 300 s; 1 is Poisson
  std::map<int, double> peak_to_mean = {};  // at 1, 10, 60, 300 s
  std::vector<double> hour_of_day = {};     // 24 multipliers of the mean rate; empty when less than a day was seen
};

struct sessions {
  std::string key = {};  // "address and user agent"
  std::uint64_t count = 0;
  double idle_cut_s = 1800;
  double requests_mean = 0;
  double think_time_p50_s = 0;
  double think_time_p90_s = 0;
};

struct error_bursts {
  std::uint64_t errors = 0;  // status >= 500
  std::uint64_t bursts = 0;  // runs of failures
  std::uint64_t longest = 0;
};

struct profile {
  int version = profile_version;
  std::string tool_version = {};
  std::string resolution = {};  // "1 s": of the stamps
  std::vector<log_source> sources = {};
  std::vector<route> routes = {};  // by requests, descending
  arrivals arrival = {};
  sessions session = {};
  error_bursts errors = {};
};

}  // namespace assay::model
