// What is going to be measured: candidates, workload, phases, dependencies. The value that lab/plan decodes from YAML
// and every room of a campaign reads.
//
// A decoded plan is complete and checked: every route is bound, every name that is referred to exists, every number is
// in its range. Relative paths have been made absolute against the directory of the file they stand in.
//
// Misuse: building one by hand outside of tests; lab/plan's decoder is where the rules are kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::model {

inline constexpr int plan_version = 1;

// Where the value of a placeholder comes from. Every value is a function of the seed and the request's number, so a
// campaign repeats exactly.
struct value_source {
  enum class kind : std::uint8_t {
    constant,  // text
    integer,   // uniform in [low, high]
    zipf,      // rank r of [low, high] with probability ~ (r - low + 1)^-exponent
    choice,    // one of `choices`, uniform
    uuid,      // version 4 layout, from the seed
    sequence,  // low and the number of the request among all: it rises, and none comes twice
    visitor,   // a number that comes back: sessions, as requests_mean and single_share make them
  };
  kind from = kind::constant;
  std::string text = {};
  std::int64_t low = 0;
  std::int64_t high = 0;
  double exponent = 1;
  std::vector<std::string> choices = {};  // a feed file's lines end up here
  std::string feed = {};                  // the file they came from, when they did
  std::string column = {};                // of a CSV feed
  double requests_mean = 1;               // of a visitor
  double single_share = 1;                // of the visitors: those with one request
  unsigned at_a_time = 64;                // visitors
};

// One route of the workload, bound to data: enough to write a request.
struct bound_route {
  std::string name = {};    // as in the profile: "GET /items/{id}"
  std::string method = {};  // upper case
  std::string target = {};  // "/items/{id}?page={page}"; placeholders in braces
  double weight = 1;
  std::vector<std::pair<std::string, std::string>> headers = {};  // values may hold placeholders
  std::string body = {};                                          // may hold placeholders; {{ and }} are braces
  std::map<std::string, value_source> values = {};                // by placeholder
  std::vector<int> expected = {};    // statuses that are no error; empty: every one below 400
  std::string acknowledged_by = {};  // the placeholder whose value identifies this write; empty: not reconciled
};

enum class fault_kind : std::uint8_t { latency, outage, reset };

struct fault {
  std::string dependency = {};
  fault_kind kind = fault_kind::latency;
  std::chrono::nanoseconds latency_median{};  // of a lognormal distribution, added to each reply
  double latency_sigma = 0;                   // of its logarithm; 0: fixed
};

enum class phase_kind : std::uint8_t { warm_up, steady, burst, fault, recovery };

// How arrivals crowd beyond what Poisson arrivals do. What is kept at another rate is by how much the rate moves, in
// proportion to itself; the dispersion grows with the rate then.
struct crowding {
  double of_rate_per_s = 0;               // at which the dispersions were seen; zero: at the phase's own rate
  std::map<int, double> dispersion = {};  // index of dispersion for counts, at 1, 10 and 60 s; 1 is Poisson
  std::map<int, double> peak = {};        // the busiest such window, of the mean; may be unknown

  // At `scale` seconds, of a phase at this rate; 1 where nothing is known.
  double dispersion_at(int scale, double rate_per_s) const;
};

struct phase {
  std::string name = {};
  phase_kind kind = phase_kind::steady;
  double rate_per_s = 0;  // the mean
  std::chrono::nanoseconds length{};
  // The course of the rate: numbers in proportion to it, each for an equal part of the length. Empty: it is even.
  std::vector<double> shape = {};
  std::optional<crowding> bursts = {};
  // What the full-length process would use; printed beside the shortened values.
  double full_rate_per_s = 0;
  std::chrono::nanoseconds full_length{};
  std::vector<fault> faults = {};
};

