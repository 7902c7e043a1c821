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
#include "lab/model/measure.hpp"

namespace assay::model {

inline constexpr int profile_version = 1;

struct log_source {
  std::string path;
  std::string sha256;
  std::string format;  // "combined", "common"
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t kept = 0;
  std::uint64_t clock_anomalies = 0;                   // stamps more than 60 s before one that came earlier
  std::map<std::string, std::uint64_t> rejected;       // by reason
  std::map<std::string, std::string> rejected_sample;  // by reason: "line 17: …"
};

// A placeholder of a route's template, and what stood there.
struct placeholder {
  std::string name;   // as in the template, without braces
  std::string shape;  // "integer", "uuid", "hex", "date", "slug", "text"
  std::uint64_t distinct = 0;
  bool distinct_capped = false;                 // more values than were counted: `distinct` is a lower bound
  std::optional<double> zipf_exponent;          // of popularity by rank; absent when it cannot be estimated
  double top_tenth_share = 0;                   // of the requests, for the most popular tenth of the values
  std::optional<std::int64_t> least, greatest;  // of integers that were found (not 400, 404 or 405)
  std::string why = {};                         // what stood there are values, for people
};

struct route {
  std::string method;
  std::string path;  // template: /items/{id}
  std::uint64_t requests = 0;
  std::map<int, std::uint64_t> statuses;
  std::map<std::string, std::uint64_t> query_keys;  // how many requests carry the key; values are not kept
  std::vector<placeholder> placeholders;
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
  int whole_hours = 0;            // clock hours that lie inside the log
  double median_hour_per_s = 0;   // of the whole hours; the mean when there is none
  double busiest_hour_per_s = 0;  // "peak"; likewise
  double busiest_second_per_s = 0;
  // Index of dispersion for counts at 1, 10, 60, 300 s; 1 is Poisson. Within hours, so that the shape of the day does
  // not pass for bursts; scales with too few windows are absent.
  std::map<int, double> dispersion;
  std::map<int, double> peak_to_mean;  // at 1, 10, 60, 300 s
  std::vector<double> hour_of_day;     // 24 multipliers of the mean rate; empty when less than a day was seen
  int zone_minutes = 0;                // east of UTC, of the first stamp: the clock of hour_of_day
  // Requests of each of the sixty seconds whose squares have the greatest sum: many requests, and crowded ones. Empty
  // when less than a minute was seen.
  std::vector<std::uint64_t> worst_minute;

  // The mean rate that a request has around it, by the shape of the day: busy hours have more requests to have it.
  double rate_of_a_request() const;
};

struct sessions {
  std::string key;  // "address and user agent"
  std::uint64_t count = 0;
  double idle_cut_s = 1800;
  double requests_mean = 0;
  double think_time_p50_s = 0;  // between two requests of a session, whatever they are
  double think_time_p90_s = 0;
};

struct error_bursts {
  std::uint64_t errors = 0;   // status >= 500
  std::uint64_t bursts = 0;   // runs of two failures or more, in the order of the log
  std::uint64_t longest = 0;  // run, in requests
};

struct profile {
  int version = profile_version;
  std::string tool_version;
  std::string resolution;  // "1 s": of the stamps
  std::vector<log_source> sources;
  std::uint64_t requests = 0;                  // of the routes and of `other`
  std::vector<route> routes;                   // by requests, descending
  std::map<std::string, std::uint64_t> other;  // requests of no route, by reason
  std::map<int, std::uint64_t> statuses;       // of all requests
  double response_bytes_p50 = 0;               // of all requests
  double response_bytes_p99 = 0;
  std::vector<std::string> notes;  // what a reader should know: limits that were reached
  std::vector<measure> measures;   // what another profile is compared by; none in those of older versions
  arrivals arrival;
  sessions session;
  error_bursts errors;
};

// The share of `count` in `total` with Wilson's 95 % interval, as if requests chose their route independently.
estimate share(std::uint64_t count, std::uint64_t total);

}  // namespace assay::model
