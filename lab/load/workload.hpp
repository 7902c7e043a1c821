// Everything the threads of a run need to know: where to, what, when, on how many connections. One URL at one rate is
// the case of one route and one stage.
//
// Misuse: changing one while it runs; the threads read it without a lock.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "lab/load/answer_checks.hpp"
#include "lab/load/clock_grid.hpp"
#include "lab/load/options.hpp"
#include "lab/load/request_source.hpp"
#include "lab/load/schedule.hpp"
#include "lab/load/second_series.hpp"
#include "lab/model/load_result.hpp"
#include "lab/model/plan.hpp"
#include "stack/runtime/io.hpp"

namespace assay::load {

struct workload {
  std::string host;  // name or numeric address
  std::uint16_t port = 80;
  request_source requests;
  answer_checks checks = {};
  model::load_model model = model::load_model::open;
  model::arrival_law arrivals = model::arrival_law::constant;
  duration tick = {};         // see schedule_options
  std::vector<stage> stages;  // closed model: one, its rate is not used
  unsigned connections = 64;
  unsigned threads = 1;
  duration timeout = std::chrono::seconds(5);  // of one request, from its send
  std::uint64_t per_connection = no_limit;     // requests; then it is closed, and the next opens another
  unsigned follow = 0;                         // redirects of one request
  std::uint64_t seed = 1;
  bool keep_seconds = false;
  std::size_t kept_seconds = all_seconds;    // of them the latest; see second_series
  std::vector<gate> windowed = {};           // objectives that are to hold in each window
  std::vector<double> gated_quantiles = {};  // have intervals beside the usual ones
  bool keep_arrivals = false;                // to compare when they went out with the law that was intended; open model
  bool keep_parts = false;                   // for intervals of quantiles, where the rate is even: see measurements.hpp
  bool spin = false;
  bool real_time = false;  // its threads go before all others on their core, where the system allows it
  io_options io = {};
  std::optional<clock_grid> begins_on = {};

  duration length() const;
  // The arrivals of sessions follow each other by other laws than the schedule's.
  bool tests_arrivals() const { return keep_arrivals && model == model::load_model::open; }
  bool in_ticks() const { return tick > duration::zero(); }
  // Expected arrivals of all threads; zero in the closed model.
  double arrivals_expected() const;
  // The same, of the first so much of the run.
  double arrivals_expected(duration until) const;
  // Expected number of writes that are logged.
  double logged_writes_expected() const;
};

// One URL or several routes, as `assay load` has them.
workload workload_of(const load_plan& plan);

// The workload of a plan, against one candidate.
struct workload_options {
  std::string address;  // HOST:PORT or http://HOST:PORT
  std::vector<model::bound_route> routes;
  std::vector<model::phase> phases;  // kind, rate, length, shape and bursts matter here, the faults do not
  model::arrival_law arrivals = model::arrival_law::poisson;
  unsigned connections = 64;
  unsigned threads = 1;
  duration timeout = std::chrono::seconds(5);
  std::uint64_t seed = 1;
  bool spin = false;
  bool real_time = false;  // its threads go before all others on their core, where the system allows it
  io_options io = {};
};

// What the records of a thread may take: about 1.3 MiB for each route in each phase, so 1.3 GiB.
inline constexpr std::size_t max_phase_routes = 1024;

// The error is one line for the user.
std::expected<workload, std::string> bind_workload(const workload_options& options);

}  // namespace assay::load
