#include "lab/report/replay_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "lab/report/summary_json.hpp"
#include "stack/observe/histogram_codec.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t most_rows = 20;  // of the table of statuses; the document has all

double seconds(std::chrono::nanoseconds span) { return std::chrono::duration<double>(span).count(); }

std::string ms_text(double ns) { return fmt::format("{:.4g}ms", ns / 1e6); }

std::string ms_quantile_text(const observe::histogram& of, double q) {
  const auto value = observe::estimated_quantile(of, q);
  return value ? ms_text(static_cast<double>(*value)) : "-";
}

void append_times(std::string& to, std::string_view name, const observe::histogram& of) {
  const bool any = of.count() > 0;
  to += fmt::format("  {:<15}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", name, any ? ms_text(of.mean()) : "-",
                    ms_quantile_text(of, 0.5), ms_quantile_text(of, 0.9), ms_quantile_text(of, 0.99),
                    ms_quantile_text(of, 0.999), any ? ms_text(static_cast<double>(of.max())) : "-");
}

std::string headline(const model::replay_result& result) {
  std::string line = result.valid ? "VALID" : "INVALID";
  std::string_view separator = ": ";
  for (const std::string& reason : result.reasons) line.append(std::exchange(separator, "; ")).append(reason);
  return line + "\n";
}

// Every recorded request is in exactly one of these lines.
void append_accounts(std::string& to, const model::replay_result& result) {
  to += fmt::format("  {:>9} requests recorded\n  {:>9} answered, {} of them as recorded\n", result.requests,
                    result.answered, result.as_recorded);
  for (const auto& [kind, count] : result.failed) {
    to += fmt::format("  {:>9} failed: {}\n", count, kind);
  }
  for (const auto& [rule, count] : result.refused) {
    to += fmt::format("  {:>9} refused: {}\n", count, rule);
  }
  if (result.not_reached > 0) to += fmt::format("  {:>9} not reached\n", result.not_reached);
}

std::string status_text(int status) { return status == 0 ? "-" : std::to_string(status); }

// The most frequent pairs first; the table of the document is by status.
void append_statuses(std::string& to, const model::replay_result& result) {
  std::vector<model::status_pair> by_count = result.statuses;
  std::ranges::sort(by_count, [](const model::status_pair& a, const model::status_pair& b) {
    return std::tuple(b.count, a.recorded, a.replayed) < std::tuple(a.count, b.recorded, b.replayed);
  });
  const std::size_t shown = std::min(by_count.size(), most_rows);
  if (shown > 0) to += fmt::format("  {:>9} {:>9} {:>9}\n", "recorded", "replayed", "requests");
  for (std::size_t i = 0; i < shown; ++i) {
    to += fmt::format("  {:>9} {:>9} {:>9}\n", status_text(by_count[i].recorded), status_text(by_count[i].replayed),
                      by_count[i].count);
  }
  if (shown < by_count.size()) {
    to += fmt::format("  {:>9} more pairs: see --json\n", by_count.size() - shown);
  }
}

// In their order.
json reasons_json(const std::vector<std::pair<std::string, std::uint64_t>>& counts) {
  json by_reason = json::object();
  for (const auto& [reason, count] : counts) by_reason[reason] = count;
  return by_reason;
}

json statuses_json(const std::vector<model::status_pair>& statuses) {
  json rows = json::array();
  for (const model::status_pair& each : statuses) {
    rows.push_back({{"recorded", each.recorded == 0 ? json(nullptr) : json(each.recorded)},
                    {"replayed", each.replayed == 0 ? json(nullptr) : json(each.replayed)},
                    {"requests", each.count}});
  }
  return rows;
}

json generator_json(const model::replay_result& result) {
  const model::generator_health& health = result.generator;
  return {{"io", result.io_backend},
          {"cpu_share", health.cpu_share},
          {"cpu_wait_share", health.cpu_wait_share},
          {"spun_share", health.spun_share},
          {"cpu_per_request_us", health.cpu_per_request_ns / 1e3},
          {"own_limits", health.own_limits},
          {"little_residual", health.little_residual}};
}

}  // namespace

std::string replay_text(const model::replay_result& result) {
  std::string text = headline(result);
  fmt::format_to(std::back_inserter(text),
                 "replay to {} at {:g}x: {:.1f}s of {:.1f}s{}, {} clients, at most {} connections\n", result.url,
                 result.speed, seconds(result.duration), seconds(result.planned_duration),
                 result.interrupted ? " (interrupted)" : "", result.clients, result.connections);
  append_accounts(text, result);
  append_statuses(text, result);
  text +=
      fmt::format("  {:<15}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "", "mean", "p50", "p90", "p99", "p99.9", "max");
  append_times(text, "response time", result.latency.response_time);
  append_times(text, "service time", result.latency.service_time);
  append_times(text, "own send lag", result.own_lag);
  append_times(text, "client's lag", result.client_lag);
  fmt::format_to(std::back_inserter(text),
                 "  {} connections opened, {} closed for another client, {} requests waited for one\n", result.connects,
                 result.evicted, result.waited);
  for (const auto& [reason, count] : result.rejected) {
    text += fmt::format("  {} records are no request: {}\n", count, reason);
  }
  for (const std::string& note : result.notes) text += fmt::format("  note: {}\n", note);
  return text;
}

std::string replay_json(const model::replay_result& result) {
  json document;
  document["format"] = "assay.replay/1";
  document["tool_version"] = ASSAY_VERSION;
  document["verdict"] = result.valid ? "VALID" : "INVALID";
  document["reasons"] = result.reasons;
  document["requests"] = result.requests;
  document["answered"] = result.answered;
  document["as_recorded"] = result.as_recorded;
  document["failed"] = counts_json(result.failed);
  document["refused"] = reasons_json(result.refused);
  document["not_reached"] = result.not_reached;
  document["sent"] = result.sent;
  document["statuses"] = statuses_json(result.statuses);
  document["response_time_us"] = summary_us(result.latency.response_time);
  document["as_recorded_response_time_us"] = summary_us(result.latency.expected_response_time);
  document["service_time_us"] = summary_us(result.latency.service_time);
  document["send_lag_us"] = summary_us(result.latency.send_lag);
  document["own_lag_us"] = summary_us(result.own_lag);
  document["client_lag_us"] = summary_us(result.client_lag);
  document["url"] = result.url;
  document["sources"] = result.sources;
  document["speed"] = result.speed;
  document["connections"] = result.connections;
  document["clients"] = result.clients;
  document["connects"] = result.connects;
  document["evicted"] = result.evicted;
  document["waited"] = result.waited;
  document["resent"] = result.resent;
  document["received_bytes"] = result.bytes_received;
  document["started_unix_s"] = std::chrono::duration<double>(result.started.time_since_epoch()).count();
  document["planned_duration_s"] = seconds(result.planned_duration);
  document["duration_s"] = seconds(result.duration);
  document["interrupted"] = result.interrupted;
  document["rejected_records"] = counts_json(result.rejected);
  document["notes"] = result.notes;
  document["generator"] = generator_json(result);
  // HdrHistogram V2, compressed, base64; values in nanoseconds.
  document["histograms_ns_v2"] = {{"response_time", observe::encode_v2_base64(result.latency.response_time)},
                                  {"service_time", observe::encode_v2_base64(result.latency.service_time)},
                                  {"own_lag", observe::encode_v2_base64(result.own_lag)},
                                  {"client_lag", observe::encode_v2_base64(result.client_lag)}};
  // A path or a rule may be any bytes.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::report