// What a service's own clock does beside its users' requests: a cache is warmed, figures are added up. No access log
// shows it, so it is declared: a request to the candidate, or a command that runs where the dependencies do.
struct background_task {
  std::string name = {};
  std::chrono::nanoseconds every{};  // from one begin to the next
  std::chrono::nanoseconds after{};  // the first, from the first phase's begin
  std::string method = {};           // of a request; upper case
  std::string target = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::vector<std::string> command = {};  // instead of a request; "{url}" and the names of dependencies are filled in
  std::string directory = {};
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  std::vector<std::string> phases = {};  // by name; empty: all

  bool runs_in(const std::string& phase) const;
  // Its first instant that is not before this one; from the first phase's begin.
  std::chrono::nanoseconds first_from(std::chrono::nanoseconds instant) const;
  // How many of its instants lie in the phases that are its own.
  std::uint64_t times_in(const std::vector<phase>& all) const;
};

enum class runtime_kind : std::uint8_t { python, node, cpp, go, jvm, rust, other };

// A candidate's descriptor.
struct candidate {
  std::string name = {};
  std::string title = {};
  runtime_kind runtime = runtime_kind::other;
  bool ours = false;                       // this project's own stack, marked as such wherever it appears
  std::vector<std::string> command = {};   // empty when `url` is given
  std::vector<std::string> build = {};     // run once before the campaign; may be empty
  std::vector<std::string> versions = {};  // prints what runs, for the fairness record; may be empty
  std::string directory = {};
  std::map<std::string, std::string> environment = {};  // "{port}", "{database_url}", "{third_party_url}" are filled in
  std::string url = {};                                 // of a service that already runs
  std::string ready_path = "/health/ready";
  std::chrono::nanoseconds ready_timeout = std::chrono::seconds(30);
  std::string descriptor = {};  // the file it came from
};

enum class dependency_kind : std::uint8_t { postgres, http_service };

struct dependency {
  std::string name = {};
  dependency_kind kind = dependency_kind::postgres;
  // postgres: run in this order into a fresh database; `reset` before each trial.
  std::vector<std::string> schema = {};
  std::vector<std::string> reset = {};
  std::string reconcile_query = {};  // one column: the key of each acknowledged write that is stored, once per row
  // http_service: answers GET with JSON after a delay drawn from a lognormal distribution.
  std::chrono::nanoseconds latency_median{};
  double latency_sigma = 0;
  double error_share = 0;  // answered with 503
  std::string reply = {};  // its body, see lab/fault/http_service.hpp; empty: {"value": {n}}
};

// What a service is to keep under the load of each steady phase.
struct objective {
  enum class kind : std::uint8_t { quantile, error_share };
  kind of = kind::quantile;
  double quantile = 0;     // of response times
  double limit = 0;        // nanoseconds, or a share
  std::string route = {};  // by name; empty: all
  std::string text = {};   // as written: "p99<100ms", "p99[GET /items/{id}]<80ms", "errors<0.1%"
};

struct plan {
  int version = plan_version;
  std::string name = {};
  std::uint64_t seed = 1;
  unsigned repeats = 3;
  unsigned connections = 64;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  arrival_law arrivals = arrival_law::poisson;
  std::vector<bound_route> workload = {};
  std::vector<phase> phases = {};
  std::vector<background_task> background = {};
  std::vector<dependency> dependencies = {};
  std::vector<candidate> candidates = {};
  std::string reference = {};    // name of the candidate that the others are compared with
  std::string conformance = {};  // file of checks that each must pass before it is measured; may be empty
  double stall_threshold_ms = 25;
  std::vector<objective> objectives = {};
  std::vector<objective> proposed = {};  // by the log; nobody is judged by them
  std::string source_path = {};          // the plan file
  std::string source_sha256 = {};        // its hash: results of another plan are not mixed in

  const candidate* find_candidate(const std::string& name) const;
};

std::string_view label(fault_kind kind);
std::string_view label(phase_kind kind);
std::string_view label(runtime_kind kind);
std::string_view label(dependency_kind kind);

}  // namespace assay::model
