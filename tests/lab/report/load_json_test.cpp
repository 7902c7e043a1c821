#include "lab/report/load_json.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "lab/load/recorder.hpp"
#include "stack/observe/histogram_codec.hpp"
#include "tests/lab/report/load_json_test_support.hpp"

namespace assay::report {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using keys = std::set<std::string>;

json document_of(const model::load_result& result) { return json::parse(load_json(result)); }

keys keys_of(const json& object) {
  keys found;
  for (const auto& [key, value] : object.items()) found.insert(key);
  return found;
}

TEST(load_json, holds_the_result) {
  const json document = document_of(open_result());
  const json expected = {
      {"format", "assay.load/1"},
      {"tool_version", ASSAY_VERSION},
      {"verdict", "VALID"},
      {"reasons", json::array()},
      {"offered_rps", 160.5},
      {"achieved_rps", 160.25},
      {"good_rps", 159.5},
      {"collapsed", false},
      {"started_unix_s", 1'700'000'000.5},
      {"requests", 400},
      {"errors", {{"status_5xx", 2}, {"timed_out", 1}}},
      {"gates", json::array({json{{"gate", "p99<50ms"},
                                  {"met", true},
                                  {"measured", "3.96ms"},
                                  {"interval_us", {3900.0, 4000.0}},
                                  {"proven", true}}})},
      {"steady",
       {{"from_s", 2.5},
        {"before", 3.0},
        {"drift", nullptr},
        {"response_time_us", nullptr},
        {"response_interval_us", nullptr}}},
      {"url", "http://127.0.0.1:8080/"},
      {"method", "GET"},
      {"model", "open"},
      {"arrivals", "poisson"},
      {"seed", 7},
      {"connections", 64},
      {"threads", 2},
      {"duration_s", 2.5},
      {"interrupted", false},
      {"offered_requests", 401},
      {"received_bytes", 12'345},
      {"connects", 65},
      {"resent", 3},
      {"redirects", 4},
      {"waited_for_connection", 12},
      {"touched_by_stalls", json::array({json{{"of", "p99.9"}, {"measured_us", 200000.0}, {"least_us", 5000.0}}})},
      {"arrivals_seen",
       {{"gaps", 200},
        {"ks_distance", 0.03},
        {"ks_distance_by_chance", 0.096},
        {"tolerance_us", 500.0},
        {"gaps_off_share", 0.005},
        {"spans", 0},
        {"span_us", nullptr},
        {"spans_off_share", nullptr},
        {"offered_share", 0.998}}},
      {"generator",
       {{"io", "epoll"},
        {"cpu_share", 0.25},
        {"cpu_wait_share", 0.5},
        {"spun_share", 0.125},
        {"cpu_per_request_us", 4.5},
        {"own_lag_p99_us", 1.5},
        {"own_lag_max_us", 2.5},
        {"stalls", 2},
        {"longest_stall_us", 203000.0},
        {"stalled_share", 0.125},
        {"stalled_requests", 9},
        {"stamped_answers", 0},
        {"own_limits", 0},
        {"little_residual", 0.001}}}};
  for (const auto& [key, value] : expected.items()) EXPECT_EQ(document[key], value) << key;
}

TEST(load_json, is_json_whatever_bytes_the_arguments_had) {
  model::load_result result = open_result();
  result.url = "http://127.0.0.1:8080/\xff\xfe\x1b";
  EXPECT_EQ(json::parse(load_json(result)).at("url"), "http://127.0.0.1:8080/\ufffd\ufffd\x1b");
}

TEST(load_json, the_verdict_comes_before_any_number) {
  const std::string text = load_json(open_result());
  EXPECT_LT(text.find("\"verdict\""), text.find("\"offered_rps\""));
  EXPECT_LT(text.find("\"reasons\""), text.find("\"offered_rps\""));
  EXPECT_TRUE(text.ends_with("}\n"));
}

TEST(load_json, an_invalid_run_says_why) {
  model::load_result result = open_result();
  result.valid = false;
  result.reasons = {"generator late", "generator out of CPU"};
  const json document = document_of(result);
  EXPECT_EQ(document["verdict"], "INVALID");
  EXPECT_EQ(document["reasons"], json({"generator late", "generator out of CPU"}));
}

TEST(load_json, percentiles_are_in_microseconds_and_null_where_the_samples_do_not_support_them) {
  const json document = document_of(open_result());
  const json& response = document["response_time_us"];
  EXPECT_EQ(response["count"], 400);
  EXPECT_DOUBLE_EQ(response["mean"], 2'005.0);
  EXPECT_DOUBLE_EQ(response["max"], 4'000.0);
  for (const auto& [key, exact] : {std::pair{"p50", 2'000.0}, {"p90", 3'600.0}, {"p95", 3'800.0}, {"p99", 3'960.0}}) {
    EXPECT_GE(response[key].get<double>(), exact) << key;
    EXPECT_LE(response[key].get<double>(), exact * 1.001) << key;
  }
  EXPECT_TRUE(response["p99.9"].is_null()) << "needs 3688 samples";
  EXPECT_TRUE(response["p99.99"].is_null());
  EXPECT_DOUBLE_EQ(document["service_time_us"]["max"], 400.0);
  const json& lag = document["send_lag_us"];
  EXPECT_DOUBLE_EQ(lag["max"], 0.5);
  for (const char* key : {"p50", "p90", "p95", "p99", "p99.9", "p99.99"}) EXPECT_TRUE(lag[key].is_null()) << key;
}

TEST(load_json, with_enough_samples_every_percentile_is_a_number_and_none_passes_the_maximum) {
  model::load_result result = open_result();
  result.latency.response_time.record(123'456'789, 40'000);
  const json document = document_of(result);
  const json& response = document["response_time_us"];
  for (const char* key : {"p50", "p90", "p95", "p99", "p99.9", "p99.99"}) {
    ASSERT_TRUE(response[key].is_number()) << key;
    EXPECT_LE(response[key], response["max"]) << key;
  }
}

TEST(load_json, without_samples_there_are_no_numbers) {
  model::load_result result = open_result();
  result.latency = {};
  const json document = document_of(result);
  for (const char* summary : {"response_time_us", "expected_response_time_us", "service_time_us", "send_lag_us"}) {
    for (const auto& [key, value] : document[summary].items()) {
      if (key == "count") {
        EXPECT_EQ(value, 0);
      } else {
        EXPECT_TRUE(value.is_null()) << summary << "." << key;
      }
    }
  }
}

TEST(load_json, a_closed_model_has_no_offered_load) {
  model::load_result result = open_result();
  result.model = model::load_model::closed;
  result.offered_rps.reset();
  const json document = document_of(result);
  EXPECT_EQ(document["model"], "closed");
  for (const char* key : {"offered_rps", "offered_requests", "arrivals"}) {
    ASSERT_TRUE(document.contains(key)) << key;
    EXPECT_TRUE(document[key].is_null()) << key;
  }
}

TEST(load_json, sessions_say_what_became_of_them) {
  model::load_result result = open_result();
  result.model = model::load_model::partly_open;
  result.sessions[0].time.record(2'000'000, 5);
  result.sessions[0].arrivals = model::arrival_law::poisson;
  result.sessions[0].arrivals_seen = model::arrival_fit{.gaps = 4};
  const json document = document_of(result);
  EXPECT_EQ(document["model"], "partly-open");
  EXPECT_EQ(document["offered_requests"], 401);
  json row = document["sessions"][0];
  EXPECT_EQ(row["session_time_us"]["max"], 2000.0);
  row.erase("session_time_us");
  EXPECT_EQ(row["arrivals_seen"]["gaps"], 4);
  row.erase("arrivals_seen");
  EXPECT_EQ(row, json({{"scenario", "buy"},
                       {"offered_per_s", 2.0},
                       {"arrivals", "poisson"},
                       {"offered_sessions", 9},
                       {"started", 8},
                       {"finished", 5},
                       {"abandoned", 1},
                       {"cut", 2},
                       {"waited", 3},
                       {"most_at_once", 4}}));
}

TEST(load_json, a_burst_says_when_it_was_over_or_why_that_is_not_known) {
  model::load_result result = open_result();
  EXPECT_EQ(document_of(result)["stages"][0]["burst"], json({{"level_p99_us", 2000.0},
                                                             {"back_from_s", 3.0},
                                                             {"back_until_s", 4.0},
                                                             {"watched_s", 20.0},
                                                             {"why_not", nullptr}}));
  result.stages[0].burst = model::burst_return{.watched_s = 20, .why_not = "not back"};
  const json unknown = document_of(result)["stages"][0]["burst"];
  EXPECT_TRUE(unknown["level_p99_us"].is_null());
  EXPECT_TRUE(unknown["back_until_s"].is_null());
  EXPECT_EQ(unknown["why_not"], "not back");
  result.stages[0].burst.reset();
  EXPECT_TRUE(document_of(result)["stages"][0]["burst"].is_null());
}

TEST(load_json, several_requests_have_a_row_each_and_no_method) {
  model::load_result result = open_result();
  result.method.clear();
  const json document = document_of(result);
  EXPECT_TRUE(document["method"].is_null());
  EXPECT_EQ(document["routes"][0]["route"], "GET /a");
  EXPECT_EQ(document["routes"][0]["share"], 0.75);
}

TEST(load_json, the_histograms_decode_to_the_same_counts) {
  const model::load_result result = open_result();
  const json document = document_of(result);
  for (const auto& [key, source] : {std::pair{"response_time", &result.latency.response_time},
                                    {"service_time", &result.latency.service_time},
                                    {"send_lag", &result.latency.send_lag}}) {
    const auto decoded = observe::decode_v2_base64(document["histograms_ns_v2"][key].get<std::string>());
    ASSERT_TRUE(decoded) << key << ": " << observe::describe(decoded.error());
    EXPECT_TRUE(std::ranges::equal(decoded->counts(), source->counts())) << key;
  }
}

// docs/load-json.md: a heading names the objects (in backticks) whose keys the table below it lists.
std::map<std::string, keys> documented() {
  std::ifstream file(ASSAY_DOCS "/load-json.md");
  EXPECT_TRUE(file.is_open());
  const auto names_in = [](const std::string& text) {
    keys names;
    for (std::size_t from = text.find('`'); from != std::string::npos;) {
      const std::size_t to = text.find('`', from + 1);
      names.insert(text.substr(from + 1, to - from - 1));
      from = text.find('`', to + 1);
    }
    return names;
  };
  std::map<std::string, keys> objects;
  keys current;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) current = names_in(line);
    if (!line.starts_with("| `")) continue;
    const keys first_cell = names_in(line.substr(0, line.find('|', 1)));
    for (const std::string& object : current) objects[object].insert(first_cell.begin(), first_cell.end());
  }
  return objects;
}

TEST(load_json, every_key_is_documented_and_every_documented_key_is_there) {
  const json document = document_of(open_result());
  std::map<std::string, keys> actual = {{"document", keys_of(document)}};
  for (const auto& [key, value] : document.items()) {
    if (value.is_object()) actual[key] = keys_of(value);
    if (value.is_array() && !value.empty()) actual[key] = keys_of(value.front());
  }
  actual["burst"] = keys_of(document["stages"][0]["burst"]);
  keys& kinds = actual["errors"];
  kinds.clear();
  for (std::size_t kind = 0; kind < load::failure_kinds; ++kind) {
    kinds.insert(std::string(load::label(static_cast<load::failure_kind>(kind))));
  }
  EXPECT_EQ(actual, documented());
}

}  // namespace
}  // namespace assay::report
