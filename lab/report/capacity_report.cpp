#include "lab/report/capacity_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "lab/report/gates_json.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;
using model::capacity_outcome;

std::string ms_text(const std::optional<double>& ns) { return ns ? fmt::format("{:.4g}ms", *ns / 1e6) : "-"; }

std::string_view word(const model::capacity_run& run) {
  return !run.valid ? "INVALID" : run.kept ? "kept" : "not kept";
}

std::string headline(const model::capacity_result& result) {
  const model::capacity_estimate& found = result.estimate;
  switch (found.outcome) {
    case capacity_outcome::found:
    case capacity_outcome::wide:
      return fmt::format("capacity {:.5g} req/s, {:.0f} % interval [{:.5g}, {:.5g}]{}\n", found.rps,
                         100 * result.confidence, found.low_rps, found.high_rps,
                         found.outcome == capacity_outcome::wide ? ": wider than asked for, more runs narrow it" : "");
    case capacity_outcome::below_least:
      return found.runs == 0 ? "capacity unknown: no run was finished\n"
                             : fmt::format("capacity below {:.5g} req/s: not even that was kept\n", found.high_rps);
    case capacity_outcome::above_most:
      return fmt::format("capacity at least {:.5g} req/s: everything that was tried was kept{}\n", found.low_rps,
                         result.generator_limit_rps ? ", and more this machine cannot send" : "");
  }
  return "";
}

json bound(double rps) { return std::isfinite(rps) ? json(rps) : json(nullptr); }

json run_json(const model::capacity_run& run) {
  return {{"rate_rps", run.rate_rps},
          {"verdict", run.valid ? "VALID" : "INVALID"},
          {"reasons", run.reasons},
          {"kept", run.kept},
          {"achieved_rps", run.achieved_rps},
          {"goodput_rps", run.goodput_rps},
          {"p50_us", run.p50_ns ? json(*run.p50_ns / 1e3) : json(nullptr)},
          {"p99_us", run.p99_ns ? json(*run.p99_ns / 1e3) : json(nullptr)},
          {"error_share", run.error_share},
          {"gates", gates_json(run.gates)}};
}

}  // namespace

std::string capacity_run_text(const model::capacity_run& run) {
  std::string text = fmt::format("{:.6g}/s: {}, p99 {}, errors {:.3g}%", run.rate_rps, word(run), ms_text(run.p99_ns),
                                 100 * run.error_share);
  if (!run.valid && !run.reasons.empty()) text += ": " + run.reasons.front();
  return text;
}

std::string capacity_text(const model::capacity_result& result) {
  std::string text = headline(result);
  text +=
      fmt::format("{} for {}: {} runs of {:g}s, {} connections{}\n", result.objectives, result.url, result.runs.size(),
                  result.run_length_s, result.connections, result.interrupted ? " (interrupted)" : "");
  if (result.estimate.outcome == capacity_outcome::found || result.estimate.outcome == capacity_outcome::wide) {
    text += fmt::format("from run to run it differs by about {:.2g} %\n", 100 * result.estimate.spread);
  }
  text += fmt::format("  {:>10}{:>10}{:>10}{:>11}{:>11}{:>9}  {}\n", "offered/s", "answered", "goodput", "p50", "p99",
                      "errors", "objectives");
  std::vector<model::capacity_run> by_rate = result.runs;
  std::ranges::sort(by_rate, {}, [](const model::capacity_run& run) { return std::pair(run.rate_rps, !run.kept); });
  for (const model::capacity_run& each : by_rate) {
    text +=
        fmt::format("  {:>10.6g}{:>10.6g}{:>10.6g}{:>11}{:>11}{:>8.3g}%  {}\n", each.rate_rps, each.achieved_rps,
                    each.goodput_rps, ms_text(each.p50_ns), ms_text(each.p99_ns), 100 * each.error_share, word(each));
  }
  return text;
}

std::string capacity_json(const model::capacity_result& result) {
  const model::capacity_estimate& found = result.estimate;
  const bool measured = found.outcome == capacity_outcome::found || found.outcome == capacity_outcome::wide;
  json document;
  document["format"] = "assay.capacity/1";
  document["tool_version"] = ASSAY_VERSION;
  document["outcome"] = std::string(label(found.outcome));
  document["capacity_rps"] = measured ? json(found.rps) : json(nullptr);
  document["low_rps"] = bound(found.low_rps);
  document["high_rps"] = bound(found.high_rps);
  document["confidence"] = result.confidence;
  document["spread"] = measured ? json(found.spread) : json(nullptr);
  document["generator_limit_rps"] = result.generator_limit_rps ? json(*result.generator_limit_rps) : json(nullptr);
  document["url"] = result.url;
  document["slo"] = result.objectives;
  document["connections"] = result.connections;
  document["run_length_s"] = result.run_length_s;
  document["interrupted"] = result.interrupted;
  document["runs"] = json::array();
  for (const model::capacity_run& each : result.runs) document["runs"].push_back(run_json(each));
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::report
