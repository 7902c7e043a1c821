#include "lab/report/watch_report.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace assay::report {
namespace {

using nlohmann::json;

model::watch_result sample() {
  model::watch_result result{.command = {"python3", "app.py"},
                             .pid = 12,
                             .runtime = "python",
                             .length_s = 15,
                             .ended = "it exited with status 0",
                             .notes = {"a note"},
                             .own_cpu_share = 0.012};
  result.processes.push_back({.at_s = 0, .cpu_s = 1, .rss_bytes = 30'000'000, .descriptors = 9, .sockets = 3});
  result.processes.push_back({.at_s = 10, .cpu_s = 5, .rss_bytes = 34'200'000, .descriptors = 12, .sockets = 6});
  result.runtime_looks.push_back({.at_s = 0, .heap_used_bytes = 6'000'000, .heap_limit_bytes = 2'000'000'000});
  result.runtime_looks.push_back({.at_s = 10,
                                  .heap_used_bytes = 9'000'000,
                                  .heap_limit_bytes = 2'000'000'000,
                                  .external_bytes = 3'000'000,
                                  .loop_active_s = 3,
                                  .loop_idle_s = 7,
                                  .active = {{"TCPSocketWrap", 12}}});
  result.lag = {.quality = model::lag_quality::traced,
                .utilisation = 0.34,
                .p99_ms = 51.2,
                .max_ms = 83,
                .stalls = {{50, 30}},
                .stalled_s = {{50, 2.4}}};
  result.blocking.push_back({.call = "recv",
                             .peer = "127.0.0.1:1",
                             .place = "app.py:87 in price",
                             .stack = {"app.py:87 in price"},
                             .count = 30,
                             .total_ms = 2400,
                             .longest_ms = 83});
  result.events.push_back({.at_s = 1, .length_s = 0.08, .kind = "stall", .text = "the loop was away"});
  result.verdict = {.verdict = model::cause::blocking_call, .text = "recv held the loop", .remarks = {"a step"}};
  result.verdict.findings.push_back({.kind = model::cause::blocking_call,
                                     .call = "recv",
                                     .text = "recv held the loop",
                                     .numbers = {{"blocked_s", 2.4}},
                                     .next = "Use another client."});
  return result;
}

TEST(watch_report, the_verdict_and_what_to_do_come_first) {
  const std::string text = watch_text(sample());
  EXPECT_TRUE(
      text.starts_with("blocking_call: recv held the loop\n  next: Use another client.\n"
                       "python3 app.py: 15.0s, python, it exited with status 0\n"))
      << text;
  EXPECT_NE(text.find("34 % busy (traced)"), std::string::npos) << text;
  EXPECT_NE(text.find("30 times     2.40 s, longest    83 ms  recv, 127.0.0.1:1 at app.py:87 in price"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find("runtime    heap 9.0 MB of 2000.0, buffers outside of it 3.0 MB; 6.0, 0.0 MB at first; loop 30 % busy"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("remark: a step"), std::string::npos);
}

TEST(watch_report, a_command_is_one_line_whatever_is_in_it) {
  model::watch_result result = sample();
  result.command = {"python3", "-c", "a\nb"};
  EXPECT_NE(watch_text(result).find("python3 -c a?b: 15.0s"), std::string::npos);
}

TEST(watch_report, a_line_an_interval) {
  model::watch_interval seen{
      .now = sample().processes.back(), .cpu_cores = 0.41, .lag = sample().lag, .blocking_calls = 3};
  EXPECT_EQ(watch_line(seen),
            "   10.0s  loop  34 %  lag p50   0.0 p99   51.2 ms  cpu 0.41  rss 34.2 MB  fds 12 (6 sockets)  blocking "
            "calls 3\n");
  seen.lag = {};
  EXPECT_NE(watch_line(seen).find("no loop yet"), std::string::npos);
}

// docs/watch-json.md: each row of a table begins with a key in backticks.
std::set<std::string> documented_keys() {
  std::ifstream file(ASSAY_DOCS "/watch-json.md");
  EXPECT_TRUE(file.is_open());
  std::set<std::string> keys;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) keys.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return keys;
}

TEST(watch_report, every_key_is_documented_and_every_documented_key_is_there) {
  const json document = json::parse(watch_json(sample()));
  std::set<std::string> keys;
  for (const auto& [key, value] : document.items()) keys.insert(key);
  for (const auto& each : {document["findings"][0], document["lag"], document["blocking"][0]}) {
    for (const auto& [key, value] : each.items()) keys.insert(key);
  }
  for (const auto& [key, value] : document["processes"][0].items()) keys.insert(key);
  for (const auto& [key, value] : document["runtime_looks"][1].items()) keys.insert(key);
  EXPECT_EQ(keys, documented_keys());
  EXPECT_EQ(document["findings"][0]["numbers"]["blocked_s"], 2.4);
  EXPECT_EQ(document["verdict"], "blocking_call");
  EXPECT_EQ(document["runtime_looks"][1]["active"]["TCPSocketWrap"], 12);
}

}  // namespace
}  // namespace assay::report
