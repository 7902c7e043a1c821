#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "lab/report/campaign_report.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

// Shown when at least this many requests lie beyond the quantile (research of load generators agrees on ten).
constexpr double least_beyond = 10;
constexpr std::array<double, 12> shown_quantiles = {0.1,  0.25, 0.5,   0.75,  0.9,   0.95,
                                                    0.98, 0.99, 0.995, 0.998, 0.999, 0.9999};

json second(const model::load_second& of) {
  return {{"at", of.at_s},
          {"offered", of.offered},
          {"errors", of.errors},
          {"p50", of.response_p50_ms},
          {"p99", of.response_p99_ms},
          {"max", of.response_max_ms}};
}

json quantiles(const model::phase_measurement& of) {
  json points = json::array();
  const observe::histogram& times = of.all.latency.response_time;
  for (const double q : shown_quantiles) {
    // 1 - 0.9 is not quite 0.1: one part in 10^9 must not decide.
    if (static_cast<double>(times.count()) * (1 - q) < least_beyond * (1 - 1e-9)) break;
    // A bucket's upper edge may lie above the largest value recorded.
    points.push_back({q, static_cast<double>(std::min(times.value_at_quantile(q), times.max())) / 1e6});
  }
  return {{"phase", of.name}, {"points", std::move(points)}};
}

json trial(const model::trial& of) {
  json drawn = {{"repeat", of.repeat},
                {"state", model::label(of.state)},
                {"seconds", json::array()},
                {"events", json::array()},
                {"quantiles", json::array()}};
  for (const model::load_second& each : of.seconds) drawn["seconds"].push_back(second(each));
  for (const model::trial_event& each : of.events) {
    drawn["events"].push_back({{"at", each.at_s}, {"length", each.length_s}, {"kind", each.kind}, {"text", each.text}});
  }
  for (const model::phase_measurement& each : of.phases) drawn["quantiles"].push_back(quantiles(each));
  return drawn;
}

}  // namespace

std::string chart_data(const campaign_report& report) {
  json data = {{"phases", json::array()}, {"candidates", json::array()}};
  double start_s = 0;
  for (const model::phase& each : report.plan.phases) {
    const double length_s = std::chrono::duration<double>(each.length).count();
    data["phases"].push_back(
        {{"name", each.name}, {"kind", model::label(each.kind)}, {"start", start_s}, {"length", length_s}});
    start_s += length_s;
  }
  for (const model::candidate_summary& each : report.compared.candidates) {
    json drawn = {{"name", each.name}, {"title", each.title}, {"ours", each.ours}, {"trials", json::array()}};
    for (const model::trial& one : report.trials) {
      // What was not valid is not drawn beside what was.
      if (one.candidate == each.name && one.state == model::trial_state::complete)
        drawn["trials"].push_back(trial(one));
    }
    data["candidates"].push_back(std::move(drawn));
  }
  std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  // "</" would end the script element, "<!--<script" would keep its end from ending it.
  for (auto at = text.find('<'); at != std::string::npos; at = text.find('<', at)) text.replace(at, 1, "\\u003c");
  return text;
}

}  // namespace assay::report
