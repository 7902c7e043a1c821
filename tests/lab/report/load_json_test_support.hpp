// A result with something of everything that the document of a run has.
// Misuse: changing a value of it for one test: others say what its document holds.
#pragma once

#include <chrono>

#include "lab/load/recorder.hpp"

namespace assay::report {

inline model::load_result open_result() {
  model::load_result result;
  result.valid = true;
  result.url = "http://127.0.0.1:8080/";
  result.method = "GET";
  result.model = model::load_model::open;
  result.arrivals = model::arrival_law::poisson;
  result.seed = 7;
  result.connections = 64;
  result.threads = 2;
  result.duration = std::chrono::milliseconds(2500);
  result.offered_rps = 160.5;
  result.achieved_rps = 160.25;
  result.good_rps = 159.5;
  result.started = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'500));
  result.requests = 400;
  result.offered_requests = 401;
  result.bytes_received = 12'345;
  result.connects = 65;
  result.resent = 3;
  result.redirects = 4;
  result.waited_for_connection = 12;
  result.steady = model::steadiness{.from_s = 2.5, .before = 3};
  result.errors = {{"timed_out", 1}, {"status_5xx", 2}};
  for (std::uint64_t i = 1; i <= 400; ++i) {
    result.latency.response_time.record(i * 10'000);
    result.latency.service_time.record(i * 1'000);
  }
  result.latency.send_lag.record(500);
  result.intervals = {.mean = model::time_interval{.low_ns = 1'900'000, .high_ns = 2'100'000},
                      .quantiles = {{.quantile = 0.5, .within = {1'800'000, 2'200'000}, .effective_samples = 250}}};
  result.stages.push_back(
      {.shape = "100..220/s", .length_s = 2.5, .planned_rps = 160, .offered = 401, .answered = 400});
  result.stages.back().burst = {.level_p99_ms = 2, .back_from_s = 3, .back_until_s = 4, .watched_s = 20};
  result.routes.push_back({.name = "GET /a", .share = 0.75, .offered = 300, .answered = 299});
  result.sessions.push_back({.name = "buy",
                             .offered_per_s = 2,
                             .offered = 9,
                             .started = 8,
                             .finished = 5,
                             .abandoned = 1,
                             .cut = 2,
                             .waited = 3,
                             .most_at_once = 4});
  result.gates.push_back({.gate = "p99<50ms",
                          .met = true,
                          .measured = "3.96ms",
                          .within = model::time_interval{.low_ns = 3.9e6, .high_ns = 4e6},
                          .proven = true});
  result.generator = {.cpu_share = 0.25,
                      .cpu_wait_share = 0.5,
                      .spun_share = 0.125,
                      .own_lag_p99_ns = 1'500,
                      .own_lag_max_ns = 2'500,
                      .little_residual = 0.001,
                      .cpu_per_request_ns = 4'500};
  result.stalls = {
      .count = 2, .longest_ns = 203'000'000, .share = 0.125, .touched_requests = 9, .touched = {{0.999, 200e6, 5e6}}};
  result.arrivals_seen = model::arrival_fit{.gaps = 200,
                                            .distance = 0.03,
                                            .distance_by_chance = 0.096,
                                            .tolerance_ns = 500'000,
                                            .gaps_off = 0.005,
                                            .offered_share = 0.998};
  result.io_backend = "epoll";
  return result;
}

}  // namespace assay::report
