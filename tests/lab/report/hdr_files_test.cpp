#include "lab/report/hdr_files.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "lab/report/load_seconds.hpp"
#include "stack/observe/histogram_codec.hpp"

namespace assay::report {
namespace {

using namespace std::chrono_literals;

observe::histogram twenty_two_times() {
  observe::histogram of = observe::histogram::with_defaults();
  for (std::uint64_t i = 1; i <= 20; ++i) of.record(i * 1'000'000 + 123);
  of.record(987'654'321, 2);
  return of;
}

// The buckets, mean, deviation and maximum are those of the reference's Python implementation for these values; the
// levels are those of the Java one, computed apart from this code.
constexpr const char* golden = R"(
       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       3.000 0.100000000000          3           1.11
       5.001 0.200000000000          5           1.25
       7.004 0.300000000000          7           1.43
       9.003 0.400000000000          9           1.67
      11.002 0.500000000000         11           2.00
      13.001 0.550000000000         13           2.22
      14.000 0.600000000000         14           2.50
      15.008 0.650000000000         15           2.86
      16.007 0.700000000000         16           3.33
      17.007 0.750000000000         17           4.00
      18.006 0.775000000000         18           4.44
      18.006 0.800000000000         18           5.00
      19.005 0.825000000000         19           5.71
      19.005 0.850000000000         19           6.67
      20.005 0.875000000000         20           8.00
      20.005 0.887500000000         20           8.89
      20.005 0.900000000000         20          10.00
     987.759 0.912500000000         22          11.43
     987.759 1.000000000000         22
#[Mean    =       99.317, StdDeviation   =      280.921]
#[Max     =      987.759, Total count    =           22]
#[Buckets =           32, SubBuckets     =         2048]
)";

TEST(hgrm, is_what_the_reference_prints) { EXPECT_EQ("\n" + percentile_distribution(twenty_two_times()), golden); }

TEST(hgrm, of_nothing_has_no_row) {
  const std::string text = percentile_distribution(observe::histogram::with_defaults());
  EXPECT_EQ(text,
            "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
            "#[Mean    =        0.000, StdDeviation   =        0.000]\n"
            "#[Max     =        0.000, Total count    =            0]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

// fortio added (v n)^2 to the sum of squares where it should have been n v^2.
TEST(hgrm, a_value_recorded_n_times_deviates_as_n_values) {
  observe::histogram once = observe::histogram::with_defaults();
  observe::histogram each = observe::histogram::with_defaults();
  once.record(1'000'000, 300);
  once.record(5'000'000, 100);
  for (int i = 0; i < 400; ++i) each.record(i < 300 ? 1'000'000 : 5'000'000);
  EXPECT_EQ(percentile_distribution(once), percentile_distribution(each));
  EXPECT_TRUE(percentile_distribution(once).contains("#[Mean    =        2.000, StdDeviation   =        1.732]\n"))
      << percentile_distribution(once);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

model::load_result open_result() {
  model::load_result result;
  result.model = model::load_model::open;
  result.url = "http://a/";
  result.method = "GET";
  result.started = std::chrono::system_clock::time_point(1'700'000'000'250ms);
  result.duration = 2500ms;
  result.latency.response_time = twenty_two_times();
  result.latency.service_time.record(7'000'000);
  return result;
}

TEST(hlog, has_a_line_for_each_time_of_the_run) {
  const std::vector<std::string> lines = lines_of(hlog_file(open_result()));
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_TRUE(lines[0].starts_with("#[assay "));
  EXPECT_EQ(lines[1], "#[Histogram log format version 1.3]");
  EXPECT_EQ(lines[2], "#[StartTime: 1700000000.250 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]");
  EXPECT_EQ(lines[3], "#[BaseTime: 1700000000.250 (seconds since epoch)]");
  EXPECT_EQ(lines[4], "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"");
  EXPECT_TRUE(lines[5].starts_with("0.000,2.500,987.759,HISTFAAAA")) << lines[5];
  EXPECT_TRUE(lines[6].starts_with("Tag=service_time,0.000,2.500,7.000,HISTFAAAA")) << lines[6];
  EXPECT_TRUE(lines[7].starts_with("Tag=send_lag,0.000,2.500,0.000,HISTFAAAA")) << lines[7];
  const auto read = observe::decode_v2_base64(lines[5].substr(lines[5].rfind(',') + 1));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->count(), 22U);
  EXPECT_EQ(read->value_at_quantile(0.5), twenty_two_times().value_at_quantile(0.5));
}

TEST(hlog, has_the_lines_of_each_stage) {
  model::load_result result = open_result();
  result.stages = {{.shape = "1/s", .start_s = 0, .length_s = 1}, {.shape = "2/s", .start_s = 1, .length_s = 1.5}};
  result.stages[1].latency = result.latency;
  const std::vector<std::string> lines = lines_of(hlog_file(result));
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_TRUE(lines[8].starts_with("1.000,1.500,987.759,"));
  result.model = model::load_model::closed;
  EXPECT_EQ(lines_of(hlog_file(result)).size(), 7U) << "the closed model has one time";
}

TEST(second_line, has_units_in_its_keys_and_null_for_what_is_not_known) {
  model::live_second second{.at_s = 3, .length_s = 0.5, .offered = 10, .answered = 9, .errors = {{"closed", 1}}};
  second.response_p50_ms = 1.5;
  second.own_lag_max_ms = 0.25;
  EXPECT_EQ(second_line(second, std::nullopt),
            R"({"at_s":3.0,"length_s":0.5,"offered_requests":10,"requests":9,"offered_rps":20.0,"achieved_rps":18.0,)"
            R"("errors":{"closed":1},"response_time_us":{"p50":1500.0,"p99":null,"max":null},)"
            R"("generator":{"own_lag_max_us":250.0,"cpu_share":null}})"
            "\n");
  EXPECT_TRUE(second_line(second, 0.125).ends_with("\"cpu_share\":0.125}}\n"));
}

model::stream_result messages() {
  model::stream_result result;
  result.kind = model::stream_kind::broadcast;
  result.url = "ws://a/";
  result.started = std::chrono::system_clock::time_point(1'700'000'000'250ms);
  result.duration = 2500ms;
  result.latency.response_time = twenty_two_times();
  result.latency.service_time.record(7'000'000);
  return result;
}

TEST(hgrm, of_messages_is_of_their_response_time_and_of_events_of_their_gaps) {
  EXPECT_EQ(hgrm_file(messages()), percentile_distribution(twenty_two_times()));
  model::stream_result events = messages();
  events.kind = model::stream_kind::events;
  events.gap.record(5'000'000, 3);
  EXPECT_EQ(hgrm_file(events), percentile_distribution(events.gap));
}

TEST(hlog, of_messages_has_the_lines_of_the_run_or_of_each_stage) {
  model::stream_result result = messages();
  const std::vector<std::string> lines = lines_of(hlog_file(result));
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_TRUE(lines[0].ends_with(": broadcast ws://a/]")) << lines[0];
  EXPECT_TRUE(lines[5].starts_with("0.000,2.500,987.759,HISTFAAAA")) << lines[5];
  EXPECT_TRUE(lines[6].starts_with("Tag=service_time,0.000,2.500,7.000,HISTFAAAA")) << lines[6];
  EXPECT_TRUE(lines[7].starts_with("Tag=send_lag,0.000,2.500,0.000,HISTFAAAA")) << lines[7];
  result.stages = {{.shape = "1/s", .start_s = 0, .length_s = 1}, {.shape = "2/s", .start_s = 1, .length_s = 1.5}};
  EXPECT_EQ(lines_of(hlog_file(result)).size(), 11U);
}

TEST(hlog, of_events_has_the_gaps_and_the_time_to_the_first) {
  model::stream_result result = messages();
  result.kind = model::stream_kind::events;
  result.gap = twenty_two_times();
  result.first_event.record(7'000'000);
  const std::vector<std::string> lines = lines_of(hlog_file(result));
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_TRUE(lines[5].starts_with("0.000,2.500,987.759,HISTFAAAA")) << lines[5];
  EXPECT_TRUE(lines[6].starts_with("Tag=first_event,0.000,2.500,7.000,HISTFAAAA")) << lines[6];
}

}  // namespace
}  // namespace assay::report
