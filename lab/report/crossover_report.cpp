#include "lab/report/crossover_report.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "lab/report/time_row.hpp"

namespace assay::report {
namespace {

using model::crossover_outcome;
using nlohmann::ordered_json;

constexpr std::array<char, 2> side_names{'A', 'B'};

std::string crossover_headline(const model::crossover_result& of) {
  switch (of.outcome) {
    case crossover_outcome::crosses:
      return fmt::format("B is better from {} connections on, and not up to {}\n", *of.better_from,
                         *of.not_better_until);
    case crossover_outcome::always:
      return fmt::format("no crossover: B is better at every level, from {} connection{} on\n", *of.better_from,
                         *of.better_from == 1 ? "" : "s");
    case crossover_outcome::never:
      return fmt::format("no crossover: B is not better at {} connections\n", of.levels.back().connections);
    case crossover_outcome::inconclusive:
      break;
  }
  return of.better_from
             ? fmt::format("inconclusive: B is better from {} connections on, below it the runs do not tell\n",
                           *of.better_from)
             : "inconclusive: at the highest level the runs do not tell\n";
}

// "1234 (1200 to 1250)"
std::string throughput_text(const std::optional<model::estimate>& of) {
  return of ? fmt::format("{:.4g} ({:.4g} to {:.4g})", of->value, of->low, of->high) : "-";
}

std::string p99_text(const std::optional<model::estimate>& of) {
  return of ? fmt::format("{} ({} to {})", time_text(of->value * 1e6), time_text(of->low * 1e6),
                          time_text(of->high * 1e6))
            : "-";
}

std::string against_text(const model::metric_comparison& of) {
  std::string text(label(of.verdict));
  if (of.ratio) text += fmt::format(" {:.3g}x", of.ratio->value);
  return text;
}

ordered_json estimate_json(const std::optional<model::estimate>& of) {
  if (!of) return nullptr;
  return {{"value", of->value}, {"low", of->low}, {"high", of->high}, {"runs", of->n}};
}

ordered_json side_json(const model::crossover_side& of) {
  return {{"good_rps", estimate_json(of.throughput)},
          {"service_p99_ms", estimate_json(of.p99)},
          {"runs_good_rps", of.good_rps},
          {"runs_service_p99_ms", of.p99_ms},
          {"invalid_runs", of.invalid},
          {"why_invalid", of.why_invalid.empty() ? ordered_json(nullptr) : ordered_json(of.why_invalid)}};
}

ordered_json against_json(const model::metric_comparison& of) {
  return {{"finding", std::string(label(of.verdict))},
          {"ratio", estimate_json(of.ratio)},
          {"p_value", of.p_value ? ordered_json(*of.p_value) : ordered_json(nullptr)},
          {"margin", of.margin},
          {"why", of.why}};
}

}  // namespace

std::string crossover_run_text(unsigned connections, std::size_t side, const model::load_result& seen) {
  std::string text =
      fmt::format("{} at {} connection{}: {:.5g} req/s, p99 {}", side_names[side], connections,
                  connections == 1 ? "" : "s", seen.good_rps, quantile_text(seen.latency.service_time, 0.99));
  if (!seen.valid && !seen.reasons.empty()) text += ": INVALID: " + seen.reasons.front();
  return text;
}

std::string crossover_text(const model::crossover_result& of) {
  std::string text = crossover_headline(of);
  for (std::size_t side = 0; side < side_names.size(); ++side) {
    text += fmt::format("{} {}\n", side_names[side], of.urls[side]);
  }
  text += fmt::format("closed model, {} runs of {:g}s each at each level, in turns{}; good answers a second, 95 %\n",
                      of.repeats, of.run_length_s, of.interrupted ? " (interrupted)" : "");
  text += fmt::format("  {:>11} {:<2}{:<30}{:<34}{}\n", "connections", "", "throughput", "p99 of the service time",
                      "B against A");
  unsigned invalid = 0;
  std::string why_invalid;
  for (const model::crossover_level& level : of.levels) {
    for (std::size_t side = 0; side < side_names.size(); ++side) {
      const model::crossover_side& seen = level.sides[side];
      const std::string verdicts =
          side == 0 ? "" : fmt::format("{}, p99 {}", against_text(level.throughput), against_text(level.p99));
      const std::string row =
          fmt::format("  {:>11} {:<2}{:<30}{:<34}{}", side == 0 ? std::to_string(level.connections) : "",
                      side_names[side], throughput_text(seen.throughput), p99_text(seen.p99), verdicts);
      text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
      invalid += seen.invalid;
      if (!seen.why_invalid.empty()) why_invalid = seen.why_invalid;
    }
  }
  if (invalid > 0) text += fmt::format("{} INVALID runs are left out: {}\n", invalid, why_invalid);
  return text;
}

std::string crossover_json(const model::crossover_result& of) {
  ordered_json document;
  document["format"] = "assay.crossover/1";
  document["tool_version"] = ASSAY_VERSION;
  document["outcome"] = std::string(label(of.outcome));
  document["better_from_connections"] = of.better_from ? ordered_json(*of.better_from) : ordered_json(nullptr);
  document["not_better_until_connections"] =
      of.not_better_until ? ordered_json(*of.not_better_until) : ordered_json(nullptr);
  document["url_a"] = of.urls[0];
  document["url_b"] = of.urls[1];
  document["run_length_s"] = of.run_length_s;
  document["repeats"] = of.repeats;
  document["interrupted"] = of.interrupted;
  document["levels"] = ordered_json::array();
  for (const model::crossover_level& level : of.levels) {
    document["levels"].push_back({{"connections", level.connections},
                                  {"a", side_json(level.sides[0])},
                                  {"b", side_json(level.sides[1])},
                                  {"throughput_b_over_a", against_json(level.throughput)},
                                  {"service_p99_b_over_a", against_json(level.p99)}});
  }
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace assay::report
