#include "lab/model/profile_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "lab/model/utc_text.hpp"

namespace assay::model {
namespace {

using json = nlohmann::ordered_json;
using namespace std::chrono_literals;

route a_route(const char* method, const char* path, std::uint64_t requests) {
  route made;
  made.method = method;
  made.path = path;
  made.requests = requests;
  return made;
}

profile example() {
  profile value;
  value.tool_version = "1.2.3";
  value.resolution = "1 s";
  value.sources = {{.path = "a\xff.log",
                    .sha256 = "ab",
                    .format = "combined",
                    .bytes = 1000,
                    .lines = 12,
                    .kept = 10,
                    .clock_anomalies = 1,
                    .rejected = {{"empty line", 2}},
                    .rejected_sample = {{"empty line", "line 3: "}}}};
  route items = a_route("GET", "/items/{id}", 8);
  items.statuses = {{200, 7}, {404, 1}};
  items.query_keys = {{"page", 3}};
  items.placeholders = {
      {.name = "id", .shape = "integer", .distinct = 5, .zipf_exponent = 0.9, .least = -1, .greatest = 9}};
  items.placeholders[0].distinct_capped = true;
  items.placeholders[0].why = "by their form";
  items.latency = durations{.requests = 8, .mean_s = 0.1, .p50_s = 0.05};
  value.routes = {items, a_route("POST", "/orders", 1)};
  value.requests = 10;
  value.other = {{"never found", 1}};
  value.statuses = {{200, 8}, {404, 2}};
  value.response_bytes_p50 = 100;
  value.response_bytes_p99 = 2000.5;
  value.arrival.first = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16) + 5h;
  value.arrival.last = value.arrival.first + 100s;
  value.arrival.requests = 10;
  value.arrival.mean_per_s = 0.1;
  value.arrival.whole_hours = 0;
  value.arrival.dispersion = {{1, 1.5}, {60, 2.5}};
  value.arrival.hour_of_day = std::vector<double>(24, 1);
  value.arrival.zone_minutes = -210;
  value.arrival.worst_minute = std::vector<std::uint64_t>(60, 3);
  value.arrival.hour_of_week = std::vector<double>(168, 1);
  value.arrival.hurst = estimate{.value = 0.7, .low = 0.6, .high = 0.8, .n = 900};
  value.arrival.autocorrelation = {{1, {.value = -0.2, .low = -0.3, .high = -0.1, .n = 32}}};
  value.arrival.gap_cv = estimate{.value = 1.5, .low = 1.25, .high = 1.75, .n = 40};
  value.response_bytes_tail =
      tail_fit{.alpha = {.value = 1.2, .low = 1, .high = 1.5, .n = 120}, .from = 1024, .distance = 0.03125};
  value.session = {.key = "address and user agent", .count = 3, .idle_cut_s = 1800, .requests_mean = 3.3};
  value.session.length_law = "heavier";
  value.session.length_tail = value.response_bytes_tail;
  value.session.paths = {.routes = {"GET /items/{id}", "other"},
                         .entries = {2, 1},
                         .next = {{3, 1}, {2, 0}},
                         .followed = 6,
                         .error = 0.125};
  value.serving.latency = items.latency;
  value.serving.protocols = {{"HTTP/1.1", 10}};
  value.serving.requests_per_connection = 2.5;
  value.errors = {.errors = 1, .bursts = 0, .longest = 1};
  value.notes = {"a note"};
  value.measures = {{.kind = measure_kind::route, .of = "GET /items/{id}", .value = 0.8, .error = 0.1, .freedom = 31}};
  return value;
}

TEST(profile_document, survives_the_round_trip) {
  const std::string text = profile_json(example());
  const auto read = profile_from_json(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(profile_json(*read), text);
  EXPECT_EQ(read->arrival.first, example().arrival.first);
  EXPECT_EQ(read->routes[0].placeholders[0].least, -1);
  EXPECT_EQ(read->routes[0].placeholders[0].why, "by their form");
  EXPECT_EQ(read->routes[0].statuses.at(404), 1U);
  EXPECT_EQ(read->arrival.dispersion.at(60), 2.5);
  EXPECT_EQ(read->arrival.worst_minute, example().arrival.worst_minute);
  EXPECT_EQ(read->measures.at(0).kind, measure_kind::route);
  EXPECT_EQ(read->arrival.autocorrelation.at(1).low, -0.3);
  EXPECT_EQ(read->arrival.hurst->n, 900U);
  EXPECT_EQ(read->session.paths.next.at(1).at(0), 2U);
  EXPECT_EQ(read->session.length_tail->alpha.high, 1.5);
  EXPECT_EQ(read->serving.requests_per_connection, 2.5);
  EXPECT_FALSE(read->serving.upstream);
  EXPECT_EQ(read->routes[0].latency->p50_s, 0.05);
}

TEST(session_paths, end_where_what_came_does_not_go_on) {
  const session_paths paths = example().session.paths;
  EXPECT_DOUBLE_EQ(paths.ends_after(0), 1 - 4.0 / 7) << "came: 2 at the begin, 3 and 2; went on: 3 and 1";
  EXPECT_DOUBLE_EQ(paths.ends_after(1), 0) << "as many went on as came";
}

TEST(profile_document, keys_it_does_not_know_are_ignored) {
  json document = json::parse(profile_json(example()));
  document["later"] = 1;
  document["routes"][0]["later"] = json::object();
  document["measures"].push_back({{"kind", "later"}, {"of", ""}, {"value", 1}, {"error", 1}, {"freedom", 1}});
  const auto read = profile_from_json(document.dump());
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->measures.size(), 1U) << "of a kind that is known";
}

TEST(profile_document, of_an_older_version_lacks_what_came_later) {
  json document = json::parse(profile_json(example()));
  document.erase("measures");
  document["arrivals"].erase("worst_minute");
  document["routes"][0]["placeholders"][0].erase("why");
  document["routes"][0].erase("latency");
  document.erase("service");
  document.erase("response_bytes_tail");
  for (const auto* key : {"hour_of_week", "hurst", "autocorrelation", "gap_cv"}) document["arrivals"].erase(key);
  for (const auto* key : {"think_time_mean_s", "think_time_cv", "requests_p50", "requests_p90", "requests_p99",
                          "length_law", "geometric_distance", "length_tail", "paths"}) {
    document["sessions"].erase(key);
  }
  const auto read = profile_from_json(document.dump());
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->measures.empty());
  EXPECT_TRUE(read->arrival.worst_minute.empty());
  EXPECT_TRUE(read->session.paths.routes.empty());
  EXPECT_FALSE(read->arrival.hurst || read->serving.latency);
}

