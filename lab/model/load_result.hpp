// What one load run measured, and how far it can be trusted: the value that lab/load hands on.
//
// Times are nanoseconds in the histograms. Response time counts from the instant the request was *intended* to be
// sent, service time from the send, send lag is the difference of the two starts. A request that timed out, or was
// still open or unsent when the drain ended, is in the histograms with its lower bound, so that a stall cannot hide.
// A request that failed fast (refused, reset, garbage) is in `errors` only: a fast failure must not improve a
// percentile.
//
// Misuse: comparing results whose verdict is not VALID, or pooling the requests of several runs into one interval: the
// run is the unit of replication.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/latency_bands.hpp"
#include "lab/model/response_intervals.hpp"
#include "lab/model/steadiness.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::model {

// partly_open: sessions arrive by a schedule, and inside a session each request waits for the answer before it
// (Schroeder, Wierman, Harchol-Balter, Open versus closed: a cautionary tale, NSDI 2006).
enum class load_model : std::uint8_t { open, closed, partly_open };
enum class arrival_law : std::uint8_t { constant, poisson };

std::string_view label(load_model model);
std::string_view label(arrival_law law);

struct latency_histograms {
  observe::histogram response_time = observe::histogram::with_defaults();
  observe::histogram service_time = observe::histogram::with_defaults();
  observe::histogram send_lag = observe::histogram::with_defaults();
  // The response times of what was answered as expected, those of response_time without refusals and failures: beside
  // fast refusals a service looks faster the more of them there are.
  observe::histogram expected_response_time = observe::histogram::with_defaults();
};

// What the generator knows about itself, for the verdict.
struct generator_health {
  double cpu_share = 0;              // of the busiest generator thread: CPU time over wall time, spinning not counted
  double cpu_wait_share = 0;         // of the thread that waited most for a CPU: run-queue wait over wall time
  double spun_share = 0;             // polling without sleeping, of the thread that did most of it
  std::uint64_t own_lag_p99_ns = 0;  // late although a connection was idle
  std::uint64_t own_lag_max_ns = 0;
  std::uint64_t own_limits = 0;  // requests not sent: no descriptor, local port or memory for their connection
  double little_residual = 0;    // |mean in flight - throughput x mean service time|, relative
  double cpu_per_request_ns = 0;
  std::uint64_t stamped_answers = 0;  // when they came is the kernel's word, and not when they were read
};

// A percentile that the generator's own stalls can have made what it is: measured, and the least that it can have been.
struct touched_time {
  double quantile = 0;  // 1: the maximum
  double measured_ns = 0;
  double least_ns = 0;
};

// When the generator's threads did not run although they were to; lab/load/own_stalls.hpp has the method.
struct own_stalls {
  std::uint64_t count = 0;
  std::uint64_t longest_ns = 0;
  double share = 0;                        // of the time of the run, all threads together
  std::uint64_t touched_requests = 0;      // whose response time they can have made longer
  std::vector<touched_time> touched = {};  // rising; of the response time of the run
  std::vector<touched_time> asked = {};    // of the percentiles that objectives are of, and max, however little it is
};

// Whether requests went out as the schedule had them; lab/load/arrival_fit.hpp has the method, and
// lab/load/count_fit.hpp that of arrivals in ticks, of which numbers in spans of time are looked at in place of gaps.
// What waited because the candidate held every connection counts as sent when it could have been.
struct arrival_fit {
  std::uint64_t gaps = 0;                         // between sends that follow each other: so many were looked at
  std::optional<double> distance = {};            // Poisson: Kolmogorov-Smirnov, of their law from the intended
  std::optional<double> distance_by_chance = {};  // more than this only in one run of twenty
  double tolerance_ns = 0;                        // a gap may be off by that, or by a quarter of the mean
  double gaps_off = 0;       // beyond it: the share of gaps that are of another law than the intended
  std::uint64_t spans = 0;   // with ticks: so many were looked at
  double span_ns = 0;        // with ticks: the length of each, whole ticks
  double spans_off = 0;      // of these: the share with another number of sends than the intended law has
  double offered_share = 1;  // of what was sent, what the generator had sent by the end of sending
};

// Whether the response time came back after a burst to the level that it had before; by whole seconds of the run.
struct burst_return {
  std::optional<double> level_p99_ms = {};  // before the burst; absent when it is not known
  // Counted from the end of the burst, it was back between these two; absent when it was not seen to come back.
  std::optional<double> back_from_s = {};
  std::optional<double> back_until_s = {};
  double watched_s = 0;      // after the burst
  std::string why_not = {};  // when either is absent
};

// What was measured in one stage of several: requests count where they were meant to be sent.
struct load_stage {
  std::string shape = {};  // "100..500/s"
  double start_s = 0;
  double length_s = 0;
  double planned_rps = 0;  // mean
  std::uint64_t offered = 0;
  std::uint64_t sent = 0;  // of messages alone (stream_result.hpp): how many left
  std::uint64_t answered = 0;
  std::uint64_t own_lag_p99_ns = 0;  // as generator_health has it, of what was meant to be sent in it
  std::map<std::string, std::uint64_t> errors = {};
  latency_histograms latency = {};
  std::optional<response_intervals> intervals = {};  // absent where its rate changes on purpose; empty where it drifts
  std::optional<steadiness> steady = {};             // likewise
  std::optional<burst_return> burst = {};            // of a stage that is one
};

// What was measured of one route of several.
struct load_route {
  std::string name = {};  // "GET /items/{id}"
  double share = 0;       // of the arrivals, as planned
  std::uint64_t offered = 0;
  std::uint64_t answered = 0;
  std::map<std::string, std::uint64_t> errors = {};
  latency_histograms latency = {};
  std::optional<response_intervals> intervals = {};  // absent where the run's rate is not even; empty where it drifts
  std::optional<steadiness> steady = {};             // likewise
};

