#include "lab/report/summary_json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "stack/observe/quantile.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

json bounds_us(const model::time_interval& of) { return {of.low_ns / 1e3, of.high_ns / 1e3}; }

}  // namespace

json number_or_null(std::optional<double> number) { return number ? json(*number) : json(nullptr); }

json summary_us(const observe::histogram& of) {
  json summary;
  summary["count"] = of.count();
  const bool any = of.count() > 0;
  summary["mean"] = any ? json(of.mean() / 1e3) : json(nullptr);
  summary["max"] = any ? json(static_cast<double>(of.max()) / 1e3) : json(nullptr);
  for (const auto& [name, q] : summary_quantiles) {
    const auto value = observe::estimated_quantile(of, q);
    summary[name] = value ? json(static_cast<double>(*value) / 1e3) : json(nullptr);
  }
  return summary;
}

json counts_json(const std::map<std::string, std::uint64_t>& counts) {
  json by_name = json::object();
  for (const auto& [name, count] : counts) by_name[name] = count;
  return by_name;
}

json touched_json(const model::own_stalls& of) {
  json rows = json::array();
  for (const model::touched_time& each : of.touched) {
    rows.push_back(
        {{"of", model::names_of({each})}, {"measured_us", each.measured_ns / 1e3}, {"least_us", each.least_ns / 1e3}});
  }
  return rows;
}

json intervals_json(const model::response_intervals& of) {
  json bounds;
  bounds["mean"] = of.mean ? bounds_us(*of.mean) : json(nullptr);
  for (const auto& [name, quantile] : summary_quantiles) {
    const auto known = std::ranges::find(of.quantiles, quantile, &model::quantile_interval::quantile);
    bounds[name] = known != of.quantiles.end() ? bounds_us(known->within) : json(nullptr);
  }
  const auto median = std::ranges::find(of.quantiles, 0.5, &model::quantile_interval::quantile);
  bounds["effective_samples"] = median != of.quantiles.end() ? json(median->effective_samples) : json(nullptr);
  json untold = json::array();
  for (const model::untold_interval& each : of.untold) {
    untold.push_back({{"of", model::name_of(each)},
                      {"why", model::why_untold(each)},
                      {"times_longer", std::ceil(each.times_longer)}});
  }
  bounds["untold"] = std::move(untold);
  bounds["from_s"] = of.from_s;
  bounds["why_not"] = of.why_not.empty() ? json(nullptr) : json(of.why_not);
  return bounds;
}

json tick_json(std::chrono::nanoseconds tick) {
  return tick > tick.zero() ? json(std::chrono::duration<double, std::micro>(tick).count()) : json(nullptr);
}

json arrivals_json(const std::optional<model::arrival_fit>& of) {
  if (!of) return nullptr;
  const bool in_ticks = of->span_ns > 0;
  return {{"gaps", of->gaps},
          {"ks_distance", number_or_null(of->distance)},
          {"ks_distance_by_chance", number_or_null(of->distance_by_chance)},
          {"tolerance_us", of->tolerance_ns / 1e3},
          {"gaps_off_share", in_ticks ? json(nullptr) : json(of->gaps_off)},
          {"spans", of->spans},
          {"span_us", in_ticks ? json(of->span_ns / 1e3) : json(nullptr)},
          {"spans_off_share", in_ticks ? json(of->spans_off) : json(nullptr)},
          {"offered_share", of->offered_share}};
}

json steady_json(const std::optional<model::steadiness>& of) {
  if (!of) return nullptr;
  return {{"from_s", of->from_s},
          {"before", of->before},
          {"drift", of->drift ? json(*of->drift) : json(nullptr)},
          {"response_time_us", of->since ? summary_us(*of->since) : json(nullptr)},
          {"response_interval_us", of->since && !of->drift ? intervals_json(of->intervals) : json(nullptr)}};
}

json burst_json(const std::optional<model::burst_return>& of) {
  if (!of) return nullptr;
  const auto level_us = of->level_p99_ms ? std::optional(*of->level_p99_ms * 1e3) : std::nullopt;
  return {{"level_p99_us", number_or_null(level_us)},
          {"back_from_s", number_or_null(of->back_from_s)},
          {"back_until_s", number_or_null(of->back_until_s)},
          {"watched_s", of->watched_s},
          {"why_not", of->why_not.empty() ? json(nullptr) : json(of->why_not)}};
}

}  // namespace assay::report
