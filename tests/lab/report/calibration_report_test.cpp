#include "lab/report/calibration_report.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace assay::report {
namespace {

model::calibration some_machine() {
  model::calibration seen;
  seen.fastest.achieved_rps = 52'000.4;
  seen.fastest.io_backend = "io_uring";
  seen.fastest.connections = 64;
  seen.fastest.threads = 1;
  seen.fastest.generator.cpu_per_request_ns = 4'000;
  seen.at_ease.valid = true;
  seen.at_ease.offered_rps = 1000;
  seen.at_ease.generator.own_lag_p99_ns = 20'000;
  seen.at_ease.generator.own_lag_max_ns = 400'000;
  seen.at_ease.latency.response_time.record(90'000, 5000);
  seen.at_ease.latency.send_lag.record(10'000, 5000);
  return seen;
}

TEST(calibration, is_told_verdict_first) {
  EXPECT_EQ(calibration_text(some_machine()), R"(VALID
this machine, and a server on it that does nothing: io_uring, 64 connections, 1 thread
  at most         52000 requests/s, server and generator together
  a request costs 4.00us of the generator's CPU: a thread could pay for 250000 a second
                     mean      p50      p90      p99    p99.9      max
  response time    90.0us   90.0us   90.0us   90.0us   90.0us   90.0us
  send lag         10.0us   10.0us   10.0us   10.0us   10.0us   10.0us
  these at 1000 requests/s; late by the generator's fault: p99 20.0us, at most 400us
)");
  model::calibration late = some_machine();
  late.at_ease.valid = false;
  late.at_ease.reasons = {"generator late", "out of CPU"};
  EXPECT_TRUE(calibration_text(late).starts_with("INVALID: generator late; out of CPU\n"));
}

TEST(calibration, every_key_is_documented) {
  const nlohmann::json document = nlohmann::json::parse(calibration_json(some_machine()));
  std::ifstream file(ASSAY_DOCS "/load.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [key, value] : document.items()) EXPECT_TRUE(page.contains("`" + key + "`")) << key;
  EXPECT_EQ(document["most_rps"], 52'000.4);
  EXPECT_EQ(document["cpu_per_request_us"], 4);
  EXPECT_EQ(document["response_time_us"]["count"], 5000);
  EXPECT_EQ(document["own_lag_max_us"], 400);
}

}  // namespace
}  // namespace assay::report
