#include "lab/report/summary_json.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "stack/observe/quantile.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

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
