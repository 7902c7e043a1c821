#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "lab/report/stream_json.hpp"
#include "lab/report/stream_text.hpp"

namespace assay::report {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using keys = std::set<std::string>;

model::stream_result broadcast() {
  model::stream_result result;
  result.valid = true;
  result.url = "ws://127.0.0.1:8080/chat";
  result.kind = model::stream_kind::broadcast;
  result.seed = 7;
  result.connections = 50;
  result.duration = 2s;
  result.open_at_end = 49;
  result.connects = 51;
  result.reconnects = 1;
  result.lost_connections = {{"closed", 2}};
  result.offered_rate = 10;
  result.achieved_rate = 494.5;
  result.due = 20;
  result.sent = 20;
  result.received = 990;
  result.reach = 0.99;
  result.surplus = 3;
  result.errors = {{"timed_out", 10}};
  for (std::uint64_t i = 1; i <= 990; ++i) {
    result.latency.response_time.record(i * 10'000);
    result.latency.service_time.record(i * 9'000);
  }
  result.latency.send_lag.record(500);
  result.connect_time.record(100'000);
  result.answer_time.record(300'000);
  result.bytes_received = 54'321;
  result.generator = {.cpu_share = 0.25, .cpu_per_request_ns = 4'500};
  result.bytes_per_connection = 3210;
  result.io_backend = "epoll";
  return result;
}

model::stream_result events() {
  model::stream_result result;
  result.kind = model::stream_kind::events;
  result.reasons = {"why", "and why"};
  result.url = "http://127.0.0.1/feed";
  result.connections = 3;
  result.duration = 2s;
  result.events = 12;
  result.first_event.record(1'000'000);
  result.gap.record(250'000'000);
  result.longest_silence_ns = 500'000'000;
  return result;
}

TEST(stream_text, a_broadcast_verdict_first) {
  EXPECT_EQ(stream_text(broadcast()),
            "VALID\n"
            "broadcast ws://127.0.0.1:8080/chat: 2.0s, 50 connections, open model, constant arrivals, seed 7\n"
            "                     mean      p50      p90      p99    p99.9      max\n"
            "  connect           100us        -        -        -        -    100us\n"
            "  handshake         300us        -        -        -        -    300us\n"
            "  delivery         4.96ms   4.95ms   8.91ms   9.81ms        -   9.90ms\n"
            "  service time     4.46ms   4.46ms   8.02ms   8.83ms        -   8.91ms\n"
            "  send lag         0.50us        -        -        -        -   0.50us\n"
            "  20 messages sent, 990 received, reach 99%, 3 more than once, late or elsewhere\n"
            "  errors: timed_out 10\n"
            "  connections lost or not opened: closed 2\n"
            "  49 open at the end, opened 51 times, 1 again; 54.32kB read\n"
            "  generator: 25.0% of a CPU, 4.50us each message sent or received, 3210 bytes a connection\n"
            "offered 10.00 messages/s, received 494.50/s\n");
}

model::stream_result in_stages() {
  model::stream_result result = broadcast();
  result.stages = {{.shape = "10/s", .length_s = 1.5, .planned_rps = 10, .offered = 15, .sent = 15, .answered = 750},
                   {.shape = "10..20/s", .start_s = 1.5, .length_s = 0.5, .planned_rps = 15, .offered = 8, .sent = 7}};
  result.stages[0].latency.response_time.record(2'000'000, 750);
  result.stages[1].answered = 340;
  result.stages[1].errors = {{"connect", 50}, {"timed_out", 10}};
  result.stages[1].own_lag_p99_ns = 30'000;
  result.stages[1].burst = {.level_p99_ms = 2, .back_from_s = 1, .back_until_s = 2, .watched_s = 9};
  return result;
}

TEST(stream_text, a_line_a_stage) {
  EXPECT_TRUE(stream_text(in_stages())
                  .contains("  from   planned             due    sent received errors     p50     p99     max\n"
                            "  0s     10/s                 15      15      750      0  2.00ms  2.00ms  2.00ms\n"
                            "  1.5s   10..20/s              8       7      340     60       -       -       -\n"))
      << stream_text(in_stages());
  EXPECT_TRUE(stream_text(in_stages())
                  .contains("  burst 10..20/s until 2s: back to the level of before (p99 2.00ms) within 1 to 2 s\n"));
  EXPECT_FALSE(stream_text(broadcast()).contains("planned"));
}

TEST(stream_json, each_stage_by_itself) {
  const json said = json::parse(stream_json(in_stages()))["stages"];
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0]["response_time_us"]["p50"], 2000);
  EXPECT_EQ(said[1]["shape"], "10..20/s");
  EXPECT_EQ(said[1]["start_s"], 1.5);
  EXPECT_EQ(said[1]["planned_per_s"], 15);
  EXPECT_EQ(said[1]["due"], 8);
  EXPECT_EQ(said[1]["sent"], 7);
  EXPECT_EQ(said[1]["received"], 340);
  EXPECT_EQ(said[1]["errors"], (json{{"connect", 50}, {"timed_out", 10}}));
  EXPECT_EQ(said[1]["own_lag_p99_us"], 30);
  EXPECT_TRUE(said[0]["burst"].is_null());
  EXPECT_EQ(said[1]["burst"]["back_until_s"], 2);
  EXPECT_EQ(json::parse(stream_json(broadcast()))["stages"], json::array());
}

model::quantile_interval around(double quantile, double ns) {
  return {.quantile = quantile, .within = {.low_ns = ns - 50'000, .high_ns = ns + 50'000}, .effective_samples = 21};
}

model::stream_result with_arrivals() {
  model::stream_result result = broadcast();
  result.arrivals_seen =
      model::arrival_fit{.gaps = 10, .tolerance_ns = 500'000, .gaps_off = 0.1, .offered_share = 0.995};
  return result;
}

TEST(stream_text, whether_messages_went_out_as_they_were_to) {
  EXPECT_TRUE(
      stream_text(with_arrivals())
          .contains("\n  arrivals: 10 % of 10 gaps differ from constant ones by more than 500us and a quarter of "
                    "the mean\n"))
      << stream_text(with_arrivals());
}

TEST(stream_json, whether_messages_went_out_as_they_were_to) {
  const json said = json::parse(stream_json(with_arrivals()))["messages"]["arrivals_seen"];
  EXPECT_EQ(said["gaps"], 10);
  EXPECT_EQ(said["gaps_off_share"], 0.1);
  EXPECT_EQ(said["offered_share"], 0.995);
  EXPECT_TRUE(said["ks_distance"].is_null());
}

TEST(stream_text, between_which_bounds_and_since_when) {
  model::stream_result result = broadcast();
  result.intervals = {.mean = model::time_interval{.low_ns = 4'900'000, .high_ns = 5'000'000},
                      .quantiles = {around(0.5, 4'950'000)}};
  result.steady = model::steadiness{.from_s = 0.5, .before = 3, .since = result.latency.response_time};
  const std::string text = stream_text(result);
  EXPECT_TRUE(
      text.contains("  delivery         4.96ms   4.95ms   8.91ms   9.81ms        -   9.90ms\n"
                    "    95 % from      4.90ms   4.90ms        -        -        -\n"
                    "    95 % to        5.00ms   5.00ms        -        -        -\n"
                    "  service time "))
      << text;
  EXPECT_TRUE(
      text.contains("  steady from 0.5s on; until then the typical delivery took 3 times as long, and the times "
                    "above are of both\n"
                    "  from 0.5s on     4.96ms "))
      << text;
}

TEST(stream_text, between_which_bounds_in_each_stage) {
  model::stream_result result = in_stages();
  result.stages[0].intervals.emplace().quantiles = {around(0.5, 2'000'000)};
  result.stages.push_back(result.stages[0]);
  result.stages[2].intervals.emplace();
  const std::string text = stream_text(result);
  EXPECT_TRUE(text.contains("2.00ms\n    95 %: p50 1.95ms to 2.05ms, p99 not estimable; worth 21 samples\n  1.5s "))
      << text;
  EXPECT_TRUE(text.contains("\n    95 %: not estimable from 750 messages\n")) << text;
}

TEST(stream_json, between_which_bounds_and_since_when) {
  model::stream_result result = in_stages();
  result.intervals.quantiles = {around(0.5, 4'950'000)};
  result.steady = model::steadiness{};
  result.stages[0].intervals.emplace();
  const json said = json::parse(stream_json(result));
  EXPECT_EQ(said["messages"]["response_interval_us"]["p50"], (json{4'900, 5'000}));
  EXPECT_EQ(said["messages"]["response_interval_us"]["effective_samples"], 21);
  EXPECT_TRUE(said["messages"]["response_interval_us"]["mean"].is_null());
  EXPECT_EQ(said["messages"]["steady"]["from_s"], 0);
  EXPECT_TRUE(said["messages"]["steady"]["drift"].is_null());
  EXPECT_TRUE(said["stages"][0]["response_interval_us"]["p50"].is_null());
  EXPECT_TRUE(said["stages"][1]["response_interval_us"].is_null()) << "it ramps";
}

model::stream_result stalled() {
  model::stream_result result = in_stages();
  result.stalls = {.count = 2,
                   .longest_ns = 80'000'000,
                   .touched_requests = 7,
                   .touched = {{.quantile = 0.999, .measured_ns = 90e6, .least_ns = 15e6}}};
  return result;
}

TEST(stream_text, what_the_generators_own_stalls_can_have_made) {
  EXPECT_TRUE(
      stream_text(stalled()).contains("\n  the generator itself stalled, 2x, for up to 80.0ms: p99.9 can be its own; "
                                      "without it p99.9 is 15.0ms or more\n"))
      << stream_text(stalled());
  EXPECT_FALSE(stream_text(broadcast()).contains("stalled"));
}

TEST(stream_json, what_the_generators_own_stalls_can_have_made) {
  const json said = json::parse(stream_json(stalled()));
  EXPECT_EQ(said["generator"]["stalls"], 2);
  EXPECT_EQ(said["generator"]["longest_stall_us"], 80'000);
  EXPECT_EQ(said["generator"]["stalled_messages"], 7);
  ASSERT_EQ(said["touched_by_stalls"].size(), 1U);
  const json& touched = said["touched_by_stalls"][0];
  EXPECT_EQ(touched["of"], "p99.9");
  EXPECT_EQ(touched["measured_us"], 90'000);
  EXPECT_EQ(touched["least_us"], 15'000);
}

TEST(stream_text, events) {
  EXPECT_EQ(stream_text(events()),
            "INVALID: why; and why\n"
            "events of http://127.0.0.1/feed: 2.0s, 3 connections\n"
            "                     mean      p50      p90      p99    p99.9      max\n"
            "  connect               -        -        -        -        -        -\n"
            "  first byte            -        -        -        -        -        -\n"
            "  first event      1.00ms        -        -        -        -   1.00ms\n"
            "  gap               250ms        -        -        -        -    250ms\n"
            "  12 events, longest silence 500ms\n"
            "  0 open at the end, opened 0 times, 0 again; 0B read\n"
            "  generator: 0.0% of a CPU\n");
}

TEST(stream_text, the_spectra_where_they_are_asked_for) {
  const std::string said = stream_text(broadcast(), {.spectrum = true});
  EXPECT_TRUE(said.contains("\n  delivery: detailed percentile spectrum\n   Value(ms) ")) << said;
  EXPECT_TRUE(said.contains("\n#[Mean = 4.955, Max = 9.900, Total count = 990]\n\n  service time: detailed")) << said;
  EXPECT_TRUE(said.contains("\n#[Mean = 4.460, Max = 8.910, Total count = 990]\n\n  20 messages sent")) << said;
  const std::string heard = stream_text(events(), {.spectrum = true});
  EXPECT_TRUE(heard.contains("\n  first event: detailed percentile spectrum\n")) << heard;
  EXPECT_TRUE(heard.contains("\n  gap: detailed percentile spectrum\n")) << heard;
  EXPECT_FALSE(heard.contains("service time"));
  EXPECT_FALSE(stream_text(broadcast()).contains("spectrum"));
}

TEST(stream_text, between_which_bounds_gaps_are) {
  model::stream_result result = events();
  result.intervals = {.mean = model::time_interval{.low_ns = 240e6, .high_ns = 260e6}, .quantiles = {}, .from_s = 0.5};
  result.steady = model::steadiness{.from_s = 1, .before = 2};
  EXPECT_TRUE(
      stream_text(result).contains("  gap               250ms        -        -        -        -    250ms\n"
                                   "    95 % from       240ms        -        -        -        -\n"
                                   "    95 % to         260ms        -        -        -        -\n"
                                   "    95 % are of the run from 0.5s on: until then the load grew\n"
                                   "  steady from 1s on; until then the typical gap took 2 times as long, and"))
      << stream_text(result);
  const json said = json::parse(stream_json(result))["events"];
  EXPECT_EQ(said["gap_interval_us"]["mean"], (json{240'000, 260'000}));
  EXPECT_EQ(said["gap_interval_us"]["from_s"], 0.5);
  EXPECT_EQ(said["steady"]["before"], 2);
}

TEST(stream_text, silences_that_had_not_ended_are_told_beside_the_gaps) {
  model::stream_result result = events();
  result.open_gap.record(200'000'000, 2);
  EXPECT_FALSE(stream_text(result).contains("silent at the end")) << "within the pace of the stream";
  result.open_gap.record(1'900'000'000);
  EXPECT_TRUE(stream_text(result).contains(
      "  12 events, longest silence 500ms\n"
      "  1 of 3 streams were silent at the end for longer than any gap above, up to 1.90s\n"))
      << stream_text(result);
  const json told = json::parse(stream_json(result))["events"]["open_gap_us"];
  EXPECT_EQ(told["count"], 3);
  EXPECT_EQ(told["max"], 1'900'000);
}

TEST(stream_json, what_was_not_measured_is_null) {
  const json said = json::parse(stream_json(broadcast()));
  EXPECT_TRUE(said["events"].is_null());
  EXPECT_EQ(said["messages"]["reach"], 0.99);
  EXPECT_EQ(said["messages"]["errors"], (json{{"timed_out", 10}}));
  EXPECT_TRUE(said["messages"]["response_time_us"]["p99.9"].is_null());
  EXPECT_EQ(said["generator"]["bytes_per_connection"], 3210);
  const json heard = json::parse(stream_json(events()));
  EXPECT_TRUE(heard["messages"].is_null());
  EXPECT_EQ(heard["verdict"], "INVALID");
  EXPECT_EQ(heard["events"]["gap_us"]["max"], 250'000);
  EXPECT_TRUE(heard["generator"]["bytes_per_connection"].is_null());
}

keys keys_of(const json& object) {
  keys names;
  for (const auto& [key, value] : object.items()) names.insert(key);
  return names;
}

// docs/load-streams.md: a heading names the objects (in backticks) whose keys the table below it lists.
std::map<std::string, keys> documented() {
  std::ifstream file(ASSAY_DOCS "/load-streams.md");
  EXPECT_TRUE(file.is_open());
  std::map<std::string, keys> objects;
  std::string current;
  for (std::string line; std::getline(file, line);) {
    const std::size_t from = line.find('`');
    const std::string name =
        from == std::string::npos ? "" : line.substr(from + 1, line.find('`', from + 1) - from - 1);
    if (line.starts_with("## `")) current = name;
    if (line.starts_with("| `") && !current.empty()) objects[current].insert(name);
  }
  return objects;
}

TEST(stream_json, every_key_is_documented_and_every_documented_key_is_there) {
  json document = json::parse(stream_json(stalled()));
  document["events"] = json::parse(stream_json(events()))["events"];
  std::map<std::string, keys> actual = {{"document", keys_of(document)}};
  for (const char* object : {"connect_time_us", "messages", "events", "generator", "histograms_ns_v2"}) {
    actual[object] = keys_of(document[object]);
  }
  for (const char* list : {"stages", "touched_by_stalls"}) actual[list] = keys_of(document[list][0]);
  actual["burst"] = keys_of(document["stages"][1]["burst"]);
  EXPECT_EQ(actual, documented());
}

}  // namespace
}  // namespace assay::report
