#include "lab/report/watch_report.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace assay::report {
namespace {

using nlohmann::json;

std::vector<model::process_second> looks_at_processes() {
  return {{.at_s = 0, .cpu_s = 1, .rss_bytes = 30'000'000, .descriptors = 9, .sockets = 3},
          {.at_s = 10,
           .cpu_s = 5,
           .rss_bytes = 34'200'000,
           .descriptors = 12,
           .sockets = 6,
           .voluntary_switches = 4000,
           .involuntary_switches = 30,
           .files = 3,
           .pipes = 2,
           .other_descriptors = 1,
           .read_bytes = 25'000'000,
           .read_calls = 500,
           .pss_bytes = 31'000'000,
           .group_memory_bytes = 200'000'000,
           .group_cpu_stalled_s = 0.7}};
}

model::watch_result sample() {
  model::watch_result result{.command = {"python3", "app.py"},
                             .pid = 12,
                             .runtime = "python",
                             .length_s = 15,
                             .ended = "it exited with status 0",
                             .notes = {"a note"},
                             .own_cpu_share = 0.012};
  result.processes = looks_at_processes();
  result.limits.memory = {.of = "the memory limit of its control group", .limit = 512'000'000, .used = 200'000'000};
  result.runtime_looks.push_back({.at_s = 0, .heap_used_bytes = 6'000'000, .heap_limit_bytes = 2'000'000'000});
  result.runtime_looks.push_back({.at_s = 10,
                                  .heap_used_bytes = 9'000'000,
                                  .heap_limit_bytes = 2'000'000'000,
                                  .external_bytes = 3'000'000,
                                  .loop_active_s = 3,
                                  .loop_idle_s = 7,
                                  .active = {{"TCPSocketWrap", 12}}});
  result.connections.push_back({.at_s = 10,
                                .in_flight = 2,
                                .outgoing = {{.peer = "127.0.0.1:5432", .open = 4, .waiting = 1}},
                                .states = {{"CLOSE_WAIT", 7}, {"ESTABLISHED", 6}, {"LISTEN", 1}},
                                .accept_queue = 5,
                                .accept_limit = 128});
  result.databases.push_back({.name = "postgres", .version = "15.3", .max_connections = 100});
  model::database_view& database = result.databases.back();
  database.looks.push_back({.at_s = 9, .of_server = 3});  // not yet connected
  database.looks.push_back({.at_s = 10, .connections = 4, .active = 1, .in_transaction = 2, .held = 2, .of_server = 6});
  database.waits = {{"Lock: tuple", 3}};
  database.locks.push_back(
      {.statement = "UPDATE t SET n = ?", .holder = "SELECT ?", .holder_idle = true, .seen = 3, .longest_s = 1.5});
  database.holds.push_back({.statement = "SELECT ?", .seen = 2, .longest_s = 2.5});
  database.statements.push_back({.text = "SELECT ?", .calls = 200, .total_ms = 300, .rows = 200});
  database.notes = {"postgres: a note of its own"};
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
  EXPECT_NE(
      text.find("  sockets    7 CLOSE_WAIT, 6 ESTABLISHED at the last look; 5 of 128 waited to be accepted at most\n"),
      std::string::npos)
      << text;
}

TEST(watch_report, what_the_probe_costs_stands_at_the_end) {
  model::watch_result result = sample();
  EXPECT_EQ(watch_text(result).find("the probe added"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(watch_json(result))["probe"].is_null());
  result.probe = {.of_cpu = {.value = 0.0084, .low = 0.008, .high = 0.0088, .n = 100},
                  .waits = 5000,
                  .calls = 20'000,
                  .stacks_of_cpu = 0.015};
  EXPECT_TRUE(watch_text(result).ends_with(
      "  the probe added at least 0.84 % [0.80, 0.88] to the service's CPU time, 5000 waits and 20000 calls; looking "
      "where it computes 1.50 %\n"))
      << watch_text(result);
  const auto probe = nlohmann::json::parse(watch_json(result))["probe"];
  EXPECT_EQ(probe["cpu_share_high"], 0.0088);
  EXPECT_EQ(probe["calls"], 20'000);
  EXPECT_EQ(probe["stacks_cpu_share"], 0.015);
}

TEST(watch_report, of_tasks_those_are_shown_that_there_are_most_of) {
  model::watch_result result = sample();
  result.runtime_looks = {
      {.at_s = 0, .active = {{"work at app.py:5", 2}}},
      {.at_s = 9,
       .active = {{"a at app.py:1", 1}, {"b at app.py:2", 2}, {"news at app.py:9", 120}, {"work at app.py:5", 40}}}};
  const std::string text = watch_text(result);
  EXPECT_NE(text.find("  tasks        120 news at app.py:9; 0 at first\n  tasks         40 work at app.py:5; 2 at "
                      "first\n  tasks          2 b at app.py:2; 0 at first\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("a at app.py:1"), std::string::npos);
  EXPECT_EQ(text.find("heap"), std::string::npos);
}

TEST(watch_report, a_database_is_told_with_who_waits_for_whom) {
  const std::string text = watch_text(sample());
  for (const char* line :
       {"  postgres   version 15.3; on average 4.0 connections (4 at most, 6 of 100 of its server), 1.0 active, 2.0 "
        "held "
        "by an idle transaction, 0.0 waiting for a lock\n",
        "        3 times, longest   1.5 s  waited for a lock: UPDATE t SET n = ?; held by a transaction that was idle "
        "after SELECT ?\n",
        "        2 times, longest   2.5 s  idle in a transaction after: SELECT ?\n",
        "      200 calls,      1.50 ms each  SELECT ?\n", "  note: postgres: a note of its own\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  model::watch_result unused = sample();
  unused.databases[0].looks.pop_back();
  EXPECT_NE(watch_text(unused).find("postgres   no connection to it was seen"), std::string::npos);
}

TEST(watch_report, allocations_are_told_where_they_were_counted) {
  model::watch_result result = sample();
  EXPECT_EQ(watch_text(result).find("  allocated"), std::string::npos);
  for (unsigned i = 0; i < 2; ++i) {
    result.processes[i].allocations = 1000 + 5000 * i;
    result.processes[i].allocated_bytes = 20'000'000 * (i + 1);
    result.processes[i].live_bytes = 3'000'000 + 500'000 * i;
  }
  EXPECT_NE(watch_text(result).find("  allocated  500 times a second, 2.0 MB; 3.5 MB held, 3.0 MB at the first look\n"),
            std::string::npos)
      << watch_text(result);
}

TEST(watch_report, errors_that_nobody_handled_are_told_however_many_notes_there_are) {
  model::watch_result result = sample();
  EXPECT_EQ(watch_text(result).find("nobody handled"), std::string::npos);
  result.failures = {{.text = "ValueError: no order: app.py:9", .count = 12}};
  result.notes.clear();
  for (int i = 0; i < 11; ++i) result.notes.push_back("not seen " + std::to_string(i));
  std::string text = watch_text(result);
  const auto section = text.find("  errors that nobody handled\n       12 times  ValueError: no order: app.py:9\n");
  ASSERT_NE(section, std::string::npos) << text;
  EXPECT_LT(section, text.find("  note: not seen 0\n")) << text;
  EXPECT_NE(text.find("  note: not seen 7\n  and 3 more notes, in --json\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("not seen 8"), std::string::npos) << text;
  for (int i = 0; i < 9; ++i) result.failures.push_back({.text = "E" + std::to_string(i), .count = 1});
  text = watch_text(result);
  EXPECT_NE(text.find("        1 times  E6\n    and 2 more\n"), std::string::npos) << text;
  const json document = json::parse(watch_json(result));
  EXPECT_EQ(document["failures"].size(), 10U);
  EXPECT_EQ(document["failures"][0]["count"], 12);
  EXPECT_EQ(document["notes"].size(), 11U);
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

TEST(watch_report, what_proc_and_the_control_group_tell_has_its_lines) {
  const std::string text = watch_text(sample());
  for (const char* line :
       {"; its threads waited 400 times a second, 3 times another took the core\n", "; PSS 31.0 MB\n",
        "  open       12 descriptors (6 sockets), 9 (3) at the first look; 0 processes, 0 threads\n"
        "             beside the sockets 3 files, 2 pipes, 0 eventfds, 1 others\n",
        "  I/O        2.50 MB a second read in 50 calls, 0.00 MB written in 0; of disks 0.00, 0.00 MB\n",
        "  group      200.0 MB of 512.0; some of it waited 0.7 s for a core, 0.0 s for memory, 0.0 s for I/O\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  model::watch_result alone = sample();
  for (auto& each : alone.processes) each.group_memory_bytes = each.pss_bytes = 0;
  EXPECT_EQ(watch_text(alone).find("  group "), std::string::npos) << "it was not told";
  EXPECT_EQ(watch_text(alone).find("PSS"), std::string::npos);
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
  model::watch_result result = sample();
  result.probe = model::probe_share{};
  const json document = json::parse(watch_json(result));
  std::set<std::string> keys;
  for (const auto& [key, value] : document.items()) keys.insert(key);
  for (const auto& each : {document["findings"][0], document["lag"], document["blocking"][0],
                           document["connections"][0], document["databases"][0], document["probe"]}) {
    for (const auto& [key, value] : each.items()) keys.insert(key);
  }
  for (const auto& [key, value] : document["processes"][0].items()) keys.insert(key);
  for (const auto& [key, value] : document["runtime_looks"][1].items()) keys.insert(key);
  EXPECT_EQ(keys, documented_keys());
  EXPECT_EQ(document["findings"][0]["numbers"]["blocked_s"], 2.4);
  EXPECT_EQ(document["verdict"], "blocking_call");
  EXPECT_EQ(document["runtime_looks"][1]["active"]["TCPSocketWrap"], 12);
  EXPECT_EQ(document["connections"][0]["outgoing"][0]["open"], 4);
  EXPECT_EQ(document["connections"][0]["states"]["CLOSE_WAIT"], 7);
  EXPECT_EQ(document["databases"][0]["looks"][1]["held"], 2);
  EXPECT_EQ(document["databases"][0]["locks"][0]["holder_idle"], true);
  EXPECT_EQ(document["processes"][1]["voluntary_switches"], 4000);
  EXPECT_EQ(document["processes"][1]["pipes"], 2);
  EXPECT_EQ(document["limits"]["memory"]["limit"], 512'000'000);
  EXPECT_TRUE(document["limits"]["threads"].is_null()) << "none is known";
}

}  // namespace
}  // namespace assay::report
