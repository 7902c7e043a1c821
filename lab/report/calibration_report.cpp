#include "lab/report/calibration_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "lab/report/summary_json.hpp"
#include "lab/report/time_row.hpp"

namespace assay::report {
namespace {

// How many requests a second a thread could pay for, had it nothing to wait for.
double most_a_thread(const model::calibration& of) {
  return of.fastest.generator.cpu_per_request_ns > 0 ? 1e9 / of.fastest.generator.cpu_per_request_ns : 0;
}

}  // namespace

std::string calibration_text(const model::calibration& of) {
  const model::load_result& fast = of.fastest;
  const model::load_result& calm = of.at_ease;
  const observe::histogram& response = calm.latency.response_time;
  std::string text = calm.valid ? "VALID\n" : fmt::format("INVALID: {}\n", fmt::join(calm.reasons, "; "));
  text += fmt::format("this machine, and a server on it that does nothing: {}, {} connections, {} thread{}\n",
                      fast.io_backend, fast.connections, fast.threads, fast.threads == 1 ? "" : "s");
  text += fmt::format("  at most         {:.0f} requests/s, server and generator together\n", fast.achieved_rps);
  text += fmt::format("  a request costs {} of the generator's CPU: a thread could pay for {:.0f} a second\n",
                      time_text(fast.generator.cpu_per_request_ns), most_a_thread(of));
  append_row_heads(text);
  append_row(text, "response time", response);
  append_row(text, "send lag", calm.latency.send_lag);
  text += fmt::format("  these at {:.0f} requests/s; late by the generator's fault: p99 {}, at most {}\n",
                      calm.offered_rps.value_or(0), time_text(static_cast<double>(calm.generator.own_lag_p99_ns)),
                      time_text(static_cast<double>(calm.generator.own_lag_max_ns)));
  return text;
}

std::string calibration_json(const model::calibration& of) {
  const model::load_result& calm = of.at_ease;
  nlohmann::ordered_json document;
  document["format"] = "assay.calibration/1";
  document["tool_version"] = ASSAY_VERSION;
  document["verdict"] = calm.valid ? "VALID" : "INVALID";
  document["reasons"] = calm.reasons;
  document["io"] = of.fastest.io_backend;
  document["connections"] = of.fastest.connections;
  document["threads"] = of.fastest.threads;
  document["most_rps"] = of.fastest.achieved_rps;
  document["cpu_per_request_us"] = of.fastest.generator.cpu_per_request_ns / 1e3;
  document["rate_rps"] = calm.offered_rps.value_or(0);
  document["response_time_us"] = summary_us(calm.latency.response_time);
  document["send_lag_us"] = summary_us(calm.latency.send_lag);
  document["own_lag_p99_us"] = static_cast<double>(calm.generator.own_lag_p99_ns) / 1e3;
  document["own_lag_max_us"] = static_cast<double>(calm.generator.own_lag_max_ns) / 1e3;
  return document.dump(2) + "\n";
}

}  // namespace assay::report
