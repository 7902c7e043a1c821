#include "lab/report/load_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <vector>

#include "stack/observe/quantile.hpp"

namespace assay::report {
namespace {

// A time with three significant digits and the unit that fits it.
std::string time_text(double ns) {
  struct scale {
    double unit_ns;
    std::string_view name;
  };
  constexpr std::array scales{scale{1e9, "s"}, scale{1e6, "ms"}, scale{1e3, "us"}};
  for (const scale& each : scales) {
    if (ns < 0.9995 * each.unit_ns && each.unit_ns > 1e3) continue;  // 999.7us is shown as 1.00ms
    const double value = ns / each.unit_ns;
    const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f}{}", value, decimals, each.name);
  }
  return "0us";
}

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.2f}GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.2f}MB", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.2f}kB", value / 1e3);
  return fmt::format("{}B", bytes);
}

std::string quantile_text(const observe::histogram& of, double q) {
  const auto value = observe::estimated_quantile(of, q);
  return value ? time_text(static_cast<double>(*value)) : "-";
}

std::string known_text(const observe::histogram& of, double ns) { return of.count() == 0 ? "-" : time_text(ns); }

void append_row(std::string& to, std::string_view name, const observe::histogram& of) {
  fmt::format_to(std::back_inserter(to), "  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", name, known_text(of, of.mean()),
                 quantile_text(of, 0.5), quantile_text(of, 0.9), quantile_text(of, 0.99), quantile_text(of, 0.999),
                 known_text(of, static_cast<double>(of.max())));
}

// wrk2's and HdrHistogram's form, which the usual plotters read: value in ms, quantile, count so far, 1/(1-quantile).
void append_spectrum(std::string& to, std::string_view name, const observe::histogram& of) {
  constexpr int steps_a_halving = 5;
  constexpr double last_quantile = 0.99999;
  fmt::format_to(std::back_inserter(to), "\n  {}: detailed percentile spectrum\n{:>12} {:>14} {:>10} {:>14}\n\n", name,
                 "Value(ms)", "Percentile", "TotalCount", "1/(1-Percentile)");
  double quantile = 0;
  for (int step = 0; quantile < last_quantile; ++step) {
    if (quantile > 0 && !observe::estimable(quantile, of.count())) break;
    const std::uint64_t value = std::min(of.value_at_quantile(quantile), of.max());  // a bucket may end beyond max()
    fmt::format_to(std::back_inserter(to), "{:>12.3f} {:>14.6f} {:>10} {:>14.2f}\n", static_cast<double>(value) / 1e6,
                   quantile, of.count_at_or_below(value), 1 / (1 - quantile));
    quantile = 1 - std::pow(0.5, (step + 1.0) / steps_a_halving);
  }
  fmt::format_to(std::back_inserter(to), "{:>12.3f} {:>14.6f} {:>10}\n", static_cast<double>(of.max()) / 1e6, 1.0,
                 of.count());
  fmt::format_to(std::back_inserter(to), "#[Mean = {:.3f}, Max = {:.3f}, Total count = {}]\n", of.mean() / 1e6,
                 static_cast<double>(of.max()) / 1e6, of.count());
}

std::uint64_t total_of(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : counts) sum += count;
  return sum;
}

// One line a stage: what was planned and answered in it, and the response time.
void append_stages(std::string& to, const std::vector<model::load_stage>& stages) {
  fmt::format_to(std::back_inserter(to), "  {:<9}{:<15}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n", "from", "planned", "offered",
                 "answered", "errors", "p50", "p99", "max");
  for (const model::load_stage& each : stages) {
    const observe::histogram& response = each.latency.response_time;
    fmt::format_to(std::back_inserter(to), "  {:<9}{:<15}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n",
                   fmt::format("{:g}s", each.start_s), each.shape, each.offered, each.answered, total_of(each.errors),
                   quantile_text(response, 0.5), quantile_text(response, 0.99),
                   known_text(response, static_cast<double>(response.max())));
  }
}