// The sessions of one scenario, in the partly open model.
struct load_sessions {
  std::string name = {};
  double offered_per_s = 0;  // as planned
  arrival_law arrivals = arrival_law::constant;
  std::optional<arrival_fit> arrivals_seen = {};  // whether they began as the schedule had them
  std::uint64_t offered = 0;                      // that were due: started or not
  std::uint64_t started = 0;
  std::uint64_t finished = 0;   // with their last step
  std::uint64_t abandoned = 0;  // a step failed
  std::uint64_t cut = 0;        // under way when the run ended
  std::uint64_t waited = 0;     // started late, because as many were under way as may be
  std::uint64_t most_at_once = 0;
  observe::histogram time = observe::histogram::with_defaults();  // of those that finished, from when they were due
};

// One second of a run for those who watch it, once all that was meant to be sent in it has ended.
struct live_second {
  double at_s = 0;
  double length_s = 0;  // of the last one perhaps less than 1
  std::uint64_t offered = 0;
  std::uint64_t answered = 0;
  std::map<std::string, std::uint64_t> errors = {};  // by kind
  std::optional<double> response_p50_ms = {};        // absent where too few tell it
  std::optional<double> response_p99_ms = {};
  std::optional<double> response_max_ms = {};
  double own_lag_max_ms = 0;
  double own_late_share = 0;     // of the sends, those later by the generator's fault than the verdict bears with
  band_counts response_bands{};  // how many response times lie in each
};

// What came of an objective that is to hold in each window of the run's time: of those windows that were whole and in
// which anything was due. Requests count where they were meant to be sent.
struct window_outcome {
  std::string gate = {};  // "p99<50ms every 10s", as typed
  std::uint64_t windows = 0;
  std::uint64_t failed = 0;          // in which it did not hold
  std::optional<double> value = {};  // of the worst; absent where too few answers in one of them do not tell it
  double start_s = 0;                // of the worst, or of the first that does not tell it, as the following
  double length_s = 0;
  std::uint64_t answers = 0;  // response times
};

// An objective of the run and what was measured of it.
struct gate_outcome {
  std::string gate;                          // "p99<50ms"
  bool met = false;                          // by the estimate
  std::string measured;                      // "12.3ms", or why it cannot be told
  std::optional<time_interval> within = {};  // of a percentile or a mean that has one
  std::optional<bool> proven = {};           // all of it lies on the limit's one side; absent without
};

struct load_result {
  bool valid = false;
  std::vector<std::string> reasons;  // why not, or remarks on a valid run

  std::string url;
  std::string method;  // empty when there are several routes
  load_model model = load_model::closed;
  arrival_law arrivals = arrival_law::constant;
  std::chrono::nanoseconds tick{};  // above zero: those of one tick were sent together, at its begin
  std::uint64_t seed = 0;
  unsigned connections = 0;
  unsigned threads = 0;
  std::chrono::system_clock::time_point started{};
  std::chrono::nanoseconds planned_duration{};
  std::chrono::nanoseconds duration{};  // measured; shorter when interrupted
  bool interrupted = false;

  std::optional<double> offered_rps;   // open model only
  double achieved_rps = 0;             // responses within the measured duration
  double good_rps = 0;                 // of these, as expected and within the timeout of the intended instant
  std::uint64_t requests = 0;          // responses received, of any status
  std::uint64_t offered_requests = 0;  // arrivals that were due
  std::uint64_t bytes_received = 0;
  std::uint64_t connects = 0;
  observe::histogram connect_time = observe::histogram::with_defaults();  // of each, until TCP stands
  observe::histogram first_byte = observe::histogram::with_defaults();    // of each answer, from the send to its head
  std::uint64_t redirects = 0;  // followed: requests that were sent beside those that were due
  std::uint64_t resent = 0;     // requests sent twice: their kept-alive connection ended before a byte of an answer
  // Open model: of what was due, what every connection was too busy for, for 1 ms or longer. Where the candidate could
  // have taken more at a time, it was the number of connections that made them late, and not the candidate.
  std::uint64_t waited_for_connection = 0;
  std::map<std::string, std::uint64_t> errors;  // by kind; kinds that did not occur are absent
  latency_histograms latency;
  response_intervals intervals;         // of the response time; none where the load changes, or the service drifts
  std::optional<steadiness> steady;     // of the response time; absent where the load changes, or few requests tell
  std::vector<load_stage> stages;       // of a run of several; those that began
  std::vector<load_route> routes;       // of a run of several
  std::vector<load_sessions> sessions;  // by scenario; of the partly open model
  std::vector<window_outcome> windows;  // of each objective that is of them
  std::vector<gate_outcome> gates;
  generator_health generator;
  own_stalls stalls;
  std::optional<arrival_fit> arrivals_seen;  // open model
  std::string io_backend;
};

// Whether more than told_wait_share of what was due waited for a connection: fewer change no percentile that a run of
// usual length tells. Never outside of the open model.
inline constexpr double told_wait_share = 0.01;
bool many_waited(const load_result& result);

// Whether the service failed under what it was offered, and not the generator: less than collapsed_share of it came
// back as expected and in time. Of a valid run of the open models.
inline constexpr double collapsed_share = 0.5;
bool has_collapsed(const load_result& result);

// "p99, p99.9 and max" of what stalls have touched; empty when that is nothing.
std::string names_of(const std::vector<touched_time>& touched);

// Of counts by kind.
std::uint64_t total_of(const std::map<std::string, std::uint64_t>& counts);

}  // namespace assay::model
