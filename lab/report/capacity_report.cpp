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

json run_time_us(const std::optional<double>& ns) { return ns ? json(*ns / 1e3) : json(nullptr); }

json run_bounds_us(const std::optional<model::time_interval>& of) {
  return of ? json{of->low_ns / 1e3, of->high_ns / 1e3} : json(nullptr);
}

json known_number(const std::optional<double>& number) { return number ? json(*number) : json(nullptr); }

json overload_json(const model::overload& of) {
  if (of.outcome == model::overload_outcome::unknown) return nullptr;
  return {{"goodput", std::string(label(of.outcome))},
          {"overload_rps", of.rate_rps},
          {"in_slo_share", of.in_slo_share},
          {"answered_share", of.answered_share}};
}

json recovery_json(const std::optional<model::capacity_recovery>& of) {
  if (!of) return nullptr;
  return {{"overload_rps", of->overload_rps},
          {"overload_s", of->overload_s},
          {"at_rps", of->at_rps},
          {"watched_s", of->watched_s},
          {"backlog_s", of->backlog_s},
          {"back_from_s", known_number(of->back_from_s)},
          {"back_until_s", known_number(of->back_until_s)},
          {"why_not", of->why_not.empty() ? json(nullptr) : json(of->why_not)}};
}

json run_json(const model::capacity_run& run) {
  return {{"rate_rps", run.rate_rps},
          {"verdict", run.valid ? "VALID" : "INVALID"},
          {"reasons", run.reasons},
          {"kept", run.kept},
          {"achieved_rps", run.achieved_rps},
          {"goodput_rps", run.goodput_rps},
          {"in_slo_rps", run.in_slo_rps},
          {"p50_us", run_time_us(run.p50_ns)},
          {"p99_us", run_time_us(run.p99_ns)},
          {"p50_interval_us", run_bounds_us(run.p50_within)},
          {"p99_interval_us", run_bounds_us(run.p99_within)},
          {"error_share", run.error_share},
          {"gates", gates_json(run.gates)}};
}

std::string interval_text(const std::optional<model::time_interval>& of) {
  return of ? fmt::format("{:.4g} to {:.4g}ms", of->low_ns / 1e6, of->high_ns / 1e6) : "-";
}

// What the goodput of the worst run beyond the capacity comes to.
std::string overload_text(const model::overload& of, double capacity_rps) {
  const auto sentence = [&](std::string_view what) {
    return fmt::format(
        "offered {:.3g}x the capacity its goodput {}: {:.3g} % of the capacity within the objectives, {:.3g} % "
        "answered\n",
        of.rate_rps / capacity_rps, what, 100 * of.in_slo_share, 100 * of.answered_share);
  };
  switch (of.outcome) {
    case model::overload_outcome::unknown:
      break;
    case model::overload_outcome::holds:
      return sentence("holds");
    case model::overload_outcome::falls:
      return sentence("falls");
    case model::overload_outcome::collapses:
      return sentence("COLLAPSES");
  }
  return "what is beyond the capacity is not known: no valid run was made there\n";
}

std::string recovery_text(const model::capacity_recovery& of) {
  const std::string seen =
      of.back_until_s ? fmt::format("{:.3g} to {:.3g} s", *of.back_from_s, *of.back_until_s) : of.why_not;
  return fmt::format("recovery from {:.3g} s of {:.5g} req/s at {:.5g}: {}; its backlog alone takes {:.3g} s\n",
                     of.overload_s, of.overload_rps, of.at_rps, seen, of.backlog_s);
}

std::string curve_text(const model::capacity_result& result) {
  if (result.curve.empty() && result.curve_remark.empty()) return "";
  const double capacity_rps = result.estimate.rps;
  std::string text = fmt::format("the curve; goodput is what is answered as expected within {:.4g}ms\n",
                                 result.time_objective_ns / 1e6);
  text += fmt::format("  {:>10}{:>9}{:>10}{:>10}{:>11}{:>11}{:>22}{:>9}\n", "offered/s", "capacity", "answered",
                      "goodput", "p50", "p99", "p99, 95 %", "errors");
  for (const model::capacity_run& each : result.curve) {
    text += fmt::format("  {:>10.6g}{:>8.2f}x{:>10.6g}{:>10.6g}{:>11}{:>11}{:>22}{:>8.3g}%{}\n", each.rate_rps,
                        each.rate_rps / capacity_rps, each.achieved_rps, each.in_slo_rps, ms_text(each.p50_ns),
                        ms_text(each.p99_ns), interval_text(each.p99_within), 100 * each.error_share,
                        each.valid ? "" : "  INVALID");
  }
  if (!result.curve_remark.empty()) text += fmt::format("  no more of it: {}\n", result.curve_remark);
  text += overload_text(result.beyond, capacity_rps);
  if (result.recovery) text += recovery_text(*result.recovery);
  return text;
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
  if (result.bound_by_connections) {
    text += fmt::format(
        "it was the {} connections that were too few, and not the service too slow: more of them (-c) give more\n",
        result.connections);
  }
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
  return text + curve_text(result);
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
  document["bound_by_connections"] = result.bound_by_connections;
  document["run_length_s"] = result.run_length_s;
  document["interrupted"] = result.interrupted;
  document["slo_time_us"] = result.time_objective_ns / 1e3;
  document["overload"] = overload_json(result.beyond);
  document["recovery"] = recovery_json(result.recovery);
  document["curve"] = json::array();
  for (const model::capacity_run& each : result.curve) document["curve"].push_back(run_json(each));
  document["curve_remark"] = result.curve_remark.empty() ? json(nullptr) : json(result.curve_remark);
  document["runs"] = json::array();
  for (const model::capacity_run& each : result.runs) document["runs"].push_back(run_json(each));
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::report