// Whether the level of before came back after each burst, and when.
void append_bursts(std::string& to, const std::vector<model::load_stage>& stages) {
  for (const model::load_stage& each : stages) {
    if (!each.burst) continue;
    const model::burst_return& seen = *each.burst;
    fmt::format_to(std::back_inserter(to), "  burst {} until {:g}s: ", each.shape, each.start_s + each.length_s);
    if (seen.back_until_s) {
      fmt::format_to(std::back_inserter(to), "back to the level of before (p99 {}) within {:g} to {:g} s\n",
                     time_text(*seen.level_p99_ms * 1e6), *seen.back_from_s, *seen.back_until_s);
    } else {
      fmt::format_to(std::back_inserter(to), "{}\n", seen.why_not);
    }
  }
}

void append_routes(std::string& to, const std::vector<model::load_route>& routes) {
  std::size_t widest = 5;
  for (const model::load_route& each : routes) widest = std::max(widest, each.name.size());
  fmt::format_to(std::back_inserter(to), "  {:<{}}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n", "route", widest + 1, "offered",
                 "answered", "errors", "p50", "p99", "max");
  for (const model::load_route& each : routes) {
    const observe::histogram& response = each.latency.response_time;
    fmt::format_to(std::back_inserter(to), "  {:<{}}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n", each.name, widest + 1,
                   each.offered, each.answered, total_of(each.errors), quantile_text(response, 0.5),
                   quantile_text(response, 0.99), known_text(response, static_cast<double>(response.max())));
  }
}

std::string head_line(const model::load_result& result) {
  std::string line = result.valid ? "VALID" : "INVALID";
  std::string_view separator = ": ";
  for (const std::string& reason : result.reasons) {
    line.append(separator).append(reason);
    separator = "; ";
  }
  return line + "\n";
}

}  // namespace

std::string load_text(const model::load_result& result, const load_text_options& options) {
  std::string text = head_line(result);
  const double seconds = std::chrono::duration<double>(result.duration).count();
  const bool open = result.model == model::load_model::open;
  const std::string what = result.method.empty() ? fmt::format("{} requests to", result.routes.size()) : result.method;
  fmt::format_to(std::back_inserter(text), "{} {}: {:.1f}s{}, {} connections, {} thread{}, {} model", what, result.url,
                 seconds, result.interrupted ? " (interrupted)" : "", result.connections, result.threads,
                 result.threads == 1 ? "" : "s", label(result.model));
  if (open) fmt::format_to(std::back_inserter(text), ", {} arrivals, seed {}", label(result.arrivals), result.seed);
  fmt::format_to(std::back_inserter(text), "\n  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "", "mean", "p50", "p90",
                 "p99", "p99.9", "max");
  if (open) append_row(text, "response time", result.latency.response_time);
  append_row(text, "service time", result.latency.service_time);
  if (open) append_row(text, "send lag", result.latency.send_lag);
  if (!result.stages.empty()) append_stages(text, result.stages);
  append_bursts(text, result.stages);
  if (!result.routes.empty()) append_routes(text, result.routes);
  if (options.spectrum) {
    if (open) append_spectrum(text, "response time", result.latency.response_time);
    append_spectrum(text, "service time", result.latency.service_time);
    text += '\n';
  }
  fmt::format_to(std::back_inserter(text), "  {} responses in {:.2f}s, {} read", result.requests, seconds,
                 bytes_text(result.bytes_received));
  if (result.resent > 0) fmt::format_to(std::back_inserter(text), ", {} sent twice", result.resent);
  text += '\n';
  if (!result.errors.empty()) {
    text += "  errors:";
    for (const auto& [kind, count] : result.errors) fmt::format_to(std::back_inserter(text), " {} {}", kind, count);
    text += '\n';
  }
  for (const model::gate_outcome& each : result.gates) {
    fmt::format_to(std::back_inserter(text), "  {} {}: {}\n", each.met ? "met" : "NOT MET", each.gate, each.measured);
  }
  if (open) fmt::format_to(std::back_inserter(text), "offered {:.2f} req/s, ", result.offered_rps.value_or(0));
  fmt::format_to(std::back_inserter(text), "achieved {:.2f} req/s", result.achieved_rps);
  // An answer that is an error is an answer, and no success.
  if (!result.errors.empty()) {
    fmt::format_to(std::back_inserter(text), ", {:.2f} as expected and in time", result.good_rps);
  }
  text += '\n';
  return text;
}

}  // namespace assay::report
