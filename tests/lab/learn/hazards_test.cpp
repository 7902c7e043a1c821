// What logs of production hold that a parser meets one day: each is read, or refused by name, and nothing else in the
// log suffers.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "lab/learn/learn.hpp"

namespace assay::learn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

class hazards : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The log with these lines among usual ones.
  model::profile with(const std::string& lines, const std::string& format = "") {
    std::string content;
    for (int i = 0; i < 20; ++i)
      content += usual(fmt::format("16/Nov/2026:10:00:{:02} +0000", i), "GET /usual HTTP/1.1");
    std::ofstream(folder_ / "log", std::ios::binary) << content + lines;
    const auto learned = learn({.files = {folder_ / "log"}, .routes = {}, .format = format});
    EXPECT_TRUE(learned) << learned.error();
    return learned.value_or(model::profile{});
  }
  static std::string usual(std::string_view stamp, std::string_view request, std::string_view address = "192.0.2.1",
                           std::string_view referer = "-", std::string_view user = "-") {
    return fmt::format("{} - {} [{}] \"{}\" 200 10 \"{}\" \"agent\"\n", address, user, stamp, request, referer);
  }
  static std::vector<std::string> routes(const model::profile& of) {
    std::vector<std::string> names;
    for (const model::route& each : of.routes) names.push_back(fmt::format("{} {}", each.name(), each.requests));
    return names;
  }

  static constexpr std::string_view now = "16/Nov/2026:10:00:30 +0000";
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("hazards_test_" + std::to_string(::getpid()));
};

TEST_F(hazards, requests_that_are_none) {
  const model::profile seen = with(usual(now, "-") + usual(now, R"(\x16\x03\x01\x02)") + usual(now, "") +
                                   usual(now, "GET /old") + usual(now, "GET /a b c HTTP/1.1"));
  EXPECT_EQ(seen.sources[0].kept, 25U);
  EXPECT_THAT(routes(seen), ElementsAre("GET /usual 20", "GET /a%20b%20c 1", "GET /old 1"));
  EXPECT_THAT(seen.other, ElementsAre(Pair(HasSubstr("TLS handshake"), 3)));
}

TEST_F(hazards, clients_of_every_kind) {
  const model::profile seen =
      with(usual(now, "GET /usual HTTP/1.1", "2001:db8::1") + usual(now, "GET /usual HTTP/1.1", "unix:") +
           usual(now, "GET /usual HTTP/1.1", "host.example") +
           usual(now, "GET /usual HTTP/1.1", "192.0.2.1", "", "J. v. N.") +
           usual(now, "GET /usual HTTP/1.1", "shop.example:443 192.0.2.1"));
  EXPECT_EQ(seen.sources[0].kept, 25U);
  EXPECT_EQ(seen.session.count, 4U) << "by address";
}

TEST_F(hazards, stamps_of_every_kind) {
  const std::string get = "GET /usual HTTP/1.1";
  const model::profile seen = with(usual("16/Nov/2026:10:00:30", get) + usual("31/Dec/2026:23:59:60 +0000", get) +
                                   usual("01/Jan/2027:00:00:00 +0000", get) + usual("30/Feb/2026:10:00:00 +0000", get) +
                                   usual("29/Mar/2027:01:59:59 +0100", get) + usual("29/Mar/2027:03:00:00 +0200", get));
  EXPECT_EQ(seen.sources[0].kept, 24U);
  EXPECT_THAT(seen.sources[0].rejected, ElementsAre(Pair(HasSubstr("time stamp is not"), 2)));
  EXPECT_THAT(seen.sources[0].rejected_sample, ElementsAre(Pair(testing::_, HasSubstr("line 21: "))));
}

TEST_F(hazards, the_clock_of_summer_and_winter_is_one_time_line) {
  std::ofstream(folder_ / "dst") << usual("25/Oct/2026:02:59:59 +0200", "GET / HTTP/1.1")
                                 << usual("25/Oct/2026:02:00:00 +0100", "GET / HTTP/1.1");
  const auto seen = learn({.files = {folder_ / "dst"}, .routes = {}});
  ASSERT_TRUE(seen) << seen.error();
  EXPECT_EQ((seen->arrival.last - seen->arrival.first).count(), 1);
  EXPECT_EQ(seen->sources[0].clock_anomalies, 0U);
}

