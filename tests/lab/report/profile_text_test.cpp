#include "lab/report/profile_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(portrait, fits_on_a_screen) {
  model::profile profile = example();
  for (int i = 0; i < 100; ++i) {
    profile.routes.push_back(a_route("/" + std::string(200, 'x') + std::to_string(i), 1));
  }
  const std::string text = profile_text(profile);
  EXPECT_LE(std::ranges::count(text, '\n'), 40);
  EXPECT_THAT(text, HasSubstr("87 more routes"));
}

TEST(portrait, of_nothing) { EXPECT_THAT(profile_text({}), HasSubstr("0 requests")); }

}  // namespace
}  // namespace assay::report
