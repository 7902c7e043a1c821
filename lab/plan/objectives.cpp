#include "lab/plan/objectives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <tuple>

#include "lab/model/duration.hpp"
#include "lab/model/number.hpp"
#include "lab/plan/route_text.hpp"
#include "lab/plan/yaml_tree.hpp"

namespace assay::plan {
namespace {

constexpr int least_server_error = 500;
constexpr int least_client_error = 400;
constexpr double least_beyond = 10;  // requests, of a quantile that is proposed
constexpr std::size_t most_routes_proposed_for = 20;
constexpr double least_error_budget = 0.001;  // finer, and a trial of some thousand requests cannot tell

std::optional<double> positive(std::string_view text) {
  const std::optional<double> value = model::parse_number(text);
  return value && std::isfinite(*value) && *value > 0 ? value : std::nullopt;
}

// "p99.9" is 0.999.
std::optional<double> quantile_of(std::string_view name) {
  if (!name.starts_with('p')) return std::nullopt;
  const auto percent = positive(name.substr(1));
  return percent && *percent < 100 ? std::optional(*percent / 100) : std::nullopt;
}

// The next of 1, 1.5, 2, 3, 5, 7, 10, 15 ... that is not less.
double rounded_up(double value) {
  const double scale = std::pow(10.0, std::floor(std::log10(value)));
  for (const double step : {1.0, 1.5, 2.0, 3.0, 5.0, 7.0}) {
    if (value <= step * scale * (1 + 1e-9)) return step * scale;
  }
  return 10 * scale;
}

// What failed of what was answered, by classes of statuses; what was never answered is a failure of the service.
struct answer_counts {
  std::uint64_t all = 0;
  std::uint64_t of_server = 0;
  std::uint64_t of_client = 0;
};

answer_counts count_answers(const std::map<int, std::uint64_t>& statuses) {
  answer_counts made;
  for (const auto& [status, count] : statuses) {
    made.all += count;
    if (status >= least_server_error || status == 0) {
      made.of_server += count;
    } else if (status >= least_client_error) {
      made.of_client += count;
    }
  }
  return made;
}

void propose_errors(proposals& to, const model::profile& profile) {
  const answer_counts seen = count_answers(profile.statuses);
  if (seen.all == 0) {
    to.remarks.emplace_back("no share of errors is proposed: the log has no statuses");
    return;
  }
  const model::estimate share = model::share(seen.of_server, seen.all);
  const double budget = std::min(rounded_up(std::max(share.high, least_error_budget)), 1.0);
  std::string why = fmt::format("of the log's {} requests the service failed {} with 5xx: {:.3g} % [{:.2g}, {:.2g}]",
                                seen.all, seen.of_server, 100 * share.value, 100 * share.low, 100 * share.high);
  if (seen.of_client > 0) {
    why += fmt::format("; {} had 4xx, which a run counts too unless `expected` names them",
                       percent(static_cast<double>(seen.of_client) / static_cast<double>(seen.all)));
  }
  to.each.push_back({.text = fmt::format("errors<{:.3g}%", 100 * budget), .why = std::move(why)});
}

std::string milliseconds_text(double seconds) {
  return seconds >= 0.9995 ? fmt::format("{:.0f} ms", seconds * 1e3) : fmt::format("{:.3g} ms", seconds * 1e3);
}

// Where enough of them lie beyond the quantile, and the stamps are fine enough to tell it from nothing.
void propose_times(proposals& to, const model::durations& seen, const std::string& route) {
  const std::string of = route.empty() ? "" : fmt::format("[{}]", route);
  for (const auto& [name, share_beyond, value_s] :
       {std::tuple("p50", 0.50, seen.p50_s), std::tuple("p99", 0.01, seen.p99_s)}) {
    const bool told = static_cast<double>(seen.requests) * share_beyond * (1 + 1e-9) >= least_beyond;
    if (!told || value_s <= 0) continue;
    const auto limit = std::chrono::nanoseconds(std::llround(rounded_up(value_s) * 1e9));
    to.each.push_back({.text = fmt::format("{}{}<{}", name, of, model::duration_text(limit)),
                       .why = fmt::format("{} of {} requests in the log was {}, as the server saw it; rounded up", name,
                                          seen.requests, milliseconds_text(value_s))});
  }
}

}  // namespace

std::expected<model::objective, std::string> parse_objective(std::string_view text) {
  const auto refuse = []() -> std::expected<model::objective, std::string> {
    return std::unexpected("expected an objective such as p99<100ms, p99[GET /items]<80ms or errors<0.1%");
  };
  model::objective made{.text = std::string(text)};
  const std::size_t closes = text.rfind(']');
  const std::size_t sign = text.find('<', closes == std::string_view::npos ? 0 : closes);
  if (sign == std::string_view::npos) return refuse();
  std::string_view name = text.substr(0, sign);
  std::string_view limit = text.substr(sign + 1);
  if (closes != std::string_view::npos) {
    const std::size_t opens = name.find('[');
    if (opens == std::string_view::npos || closes + 1 != sign || opens + 1 == closes) return refuse();
    made.route = name.substr(opens + 1, closes - opens - 1);
    name = name.substr(0, opens);
  }
  if (name == "errors") {
    const bool percent = limit.ends_with('%');
    if (percent) limit.remove_suffix(1);
    const auto share = positive(limit);
    made.of = model::objective::kind::error_share;
    made.limit = share.value_or(0) / (percent ? 100 : 1);
    if (!share || made.limit > 1) return refuse();
    return made;
  }
  const auto quantile = quantile_of(name);
  const auto time = model::parse_duration(limit);
  if (!quantile || !time || time->count() <= 0) return refuse();
  made.quantile = *quantile;
  made.limit = static_cast<double>(time->count());
  return made;
}

proposals propose_objectives(const model::profile& profile, const std::vector<model::bound_route>& workload) {
  proposals made;
  propose_errors(made, profile);
  if (!profile.serving.latency) {
    made.remarks.emplace_back(
        "no response time is proposed: the log has no durations (nginx: $request_time, Apache: %D)");
    return made;
  }
  propose_times(made, *profile.serving.latency, "");
  std::size_t routes = 0;
  for (const model::bound_route& each : workload) {
    const auto seen = std::ranges::find(profile.routes, shape_of(each.name),
                                        [](const model::route& route) { return shape_of(route.name()); });
    if (seen == profile.routes.end() || !seen->latency) continue;
    if (++routes > most_routes_proposed_for) {
      made.remarks.push_back(
          fmt::format("nothing is proposed for routes beyond the first {}", most_routes_proposed_for));
      break;
    }
    propose_times(made, *seen->latency, each.name);
  }
  return made;
}

}  // namespace assay::plan
