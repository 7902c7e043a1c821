#include "lab/load/workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/load/record_memory.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/stages_like.hpp"
#include "lab/load/write_log.hpp"

namespace assay::load {
namespace {

using checked = std::expected<void, std::string>;

checked check_phases(const std::vector<model::phase>& phases) {
  if (phases.empty()) return std::unexpected("a workload: expected at least one phase");
  duration whole{};
  double arrivals = 0;
  for (const model::phase& each : phases) {
    if (!std::isfinite(each.rate_per_s) || each.rate_per_s < 0 || each.rate_per_s > max_rate_per_s) {
      return std::unexpected(fmt::format("phase \"{}\": expected a rate from 0 to {} requests per second, not {}",
                                         each.name, max_rate_per_s, each.rate_per_s));
    }
    if (each.length <= duration::zero() || each.length > max_series_length) {
      return std::unexpected(fmt::format("phase \"{}\": expected a length of more than 0 and at most 24 h", each.name));
    }
    whole += std::min(each.length, max_series_length);
    if (whole > max_series_length) {
      return std::unexpected(fmt::format("phase \"{}\": expected at most 24 h for all phases together", each.name));
    }
    arrivals += each.rate_per_s * std::chrono::duration<double>(each.length).count();
  }
  if (arrivals <= 0) return std::unexpected("a workload: expected a phase with a rate above 0");
  return {};
}

}  // namespace

duration workload::length() const {
  duration whole{};
  for (const stage& each : stages) whole += each.length;
  return whole;
}

double workload::arrivals_expected() const { return model == model::load_model::open ? arrivals_of(stages) : 0; }

double workload::arrivals_expected(duration until) const {
  if (model != model::load_model::open) return 0;
  double sum = 0;
  duration begin{};
  for (const stage& each : stages) {
    const duration within = std::clamp(until - begin, duration::zero(), each.length);
    sum += rate_curve(each).arrivals_until(static_cast<double>(within.count()));
    begin += each.length;
  }
  return sum;
}

double workload::logged_writes_expected() const {
  double share = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) share += requests[i].key ? requests[i].share : 0;
  return share * arrivals_expected();
}

namespace {

std::vector<stage> stages_of(const load_options& options) {
  if (!options.stages.empty()) return options.stages;
  return {{.rate_per_s = options.rate_per_s.value_or(0), .length = options.length}};
}

}  // namespace

workload workload_of(const load_plan& plan) {
  const load_options& options = plan.options;
  return {.host = plan.host,
          .port = plan.port,
          .requests = plan.several ? *plan.several
                                   : request_source::constant(plan.request, plan.verb, plan.may_resend,
                                                              options.checks.statuses()),
          .checks = options.checks,
          .model = options.rate_per_s ? model::load_model::open : model::load_model::closed,
          .arrivals = options.arrivals,
          .tick = options.tick,
          .stages = stages_of(options),
          .connections = options.connections,
          .threads = options.threads,
          .timeout = options.timeout,
          .per_connection = options.per_connection,
          .follow = options.follow,
          .seed = options.seed,
          .keep_seconds = options.keep_seconds,
          .kept_seconds = seconds_to_keep(options.stages),
          .windowed = options.windowed,
          .gated_quantiles = options.gated_quantiles,
          .keep_arrivals = options.rate_per_s.has_value(),
          .keep_parts = true,
          .spin = options.spin,
          .io = options.io};
}

std::expected<workload, std::string> bind_workload(const workload_options& options) {
  if (const checked phases = check_phases(options.phases); !phases) return std::unexpected(phases.error());
  // The rules for addresses, connections and timeouts are those of a single URL.
  const bool has_scheme = options.address.find("://") != std::string::npos;
  load_options single;
  single.url = has_scheme ? options.address : "http://" + options.address;
  single.connections = options.connections;
  single.threads = options.threads;
  single.timeout = options.timeout;
  single.seed = options.seed;
  single.spin = options.spin;
  single.io = options.io;
  const std::expected<load_plan, std::string> plan = normalize(std::move(single));
  if (!plan) return std::unexpected(plan.error());
  std::string_view place = options.address;
  if (has_scheme) place.remove_prefix(place.find("://") + 3);
  if (place.ends_with('/')) place.remove_suffix(1);
  if (place != plan->authority) {
    return std::unexpected(fmt::format("address \"{}\": expected HOST:PORT, the routes bring the path", place));
  }
  auto requests = request_source::create(options.routes, plan->authority, options.seed);
  if (!requests) return std::unexpected(requests.error());
  if (requests->size() * options.phases.size() > max_phase_routes) {
    return std::unexpected(fmt::format("{} routes in {} phases: expected at most {} of them together: join rare routes",
                                       requests->size(), options.phases.size(), max_phase_routes));
  }
  const checked memory = check_record_memory(
      {.routes = requests->size(), .stages = options.phases.size(), .threads = options.threads, .keep_parts = false});
  if (!memory) return std::unexpected(memory.error());
  workload made = workload_of(*plan);
  made.requests = std::move(*requests);
  made.model = model::load_model::open;
  made.arrivals = options.arrivals;
  made.keep_seconds = true;
  made.kept_seconds = all_seconds;
  made.keep_arrivals = false;
  made.keep_parts = false;
  made.real_time = options.real_time;
  made.begins_on = clock_grid_of(options.phases);
  made.stages.clear();
  for (std::size_t i = 0; i < options.phases.size(); ++i) {
    made.stages.push_back(stage_of(options.phases[i], i, options.seed));
  }
  if (made.logged_writes_expected() > 0.99 * static_cast<double>(max_logged_writes)) {
    return std::unexpected(fmt::format("{:.0f} acknowledged writes: expected at most {}: shorten the phases",
                                       made.logged_writes_expected(), max_logged_writes));
  }
  return made;
}

}  // namespace assay::load
