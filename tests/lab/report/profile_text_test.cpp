#include "lab/report/profile_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/report/profile_html.hpp"
#include "lab/report/route_explanation.hpp"

namespace assay::report {
namespace {

using testing::HasSubstr;
using testing::Not;

model::route a_route(const std::string& path, std::uint64_t requests) {
  model::route made;
  made.method = "GET";
  made.path = path;
  made.requests = requests;
  return made;
}

model::profile example() {
  model::profile profile;
  profile.requests = 1000;
  model::route items = a_route("/items/{id}", 500);
  items.statuses = {{200, 490}, {404, 10}};
  items.placeholders = {
      {.name = "id", .shape = "integer", .distinct = 12, .zipf_exponent = 0.9, .least = 1, .greatest = 40}};
  items.response_bytes_p50 = 312;
  profile.routes = {items};
  profile.other = {{"never found", 500}};
  profile.statuses = {{200, 490}, {404, 510}};
  profile.sources.resize(1);
  profile.sources[0].path = "a.log";
  profile.sources[0].sha256 = "0123456789abcdef";
  profile.sources[0].format = "combined";
  profile.sources[0].lines = 1005;
  profile.sources[0].kept = 1000;
  profile.sources[0].rejected = {{"empty line", 5}};
  profile.sources[0].rejected_sample = {{"empty line", "line 7: "}};
  profile.arrival.mean_per_s = 1;
  profile.arrival.dispersion = {{1, 1.02}};
  return profile;
}

TEST(portrait, routes_have_a_share_with_its_interval) {
  const std::string text = profile_text(example());
  // Wilson's interval of 500 in 1000, as published tables have it.
  EXPECT_THAT(text, HasSubstr("GET /items/{id}                     50.00 %  46.91-53.09"));
  EXPECT_THAT(text, HasSubstr("2xx 98 %, 4xx 2 %"));
  EXPECT_THAT(text, HasSubstr("never found                         50.00 %"));
  EXPECT_THAT(text, HasSubstr("{id} of GET /items/{id}: 12 integer values 1 to 40, Zipf 0.90"));
  EXPECT_THAT(text, HasSubstr("1.02 at 1 s"));
}

TEST(portrait, warns_on_top_above_one_percent_rejected) {
  model::profile profile = example();
  EXPECT_THAT(profile_text(profile), Not(HasSubstr("WARNING")));
  EXPECT_THAT(profile_text(profile), HasSubstr("rejected 5: empty line; line 7: "));
  profile.sources[0].lines = 1050;
  EXPECT_THAT(profile_text(profile), testing::StartsWith("WARNING: a.log: 50 of 1,050 lines were rejected (4.8 %)\n"));
  profile.sources[0].lines = 1000;
  profile.sources[0].clock_anomalies = 3;
  EXPECT_THAT(profile_text(profile), HasSubstr("WARNING: a.log: the clock went back by more than 60 s on 3 lines"));
}

TEST(portrait, draws_a_day_when_it_saw_one) {
  model::profile profile = example();
  EXPECT_THAT(profile_text(profile), Not(HasSubstr("day  ")));
  profile.arrival.hour_of_day = std::vector<double>(24, 0.0);
  profile.arrival.hour_of_day[23] = 24;
  profile.arrival.zone_minutes = -210;
  EXPECT_THAT(profile_text(profile), HasSubstr("▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█  0 h to 24 h (-03:30)"));
}

// What only longer logs, or some formats, have.
model::profile a_rich_one() {
  model::profile profile = example();
  const model::estimate about{.value = 0.75, .low = 0.7, .high = 0.8, .n = 900};
  profile.arrival.hour_of_day = std::vector<double>(24, 1);
  profile.arrival.hour_of_week = std::vector<double>(168, 1);
  profile.arrival.peak_to_mean = {{1, 4}};
  profile.arrival.hurst = about;
  profile.arrival.autocorrelation = {{1, {.value = -0.25, .low = -0.3, .high = -0.2, .n = 32}}};
  profile.arrival.gap_cv = model::estimate{.value = 1.5, .low = 1.4, .high = 1.6, .n = 40};
  profile.response_bytes_tail = model::tail_fit{.alpha = about, .from = 20'000, .distance = 0.03};
  profile.session.count = 300;
  profile.session.key = "address and user agent";
  profile.session.requests_mean = 4;
  profile.session.requests_p99 = 31;
  profile.session.think_time_mean_s = 12;
  profile.session.length_law = "heavier";
  profile.session.length_tail = model::tail_fit{.alpha = about, .from = 9, .distance = 0.2};
  profile.session.paths = {
      .routes = {"GET /items/{id}", "other"}, .entries = {3, 1}, .next = {{6, 2}, {1, 0}}, .followed = 9, .error = 0.1};
  const model::durations times{
      .requests = 1000, .mean_s = 0.02, .p50_s = 0.0125, .p90_s = 0.03, .p99_s = 0.4, .p999_s = 1};
  profile.serving.latency = profile.serving.upstream = profile.routes[0].latency = times;
  profile.serving.in_flight_mean = 0.02;
  profile.serving.in_flight_busiest_hour = 0.5;
  profile.serving.sized_requests = 1000;
  profile.serving.protocols = {{"HTTP/1.1", 1000}};
  profile.serving.requests_per_connection = 2.5;
  return profile;
}

TEST(portrait, says_how_arrivals_sessions_and_answers_behave) {
  const std::string text = profile_text(a_rich_one());
  EXPECT_THAT(text,
              HasSubstr("memory    Hurst exponent 0.75 (0.70 to 0.80), 0.5 is none; a second with the next -0.25\n"));
  EXPECT_THAT(text, HasSubstr("gaps      deviation over mean 1.50 (1.40 to 1.60), 1 is Poisson\n"));
  EXPECT_THAT(text, HasSubstr("; from 20kB on a power law, 0.75 (0.70 to 0.80)\n"));
  EXPECT_THAT(text, HasSubstr("p99 31 requests, heavier than geometric\n")) << "a tail that does not fit is none";
  EXPECT_THAT(text, HasSubstr("          begin at GET /items/{id} (75 %), other (25 %)\n"));
  EXPECT_THAT(text,
              HasSubstr("latency   p50 12.5 ms, p90 30 ms, p99 400 ms, mean 20 ms; in flight 0.02, in the busiest "
                        "hour 0.5\nupstream  p50 12.5 ms"));
  for (const auto* none : {"memory", "gaps ", "power law", "begin at", "latency", "upstream"}) {
    EXPECT_THAT(profile_text(example()), Not(HasSubstr(none)));
  }
}

TEST(portrait, fits_on_a_screen) {
  model::profile profile = a_rich_one();
  for (int i = 0; i < 100; ++i) {
    profile.routes.push_back(a_route("/" + std::string(200, 'x') + std::to_string(i), 1));
  }
  const std::string text = profile_text(profile);
  EXPECT_LE(std::ranges::count(text, '\n'), 40);
  EXPECT_THAT(text, HasSubstr("87 more routes"));
}

TEST(portrait, of_nothing) { EXPECT_THAT(profile_text({}), HasSubstr("0 requests")); }

TEST(explanation, says_what_was_folded_and_why) {
  model::profile profile = example();
  profile.routes[0].placeholders[0].why = "12 words: never found, beside values that were";
  profile.routes[0].placeholders[0].top_tenth_share = 0.4;
  profile.routes[0].query_keys = {{"page", 30}};
  const auto route = find_route(profile, "GET /items/{whatever}");
  ASSERT_TRUE(route.has_value()) << route.error();
  const std::string text = route_explanation(profile, **route);
  EXPECT_THAT(text, HasSubstr("GET /items/{id}: 500 requests, 50.00 % (46.91 to 53.09) of the log\n"));
  EXPECT_THAT(text, HasSubstr("  {id}: 12 values of shape integer, 1 to 40, popularity by rank ~ rank^-0.90; the most "
                              "popular tenth gets 40 % of the requests\n"));
  EXPECT_THAT(text, HasSubstr("    values, not words: 12 words: never found, beside values that were\n"));
  EXPECT_THAT(text, HasSubstr("carry them: page (30)\n"));
  EXPECT_THAT(text, Not(HasSubstr("  paths")));
}

TEST(explanation, quotes_the_commonest_paths_of_a_log) {
  model::profile profile = example();
  profile.routes[0].path = "/items/{id}/{file}.css";
  profile.routes[0].placeholders.emplace_back().name = "file";
  model::log_samples seen;
  for (const char* id : {"7", "3", "7", "1", "2", "4", "5"}) {
    seen["GET /items/{id}/{file}.css"].requests.push_back({.values = {id, "a"}, .query = "?token=secret"});
  }
  const std::string text = route_explanation(profile, profile.routes[0], seen);
  EXPECT_THAT(text,
              HasSubstr("  paths, of 7 answered requests taken at random: /items/7/a.css (2), /items/1/a.css (1), "
                        "/items/2/a.css (1), /items/3/a.css (1), /items/4/a.css (1), 1 more\n"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

TEST(explanation, of_a_route_that_is_not_there_names_the_nearest) {
  model::profile profile = example();
  EXPECT_EQ(find_route(profile, "GET /item/{id}").error(),
            "\"GET /item/{id}\": no route of the profile; did you mean \"GET /items/{id}\"?");
  EXPECT_EQ(find_route(profile, "PUT /nothing/like/it").error(),
            "\"PUT /nothing/like/it\": no route of the profile; the portrait names them");
  profile.routes.push_back(a_route("/item/{ix}", 3));
  EXPECT_EQ(find_route(profile, "GET /item/\n{id}").error(),
            "\"GET /item/?{id}\": no route of the profile; did you mean \"GET /items/{id}\" or \"GET "
            "/item/{ix}\"?");
}

std::size_t count(std::string_view text, std::string_view of) {
  std::size_t found = 0;
  for (std::size_t at = text.find(of); at != text.npos; at = text.find(of, at + of.size())) ++found;
  return found;
}

TEST(profile_page, has_routes_charts_and_measures_and_escapes_what_comes_from_the_log) {
  model::profile profile = example();
  profile.routes.push_back(a_route("/<script>alert(1)</script>", 1));
  profile.sources[0].path = "a\"b.log";
  profile.arrival.hour_of_day = std::vector<double>(24, 1);
  profile.arrival.worst_minute = std::vector<std::uint64_t>(60, 3);
  profile.arrival.peak_to_mean = {{1, 4}, {60, 2}};
  profile.measures = {{.kind = model::measure_kind::route, .of = "GET /items/{id}", .value = 0.5, .error = 0.01}};
  const std::string page = profile_html(profile);
  EXPECT_EQ(count(page, "<rect "), 84U);
  EXPECT_EQ(count(page, "<script"), 0U);
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(page, HasSubstr("a&quot;b.log"));
  EXPECT_THAT(page, HasSubstr("50.00 % <small>[46.91, 53.09]</small>"));
  EXPECT_THAT(page, HasSubstr("<tr><td>60 s</td><td>too few windows</td><td>2.00</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<tr><td>route</td><td class=\"text\">GET /items/{id}</td><td>50.0 %</td>"
                              "<td>± 1.00 points</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<small>5: empty line; line 7: </small>"));
  EXPECT_THAT(page, Not(HasSubstr("lines were rejected")));
  for (const auto* tag : {"table", "tr", "td", "svg", "p", "small", "rect", "title"}) {
    const std::string opens = std::string("<") + tag;
    EXPECT_EQ(count(page, opens + ">") + count(page, opens + " "), count(page, std::string("</") + tag + ">")) << tag;
  }
}

TEST(profile_page, has_the_week_ways_latencies_and_memory) {
  const std::string page = profile_html(a_rich_one());
  EXPECT_EQ(count(page, "<rect "), 24U + 168U);
  EXPECT_THAT(page, HasSubstr("Hurst exponent 0.75 <small>[0.7, 0.8]</small>"));
  EXPECT_THAT(page, HasSubstr("1 s apart correlate by -0.25 <small>[-0.3, -0.2]</small>"));
  EXPECT_THAT(page, HasSubstr("fits a power law of exponent 0.75 <small>[0.7, 0.8]</small> well"));
  EXPECT_THAT(page, HasSubstr("badly, and is none"));
  EXPECT_THAT(page, HasSubstr("<tr><td>1 GET /items/{id}</td><td>75</td><td>75</td><td>25</td><td>20</td></tr>"))
      << "of ten that came eight went on";
  EXPECT_THAT(page, HasSubstr("<tr><td>upstream</td><td>1,000</td><td>20.0 ms</td><td>12.5 ms</td>"));
  EXPECT_THAT(page, HasSubstr("Protocols: HTTP/1.1 100 %."));
  EXPECT_THAT(page, HasSubstr("2.50 requests a connection."));
  for (const auto* tag : {"table", "tr", "td", "svg", "p", "small", "rect", "title"}) {
    const std::string opens = std::string("<") + tag;
    EXPECT_EQ(count(page, opens + ">") + count(page, opens + " "), count(page, std::string("</") + tag + ">")) << tag;
  }
}

TEST(profile_page, warns_where_the_portrait_does_and_does_without_what_is_not_known) {
  model::profile profile = example();
  profile.sources[0].lines = 1050;
  profile.sources[0].clock_anomalies = 3;
  profile.notes = {"a <note>"};
  EXPECT_THAT(profile_html(profile), HasSubstr("warning</span>: a.log: 50 of 1,050 lines were rejected.</li>"));
  EXPECT_THAT(profile_html(profile), HasSubstr("went back by more than 60 s on 3 lines.</li><li>a &lt;note&gt;</li>"));
  const std::string nothing = profile_html({});
  EXPECT_THAT(nothing, HasSubstr("not estimable from so short a log"));
  EXPECT_EQ(count(nothing, "<svg"), 0U);
  EXPECT_EQ(count(nothing, "How well it is known"), 0U);
}

}  // namespace
}  // namespace assay::report