std::string error_with(const std::string& pointer, const json& value) {
  json document = json::parse(profile_json(example()));
  document[json::json_pointer(pointer)] = value;
  const auto read = profile_from_json(document.dump());
  return read ? "accepted" : read.error();
}

TEST(profile_document, wrong_values_are_refused_by_their_key) {
  EXPECT_EQ(error_with("/requests", "ten"), "requests: expected a whole number, 0 or more, found text");
  EXPECT_EQ(error_with("/routes/1/requests", -1),
            "routes[1].requests: expected a whole number, 0 or more, found the whole number -1");
  EXPECT_EQ(error_with("/routes/0/statuses/200", 1.5),
            "routes[0].statuses.200: expected a whole number, 0 or more, found the number 1.5");
  EXPECT_EQ(error_with("/routes/0/statuses/ok", 1), "routes[0].statuses.ok: expected a number as key");
  EXPECT_EQ(error_with("/routes/0/placeholders/0/name", "x"),
            "routes[0].placeholders[0].name: expected a placeholder of the path /items/{id}");
  EXPECT_EQ(error_with("/routes/0/placeholders/0/least", "x"),
            "routes[0].placeholders[0].least: expected a whole number or null, found text");
  EXPECT_EQ(error_with("/routes/0/path", "items"), "routes[0].path: expected a path that begins with /");
  EXPECT_EQ(error_with("/routes/0", 1), "routes[0]: expected an object, found the whole number 1");
  EXPECT_EQ(error_with("/routes", json::object()), "routes: expected a list, found an object");
  EXPECT_EQ(error_with("/arrivals/mean_per_s", -1), "arrivals.mean_per_s: expected a number, 0 or more");
  EXPECT_EQ(error_with("/arrivals/first", "yesterday"), "arrivals.first: expected a time such as 2026-11-23T08:00:00Z");
  EXPECT_EQ(error_with("/arrivals/last", "2020-01-01T00:00:00Z"),
            "arrivals.last: expected a time after arrivals.first");
  EXPECT_EQ(error_with("/arrivals/hour_of_day", json::array({1, 2})), "arrivals.hour_of_day: expected 24 or none");
  EXPECT_EQ(error_with("/arrivals/worst_minute", json::array({1, 2})), "arrivals.worst_minute: expected 60 or none");
  EXPECT_EQ(error_with("/arrivals/hour_of_week", json::array({1, 2})), "arrivals.hour_of_week: expected 168 or none");
  EXPECT_EQ(error_with("/arrivals/hurst/low", "none"), "arrivals.hurst.low: expected a number, found text");
  EXPECT_EQ(error_with("/arrivals/hurst", 0.5), "arrivals.hurst: expected an object, found the number 0.5");
  EXPECT_EQ(error_with("/sessions/paths/next/0", json::array({1})),
            "sessions.paths.next[0]: expected as many as sessions.paths.routes");
  EXPECT_EQ(error_with("/sessions/paths/next/1", 3), "sessions.paths.next[1]: expected a list");
  EXPECT_EQ(error_with("/sessions/paths/entries", json::array()),
            "sessions.paths.entries: expected as many as sessions.paths.routes");
  EXPECT_EQ(error_with("/service/latency/p99_s", -1), "service.latency.p99_s: expected a number, 0 or more");
  EXPECT_EQ(error_with("/arrivals/worst_minute/7", -1), "arrivals.worst_minute[7]: expected a whole number, 0 or more");
  EXPECT_EQ(error_with("/arrivals/zone_minutes", 1e12),
            "arrivals.zone_minutes: expected a whole number, found the number 1000000000000.0");
  EXPECT_EQ(error_with("/sessions", nullptr), "sessions: expected an object, found null");
  EXPECT_EQ(error_with("/notes/0", 5), "notes[0]: expected text");
  EXPECT_EQ(error_with("/measures/0/error", "x"), "measures[0].error: expected a number, 0 or more, found text");
  EXPECT_EQ(error_with("/requests", 11), "requests: expected the sum of those of routes and other");
}

