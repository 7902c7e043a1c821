#include "lab/report/load_json.hpp"

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "lab/report/gates_json.hpp"
#include "lab/report/summary_json.hpp"
#include "stack/observe/histogram_codec.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

json stages_json(const std::vector<model::load_stage>& stages) {
  json rows = json::array();
  for (const model::load_stage& each : stages) {
    rows.push_back({{"shape", each.shape},
                    {"start_s", each.start_s},
                    {"length_s", each.length_s},
                    {"planned_rps", each.planned_rps},
                    {"offered_requests", each.offered},
                    {"requests", each.answered},
                    {"errors", counts_json(each.errors)},
                    {"response_time_us", summary_us(each.latency.response_time)},
                    {"response_interval_us", each.intervals ? intervals_json(*each.intervals) : json(nullptr)},
                    {"steady", steady_json(each.steady)},
                    {"expected_response_time_us", summary_us(each.latency.expected_response_time)},
                    {"service_time_us", summary_us(each.latency.service_time)},
                    {"send_lag_us", summary_us(each.latency.send_lag)},
                    {"own_lag_p99_us", static_cast<double>(each.own_lag_p99_ns) / 1e3},
                    {"burst", burst_json(each.burst)}});
  }
  return rows;
}

json routes_json(const std::vector<model::load_route>& routes) {
  json rows = json::array();
  for (const model::load_route& each : routes) {
    rows.push_back({{"route", each.name},
                    {"share", each.share},
                    {"offered_requests", each.offered},
                    {"requests", each.answered},
                    {"errors", counts_json(each.errors)},
                    {"response_time_us", summary_us(each.latency.response_time)},
                    {"response_interval_us", each.intervals ? intervals_json(*each.intervals) : json(nullptr)},
                    {"steady", steady_json(each.steady)},
                    {"service_time_us", summary_us(each.latency.service_time)}});
  }
  return rows;
}

json sessions_json(const std::vector<model::load_sessions>& scenarios) {
  json rows = json::array();
  for (const model::load_sessions& each : scenarios) {
    rows.push_back({{"scenario", each.name},
                    {"offered_per_s", each.offered_per_s},
                    {"arrivals", std::string(label(each.arrivals))},
                    {"arrivals_seen", arrivals_json(each.arrivals_seen)},
                    {"offered_sessions", each.offered},
                    {"started", each.started},
                    {"finished", each.finished},
                    {"abandoned", each.abandoned},
                    {"cut", each.cut},
                    {"waited", each.waited},
                    {"most_at_once", each.most_at_once},
                    {"session_time_us", summary_us(each.time)}});
  }
  return rows;
}

}  // namespace

std::string load_json(const model::load_result& result) {
  json document;
  document["format"] = "assay.load/1";
  document["tool_version"] = ASSAY_VERSION;
  document["verdict"] = result.valid ? "VALID" : "INVALID";
  document["reasons"] = result.reasons;
  document["offered_rps"] = result.offered_rps ? json(*result.offered_rps) : json(nullptr);
  document["achieved_rps"] = result.achieved_rps;
  document["good_rps"] = result.good_rps;
  document["collapsed"] = model::has_collapsed(result);
  document["requests"] = result.requests;
  document["errors"] = counts_json(result.errors);
  document["response_time_us"] = summary_us(result.latency.response_time);
  document["response_interval_us"] = intervals_json(result.intervals);
  document["steady"] = steady_json(result.steady);
  document["expected_response_time_us"] = summary_us(result.latency.expected_response_time);
  document["service_time_us"] = summary_us(result.latency.service_time);
  document["send_lag_us"] = summary_us(result.latency.send_lag);
  document["connect_time_us"] = summary_us(result.connect_time);
  document["first_byte_us"] = summary_us(result.first_byte);
  document["stages"] = stages_json(result.stages);
  document["routes"] = routes_json(result.routes);
  document["sessions"] = sessions_json(result.sessions);
  document["gates"] = gates_json(result.gates);
  document["url"] = result.url;
  document["method"] = result.method.empty() ? json(nullptr) : json(result.method);
  document["model"] = std::string(label(result.model));
  document["arrivals"] = result.offered_rps ? json(std::string(label(result.arrivals))) : json(nullptr);
  document["tick_us"] = tick_json(result.tick);
  document["seed"] = result.seed;
  document["connections"] = result.connections;
  document["threads"] = result.threads;
  document["started_unix_s"] = std::chrono::duration<double>(result.started.time_since_epoch()).count();
  document["duration_s"] = std::chrono::duration<double>(result.duration).count();
  document["interrupted"] = result.interrupted;
  document["offered_requests"] = result.offered_rps ? json(result.offered_requests) : json(nullptr);
  document["received_bytes"] = result.bytes_received;
  document["connects"] = result.connects;
  document["resent"] = result.resent;
  document["redirects"] = result.redirects;
  const bool is_open = result.model == model::load_model::open;
  document["waited_for_connection"] = is_open ? json(result.waited_for_connection) : json(nullptr);
  const model::generator_health& health = result.generator;
  document["generator"] = {{"io", result.io_backend},
                           {"cpu_share", health.cpu_share},
                           {"cpu_wait_share", health.cpu_wait_share},
                           {"spun_share", health.spun_share},
                           {"cpu_per_request_us", health.cpu_per_request_ns / 1e3},
                           {"own_lag_p99_us", static_cast<double>(health.own_lag_p99_ns) / 1e3},
                           {"own_lag_max_us", static_cast<double>(health.own_lag_max_ns) / 1e3},
                           {"stalls", result.stalls.count},
                           {"longest_stall_us", static_cast<double>(result.stalls.longest_ns) / 1e3},
                           {"stalled_share", result.stalls.share},
                           {"stalled_requests", result.stalls.touched_requests},
                           {"stamped_answers", health.stamped_answers},
                           {"own_limits", health.own_limits},
                           {"little_residual", health.little_residual}};
  document["touched_by_stalls"] = touched_json(result.stalls);
  document["arrivals_seen"] = arrivals_json(result.arrivals_seen);
  // HdrHistogram V2, compressed, base64; values in nanoseconds.
  document["histograms_ns_v2"] = {{"response_time", observe::encode_v2_base64(result.latency.response_time)},
                                  {"service_time", observe::encode_v2_base64(result.latency.service_time)},
                                  {"send_lag", observe::encode_v2_base64(result.latency.send_lag)}};
  // An argument may be any bytes.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::report
