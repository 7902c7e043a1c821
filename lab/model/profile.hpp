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

// The upper end of a distribution where it follows a power law: P(X > x | X >= from) = (x / from)^-alpha. Below an
// alpha of 2 the variance has no end, at 1 and below the mean has none.
struct tail_fit {
  estimate alpha = {};  // as if the amounts were independent; `n` of them are at `from` and beyond
  double from = 0;      // in the unit of what was fitted
  double distance = 0;  // greatest between its distribution function and that which was seen

  bool is_good() const { return distance <= 0.05; }
  // Steeper tails are like those of many laws.
  bool is_heavy() const { return is_good() && alpha.value < 3; }
};

// Times that a log has.
struct durations {
  std::uint64_t requests = 0;  // of which it is logged
  double mean_s = 0;
  double p50_s = 0;
  double p90_s = 0;
  double p99_s = 0;
  double p999_s = 0;
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
  std::optional<durations> latency = {};

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
  std::vector<double> hour_of_week = {};  // 168 multipliers from Monday, 0 h on; empty when less than a week was seen
  // How long arrivals remember: 0.5 is not at all beyond minutes, towards 1 busy times cluster at every scale.
  std::optional<estimate> hurst = {};
  std::map<int, estimate> autocorrelation = {};  // of the counts of seconds, by lag in seconds; within hours
  std::optional<estimate> gap_cv = {};           // standard deviation of the gaps over their mean; 1 is Poisson

  // The mean rate that a request has around it, by the shape of the day: busy hours have more requests to have it.
  double rate_of_a_request() const;
};

// Which route follows which. Counts are scaled up to the whole log from clients that were followed.
struct session_paths {
  std::vector<std::string> routes = {};               // the commonest, and "other"; none when nobody was followed
  std::vector<std::uint64_t> entries = {};            // sessions that begin with it
  std::vector<std::vector<std::uint64_t>> next = {};  // next[i][j]: requests of routes[j] behind one of routes[i]
  std::uint64_t followed = 0;                         // requests behind another, of the clients that were followed
  double error = 0;  // total variation distance from what all clients of its kind would do

  // Part of the sessions that end behind a request of routes[i]; 0 when there is none.
  double ends_after(std::size_t i) const;
};

struct sessions {
  std::string key;  // "address and user agent"
  std::uint64_t count = 0;
  double idle_cut_s = 1800;
  double requests_mean = 0;
  double think_time_p50_s = 0;  // between two requests of a session, whatever they are
  double think_time_p90_s = 0;
  double think_time_mean_s = 0;
  double think_time_cv = 0;  // standard deviation over mean; 1 is exponential
  double requests_p50 = 0;
  double requests_p90 = 0;
  double requests_p99 = 0;
  std::string length_law = {};    // "geometric", "heavier" or "lighter" than that; empty when there are too few
  double geometric_distance = 0;  // greatest between the distribution functions of the lengths and of that law
  std::optional<tail_fit> length_tail = {};
  session_paths paths = {};
};

// What only some formats log.
struct service {
  std::optional<durations> latency = {};   // as the server saw it
  std::optional<durations> upstream = {};  // of it, waited for what is behind: dependencies
  double in_flight_mean = 0;               // by Little's law, rate by mean duration; 0 without durations
  double in_flight_busiest_hour = 0;
  std::uint64_t sized_requests = 0;  // whose own size is logged
  double request_bytes_p50 = 0;
  double request_bytes_p99 = 0;
  std::map<std::string, std::uint64_t> protocols = {};  // requests by "HTTP/1.1"; others are "other"
  std::optional<double> requests_per_connection = {};
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
  std::optional<tail_fit> response_bytes_tail = {};
  std::vector<std::string> notes;  // what a reader should know: limits that were reached
  std::vector<measure> measures;   // what another profile is compared by; none in those of older versions
  arrivals arrival;
  sessions session;
  service serving;
  error_bursts errors;
};

// The share of `count` in `total` with Wilson's 95 % interval, as if requests chose their route independently.
estimate share(std::uint64_t count, std::uint64_t total);

}  // namespace assay::model
