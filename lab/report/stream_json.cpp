#include "lab/report/stream_json.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "lab/report/gates_json.hpp"
#include "lab/report/summary_json.hpp"
#include "stack/observe/histogram_codec.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

json messages_json(const model::stream_result& result) {
  if (!result.offered_rate) return nullptr;
  return {{"offered_per_s", *result.offered_rate},
          {"received_per_s", result.achieved_rate},
          {"arrivals", std::string(label(result.arrivals))},
          {"tick_us", tick_json(result.tick)},
          {"arrivals_seen", arrivals_json(result.arrivals_seen)},
          {"due", result.due},
          {"sent", result.sent},
          {"received", result.received},
          {"reach", result.reach ? json(*result.reach) : json(nullptr)},
          {"surplus", result.surplus},
          {"unrelated", result.unrelated},
          {"errors", counts_json(result.errors)},
          {"response_time_us", summary_us(result.latency.response_time)},
          {"response_interval_us", intervals_json(result.intervals)},
          {"steady", steady_json(result.steady)},
          {"service_time_us", summary_us(result.latency.service_time)},
          {"send_lag_us", summary_us(result.latency.send_lag)}};
}

json message_stages_json(const std::vector<model::load_stage>& stages) {
  json rows = json::array();
  for (const model::load_stage& each : stages) {
    rows.push_back({{"shape", each.shape},
                    {"start_s", each.start_s},
                    {"length_s", each.length_s},
                    {"planned_per_s", each.planned_rps},
                    {"due", each.offered},
                    {"sent", each.sent},
                    {"received", each.answered},
                    {"errors", counts_json(each.errors)},
                    {"response_time_us", summary_us(each.latency.response_time)},
                    {"response_interval_us", each.intervals ? intervals_json(*each.intervals) : json(nullptr)},
                    {"steady", steady_json(each.steady)},
                    {"service_time_us", summary_us(each.latency.service_time)},
                    {"send_lag_us", summary_us(each.latency.send_lag)},
                    {"own_lag_p99_us", static_cast<double>(each.own_lag_p99_ns) / 1e3},
                    {"burst", burst_json(each.burst)}});
  }
  return rows;
}

json events_json(const model::stream_result& result) {
  if (result.kind != model::stream_kind::events) return nullptr;
  return {{"received", result.events},
          {"first_event_us", summary_us(result.first_event)},
          {"gap_us", summary_us(result.gap)},
          {"gap_interval_us", intervals_json(result.intervals)},
          {"steady", steady_json(result.steady)},
          {"open_gap_us", summary_us(result.open_gap)},
          {"longest_silence_us", static_cast<double>(result.longest_silence_ns) / 1e3}};
}

json generator_json(const model::stream_result& result) {
  const model::generator_health& health = result.generator;
  const double bytes = result.bytes_per_connection;
  return {{"io", result.io_backend},
          {"cpu_share", health.cpu_share},
          {"cpu_wait_share", health.cpu_wait_share},
          {"cpu_per_message_us", health.cpu_per_request_ns / 1e3},
          {"bytes_per_connection", bytes > 0 ? json(bytes) : json(nullptr)},
          {"own_lag_p99_us", static_cast<double>(health.own_lag_p99_ns) / 1e3},
          {"own_lag_max_us", static_cast<double>(health.own_lag_max_ns) / 1e3},
          {"receive_lag_p99_us", static_cast<double>(result.receive_lag_p99_ns) / 1e3},
          {"stalls", result.stalls.count},
          {"longest_stall_us", static_cast<double>(result.stalls.longest_ns) / 1e3},
          {"stalled_messages", result.stalls.touched_requests},
          {"own_limits", health.own_limits},
          {"little_residual", health.little_residual}};
}

}  // namespace

std::string stream_json(const model::stream_result& result) {
  json document;
  document["format"] = "assay.streams/1";
  document["tool_version"] = ASSAY_VERSION;
  document["verdict"] = result.valid ? "VALID" : "INVALID";
  document["reasons"] = result.reasons;
  document["kind"] = std::string(label(result.kind));
  document["url"] = result.url;
  document["seed"] = result.seed;
  document["started_unix_s"] = std::chrono::duration<double>(result.started.time_since_epoch()).count();
  document["duration_s"] = std::chrono::duration<double>(result.duration).count();
  document["interrupted"] = result.interrupted;
  document["connections"] = result.connections;
  document["open_at_end"] = result.open_at_end;
  document["connects"] = result.connects;
  document["reconnects"] = result.reconnects;
  document["renewals"] = result.renewals;
  document["lost_connections"] = counts_json(result.lost_connections);
  document["connect_time_us"] = summary_us(result.connect_time);
  document["answer_time_us"] = summary_us(result.answer_time);
  document["received_bytes"] = result.bytes_received;
  document["messages"] = messages_json(result);
  document["stages"] = message_stages_json(result.stages);
  document["events"] = events_json(result);
  document["gates"] = gates_json(result.gates);
  document["generator"] = generator_json(result);
  document["touched_by_stalls"] = touched_json(result.stalls);
  // HdrHistogram V2, compressed, base64; values in nanoseconds.
  document["histograms_ns_v2"] = {{"response_time", observe::encode_v2_base64(result.latency.response_time)},
                                  {"service_time", observe::encode_v2_base64(result.latency.service_time)},
                                  {"send_lag", observe::encode_v2_base64(result.latency.send_lag)},
                                  {"first_event", observe::encode_v2_base64(result.first_event)},
                                  {"gap", observe::encode_v2_base64(result.gap)}};
  // An argument may be any bytes.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::report