TEST_F(hazards, bytes_of_every_kind) {
  std::string garbage = "caf\xe9 \xff\xfe\x01\x1b\n";
  const model::profile seen =
      with(usual(now, "GET /caf\xe9 HTTP/1.1") + usual(now, "GET /caf%c3%a9 HTTP/1.1") +
           usual(now, "GET /caf%C3%A9 HTTP/1.1") + usual(now, "GET /c%61f%C3%a9 HTTP/1.1") + garbage +
           std::string("a\0b\n", 4) + std::string(70'000, 'y') + "\n\n" + "cut in the midd");
  EXPECT_THAT(routes(seen), ElementsAre("GET /usual 20", "GET /caf%C3%A9 3", "GET /caf%E9 1"));
  EXPECT_THAT(seen.sources[0].rejected, UnorderedElementsAre(Pair("no [time stamp]", 2), Pair("NUL byte", 1),
                                                             Pair("line too long", 1), Pair("empty line", 1)));
  for (const auto& [reason, sample] : seen.sources[0].rejected_sample) {
    EXPECT_TRUE(std::ranges::all_of(sample, [](char c) { return c >= ' ' && c < 0x7f; })) << reason;
  }
}

TEST_F(hazards, a_line_of_the_greatest_length_is_read) {
  const std::string frame = usual(now, "GET /long?q= HTTP/1.1");
  const auto line = [&](std::size_t length) {
    std::string made = frame;
    return made.insert(made.find(" HTTP/1.1"), std::string(length - frame.size() + 1, 'x'));
  };
  const model::profile seen = with(line(max_line_bytes) + line(max_line_bytes + 1));
  EXPECT_EQ(seen.sources[0].kept, 21U);
  EXPECT_EQ(seen.sources[0].rejected.at("line too long"), 1U);
}

TEST_F(hazards, formats_that_change_within_a_file) {
  const model::profile seen =
      with(R"(192.0.2.1 - - [16/Nov/2026:10:00:30 +0000] "GET /common HTTP/1.1" 200 10)"
           "\n"
           R"({"time":"2026-11-16T10:00:31Z","method":"GET","uri":"/json","status":200})"
           "\n"
           R"([2026-11-16T10:00:32.000Z] "GET /envoy HTTP/2" 200 - 0 5 1 1 "192.0.2.1" "a" "b" "c" "d")"
           "\n" +
           usual(now, "GET /usual HTTP/1.1"));
  EXPECT_EQ(seen.sources[0].kept, 24U);
  EXPECT_THAT(routes(seen), ElementsAre("GET /usual 21", "GET /common 1", "GET /envoy 1", "GET /json 1"));
  EXPECT_THAT(seen.notes, testing::Contains(HasSubstr("lines by format: combined 22 envoy 1 json 1")));
}

TEST_F(hazards, with_a_given_format_another_is_refused) {
  std::string lines;
  for (int i = 0; i < 30; ++i)
    lines += R"({"time":"2026-11-16T10:00:31Z","method":"GET","uri":"/json","status":200})"
             "\n";
  const model::profile seen = with(lines, "json");
  EXPECT_EQ(seen.sources[0].kept, 30U);
  EXPECT_EQ(seen.sources[0].rejected.at("not one JSON object"), 20U);
  EXPECT_EQ(seen.sources[0].format, "json");
}

TEST_F(hazards, what_lies_inside_a_second_is_bounded_by_two_assumptions) {
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    for (int k = 0; k < 10; ++k) lines += usual(fmt::format("16/Nov/2026:10:01:{:02} +0000", i), "GET /usual HTTP/1.1");
  }
  std::ofstream(folder_ / "steady") << lines;
  const auto seen = learn({.files = {folder_ / "steady"}, .routes = {}});
  ASSERT_TRUE(seen) << seen.error();
  EXPECT_EQ(seen->resolution, "1 s");
  // Ten a second without variance: 0.9 when they are spread at random, 9 when they come at once.
  EXPECT_THAT(seen->notes,
              ElementsAre(HasSubstr("dispersion at 0.1 s is 0.9 if they are spread at random, and 9 if all of "
                                    "a second come at once; the busiest 0.1 s has 1 or 10")));
  const auto finer =
      learn({.files = {[&] {
               std::ofstream(folder_ / "fine")
                   << R"([2026-11-16T10:00:32.120Z] "GET /e HTTP/2" 200 - 0 5 1 1 "192.0.2.1" "a" "b" "c" "d")"
                      "\n";
               return (folder_ / "fine").string();
             }()},
             .routes = {}});
  ASSERT_TRUE(finer) << finer.error();
  EXPECT_EQ(finer->resolution, "1 ms");
  EXPECT_TRUE(finer->notes.empty());
}

TEST_F(hazards, a_log_of_no_requests_says_what_it_holds) {
  const auto error = [&](const std::string& content) {
    std::ofstream(folder_ / "odd") << content;
    const auto seen = learn({.files = {folder_ / "odd"}, .routes = {}});
    return seen ? "accepted" : seen.error();
  };
  EXPECT_THAT(error("#Software: x\n#Fields: date time\n"), HasSubstr("all 2 lines are headers, comments or entries"));
  EXPECT_THAT(error("<html>\n"), HasSubstr("odd: expected an access log; 1 of 1 lines are not, mostly: no [time stamp] "
                                           "(line 1: <a>); read as combined, --format names another"));
}

}  // namespace
}  // namespace assay::learn
