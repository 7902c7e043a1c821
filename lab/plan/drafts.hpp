// What the tables of keys fill in before the whole is checked: model values, and beside them what the file may say
// and a finished plan no longer does, such as "10x of the baseline" or "the exponent is the profile's".
//
// Misuse: handing a draft to another room. read.hpp and binding.hpp turn them into complete values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/model/plan.hpp"
#include "lab/plan/keys.hpp"

namespace assay::plan {

struct full_draft {
  std::optional<rate_text> rate;
  std::optional<std::chrono::nanoseconds> length;
};

struct latency_draft {
  std::chrono::nanoseconds median{};
  double sigma = 0;
};

struct fault_draft {
  std::string dependency;
  std::optional<latency_draft> latency;
  bool outage = false;
  bool reset = false;
};

struct bursts_draft {
  std::optional<double> of_rate;
  std::optional<double> second, ten, minute;  // dispersions
  std::optional<double> peak_second, peak_ten, peak_minute;
};

// What of the log a phase of a binding is to look like.
enum class likeness : std::uint8_t { none, hour, day, worst_minute };
std::string_view label(likeness to);

struct phase_draft : model::phase {  // whose own rates, bursts and faults are filled in later
  rate_text rate;
  std::optional<bursts_draft> crowded;
  likeness like_log = likeness::none;
  full_draft full;
  std::vector<fault_draft> done_to;
};

enum class popularity : std::uint8_t { written, profile };
std::string_view label(popularity from);

struct zipf_draft {
  std::int64_t low = 1;
  std::int64_t high = 1;
  std::optional<double> exponent;
  popularity from = popularity::written;
};

inline constexpr double most_requests_mean = 200;  // of a visitor

struct visitor_draft {
  std::optional<double> requests_mean, single_share;
  std::optional<unsigned> at_a_time;
  bool like_log = false;
};

struct source_draft : model::value_source {
  std::vector<std::int64_t> integer;
  std::optional<zipf_draft> zipf;
  std::optional<std::string> constant;
  std::optional<std::int64_t> sequence;
  std::optional<visitor_draft> visitor;
  bool uuid = false;
};

struct route_draft : model::bound_route {
  std::map<std::string, source_draft> sources;
};

struct postgres_draft {
  std::vector<std::string> schema, reset;
  std::string reconcile;
};

struct http_service_draft {
  latency_draft latency;
  double error_share = 0;
  std::string reply = {};
};

struct background_draft : model::background_task {
  std::string request = {};
  std::string runs_in_directory = {};
};

struct dependency_draft {
  std::string name;
  std::optional<postgres_draft> postgres;
  std::optional<http_service_draft> http_service;
};

struct ready_draft {
  std::string path = model::candidate().ready_path;
  std::chrono::nanoseconds timeout = model::candidate().ready_timeout;
};

// A candidate in a list: the path of a descriptor, that under another name, or the descriptor itself.
struct candidate_draft : model::candidate {
  int version = 1;
  std::string refers_to;
  std::string runs_in;
  ready_draft ready;
};

struct plan_draft : model::plan {
  std::chrono::nanoseconds stall_threshold = std::chrono::milliseconds(25);
  std::vector<route_draft> routes;
  std::vector<phase_draft> steps;
  std::vector<std::string> kept;  // objectives, as written
  std::vector<std::string> to_confirm;
  std::vector<background_draft> tasks;
  std::vector<dependency_draft> needs;
  std::vector<candidate_draft> contenders;
};

struct leave_out_draft {
  std::string name;
  std::string why;
};

inline constexpr std::chrono::nanoseconds usual_soak = std::chrono::hours(4);

struct binding_draft : plan_draft {
  std::optional<double> baseline_rate;
  std::optional<double> capacity_rate;
  std::chrono::nanoseconds soak = usual_soak;
  double smallest_share = 0.001;
  std::vector<leave_out_draft> leave_out;
};

// Each table, built once.
const section& plan_section();
const section& binding_section();
const section& descriptor_section();  // a candidate.yaml
const section& candidate_section();   // a candidate in a plan: a descriptor, or a reference to one
const section& route_section();
const section& phase_section();
const section& dependency_section();
const section& background_section();
const section& values_section();
const section& latency_section();

// In a file that has no profile beside it nothing can be the profile's.
void refuse_likeness(reader& in, const std::string& path, const yaml_node& route, const route_draft& draft);

// The short forms: `id: uuid`, and a candidate by its descriptor's path.
void source_from_text(reader& in, const yaml_node& node, source_draft& into);
void candidate_from_text(reader& in, const yaml_node& node, candidate_draft& into);

}  // namespace assay::plan