TEST(profile_document, every_missing_key_is_named) {
  const json whole = json::parse(profile_json(example()));
  for (const auto& [name, value] : whole.items()) {
    if (name == "measures" || name == "service" || name == "response_bytes_tail") continue;  // older ones have none
    json document = whole;
    document.erase(name);
    const auto read = profile_from_json(document.dump());
    ASSERT_FALSE(read) << name;
    EXPECT_THAT(read.error(), testing::AllOf(testing::StartsWith(name + ": expected"), testing::HasSubstr("missing")));
  }
}

TEST(profile_document, other_versions_and_other_files_are_refused) {
  EXPECT_THAT(error_with("/format", "assay.profile/2"), testing::HasSubstr("this assay reads assay.profile/1"));
  EXPECT_THAT(error_with("/format", "assay.load/1"), testing::HasSubstr("is no profile"));
  EXPECT_THAT(error_with("/format", 1), testing::HasSubstr("format: expected text"));
  for (const auto* text : {"", "{", "[]", "17", "{}", "\xff"}) EXPECT_FALSE(profile_from_json(text)) << text;
  EXPECT_FALSE(profile_from_json(std::string(100'000, '[')));
}

TEST(profile_files, are_written_whole_or_not_at_all) {
  const auto folder = std::filesystem::temp_directory_path() / ("profile_test_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = folder / "shop.profile.json";
  std::ofstream(path) << "an old one";
  ASSERT_TRUE(write_profile(path, example()));
  const auto read = read_profile(path);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(profile_json(*read), profile_json(*profile_from_json(profile_json(example()))));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "nothing left behind";

  const std::string nowhere = folder / "none" / "x.json";
  EXPECT_THAT(write_profile(nowhere, example()).error(), testing::StartsWith(nowhere + ": cannot write: No such file"));
  EXPECT_THAT(write_profile(folder, example()).error(), testing::HasSubstr("cannot write"));
  EXPECT_EQ(read_profile(nowhere).error(), nowhere + ": cannot read that file");
  EXPECT_EQ(read_profile(folder).error(), folder.string() + ": cannot read that file");
  std::filesystem::remove_all(folder);
  EXPECT_FALSE(std::filesystem::exists(folder.string() + ".tmp." + std::to_string(::getpid())));
}

TEST(profile_document, every_key_is_documented) {
  std::ifstream file(ASSAY_DOCS "/profile-json.md");
  const std::string documented((std::istreambuf_iterator<char>(file)), {});
  const json whole = json::parse(profile_json(example()));
  const auto expect_rows = [&](const json& object) {
    for (const auto& [name, value] : object.items()) {
      EXPECT_THAT(documented, testing::HasSubstr("\n| `" + name + "` |")) << name;
    }
  };
  expect_rows(whole);
  expect_rows(whole["sources"][0]);
  expect_rows(whole["routes"][0]);
  expect_rows(whole["routes"][0]["placeholders"][0]);
  expect_rows(whole["measures"][0]);
  expect_rows(whole["sessions"]["paths"]);
  expect_rows(whole["response_bytes_tail"]);
  expect_rows(whole["arrivals"]["hurst"]);
  expect_rows(whole["service"]["latency"]);
  for (const auto* section : {"arrivals", "sessions", "service", "errors"}) expect_rows(whole[section]);
}

TEST(utc, text_and_back) {
  const auto at = std::chrono::sys_days(std::chrono::year(2024) / 2 / 29) + 23h + 59min + 58s;
  EXPECT_EQ(utc_text(at), "2024-02-29T23:59:58Z");
  EXPECT_EQ(utc_from_text("2024-02-29T23:59:58Z"), at);
  for (const auto* bad : {"", "2023-02-29T00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29 00:00:00Z",
                          "2024-02-29T00:00:00", "2024-02-29T00:00:00+", "2024-2-29T000:00:00Z"}) {
    EXPECT_FALSE(utc_from_text(bad)) << bad;
  }
}

}  // namespace
}  // namespace assay::model
