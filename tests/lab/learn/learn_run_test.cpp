#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "lab/learn/learn.hpp"
#include "lab/learn/line/access_line.hpp"

namespace assay::learn {
namespace {

using testing::HasSubstr;

class learning : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& content, const std::string& name = "access.log") {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  static std::string line(int second, std::string_view request, int status = 200, int bytes = 100) {
    return fmt::format("192.0.2.1 - - [16/Nov/2026:{:02}:{:02}:{:02} +0000] \"{}\" {} {} \"-\" \"agent\"\n",
                       second / 3600 % 24, second / 60 % 60, second % 60, request, status, bytes);
  }
  static std::string lines(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += line(i, "GET /items/" + std::to_string(i) + " HTTP/1.1");
    return all;
  }
  model::profile good(const std::string& content) {
    const auto learned = learn({.files = {file(content)}, .routes = {}});
    EXPECT_TRUE(learned) << learned.error();
    return learned.value_or(model::profile{});
  }
  std::string error(const std::string& content) {
    const auto learned = learn({.files = {file(content)}, .routes = {}});
    return learned ? "accepted" : learned.error();
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("learn_test_" + std::to_string(::getpid()));
};

TEST_F(learning, measures_a_known_mix_within_its_intervals) {
  const std::vector<std::pair<std::string, double>> mix = {
      {"GET /items/{id}", 0.5}, {"GET /items", 0.3}, {"POST /orders", 0.15}, {"GET /items/{id}/image", 0.05}};
  int outside = 0;
  constexpr int logs = 40;
  for (unsigned seed = 1; seed <= logs; ++seed) {
    std::mt19937_64 random(seed);
    std::discrete_distribution<std::size_t> law({0.5, 0.3, 0.15, 0.05});
    std::string content;
    for (int i = 0; i < 2000; ++i) {
      std::string request = mix[law(random)].first;
      if (const auto at = request.find("{id}"); at != std::string::npos) {
        request.replace(at, 4, std::to_string(random() % 1000));
      }
      content += line(i, request + " HTTP/1.1");
    }
    const model::profile profile = good(content);
    ASSERT_EQ(profile.routes.size(), mix.size());
    for (const auto& [name, truth] : mix) {
      const auto found = std::ranges::find(profile.routes, name, &model::route::name);
      ASSERT_NE(found, profile.routes.end()) << name;
      const model::estimate share = model::share(found->requests, profile.requests);
      outside += share.low <= truth && truth <= share.high ? 0 : 1;
    }
  }
  // 160 intervals of 95 %: 8 are expected to miss, 19 or more happen once in 3,000 times.
  EXPECT_LT(outside, 19);
}

TEST_F(learning, sizes_statuses_and_runs_of_failures) {
  std::string content;
  for (int i = 0; i < 1000; ++i) {
    const int status = i >= 100 && i < 107 ? 503 : i % 250 == 0 ? 500 : 200;
    content += line(i, "GET /items/1 HTTP/1.1", status, i + 1);
  }
  content += line(1000, "GET /items/2 HTTP/1.1", 502) + line(1000, "GET /items/2 HTTP/1.1", 502);
  const model::profile profile = good(content);
  EXPECT_EQ(profile.errors.errors, 13U);
  EXPECT_EQ(profile.errors.bursts, 2U);
  EXPECT_EQ(profile.errors.longest, 7U);
  EXPECT_NEAR(profile.response_bytes_p50, 500, 10);
  EXPECT_NEAR(profile.routes.at(0).response_bytes_p99, 990, 15);
  EXPECT_EQ(profile.statuses.at(503), 7U);
  EXPECT_EQ(profile.sources.at(0).format, "combined");
}

TEST_F(learning, the_source_can_be_checked_again) {
  const model::profile profile = good("192.0.2.1 - - [16/Nov/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n");
  EXPECT_EQ(profile.sources.at(0).sha256, "5cbc7855a4991422467abc7acf4597311a8b88bcdf1956aed29f7b35a16fe080");
  EXPECT_EQ(profile.sources.at(0).format, "common");
  EXPECT_EQ(profile.sources.at(0).bytes, 66U);
}

TEST_F(learning, every_rejected_line_is_counted_with_its_reason) {
  std::string content = lines(200);
  content += "\n" + std::string("gar\x1b(Bbage\n") + std::string(max_line_bytes + 1, 'x') + "\n";
  content += std::string("a\0b\n", 4) + "other garbage\n";
  content += line(5, "-", 400) + line(6, R"(\x16\x03\x01)", 400) + line(6, "OPTIONS * HTTP/1.1");
  content += std::string(1000, 'y') + "[\n";
  const model::profile profile = good(content);
  const model::log_source& source = profile.sources.at(0);
  EXPECT_EQ(source.lines, 209U);
  EXPECT_EQ(source.kept, 203U);
  const std::map<std::string, std::uint64_t> expected = {{"empty line", 1},
                                                         {"no [time stamp]", 2},
                                                         {"line too long", 1},
                                                         {"NUL byte", 1},
                                                         {"time stamp is not [dd/Mon/yyyy:HH:MM:SS +zzzz]", 1}};
  EXPECT_EQ(source.rejected, expected);
  EXPECT_EQ(source.rejected_sample.at("no [time stamp]"), "line 202: a?(a");
  EXPECT_EQ(source.rejected_sample.at("line too long"), "line 203: a");
  EXPECT_EQ(profile.other.at("no request line (such as \"-\" or a TLS handshake)"), 2U);
  EXPECT_EQ(profile.other.at("no path, or one deeper than 16 segments"), 1U);
  EXPECT_EQ(profile.requests, 203U);
}

TEST_F(learning, lines_of_every_length_around_the_limit) {
  const std::string head = "192.0.2.1 - - [16/Nov/2026:00:00:00 +0000] \"GET /";
  const std::string tail = " HTTP/1.1\" 200 1";
  for (const std::size_t length : {max_line_bytes - 1, max_line_bytes, max_line_bytes + 1, 3 * max_line_bytes}) {
    std::string content = lines(3);
    for (int i = 0; i < 2; ++i) {
      content += head + std::string(length - head.size() - tail.size(), 'x') + tail + (i == 0 ? "\n" : "\r\n");
    }
    const model::log_source source = good(content).sources.at(0);
    EXPECT_EQ(source.lines, 5U);
    // The carriage return counts to the line while it is read.
    EXPECT_EQ(source.kept, length < max_line_bytes ? 5U : length == max_line_bytes ? 4U : 3U) << length;
  }
}

TEST_F(learning, a_last_line_that_was_cut_is_refused) {
  const std::string whole = lines(5);
  const std::string last = line(9, "GET /items/9 HTTP/1.1", 200, 12345);
  EXPECT_EQ(good(whole + last.substr(0, last.size() - 1)).sources[0].kept, 6U) << "only the line's end is missing";
  for (std::size_t length = 1; length + 1 < last.size(); ++length) {
    EXPECT_EQ(good(whole + last.substr(0, length)).sources[0].kept, 5U) << last.substr(0, length);
  }
}

TEST_F(learning, stamps_may_be_a_little_out_of_order) {
  const auto anomalies = [&](int back) {
    return good(line(1000, "GET / HTTP/1.1") + line(1000 - back, "GET / HTTP/1.1") + line(1001, "GET / HTTP/1.1"))
        .sources[0]
        .clock_anomalies;
  };
  EXPECT_EQ(anomalies(5), 0U);
  EXPECT_EQ(anomalies(60), 0U);
  EXPECT_EQ(anomalies(61), 1U);
}

TEST_F(learning, request_time_gives_the_start) {
  std::string ended = line(100, "GET / HTTP/1.1");
  ended.insert(ended.size() - 1, " 12.700");
  EXPECT_EQ(good(ended).arrival.first.time_since_epoch().count() % 3600, 88);
}

TEST_F(learning, several_files_are_one_log) {
  const auto learned = learn({.files = {file(lines(3), "b"), file(lines(2), "a")}, .routes = {"GET /items/{item}"}});
  ASSERT_TRUE(learned) << learned.error();
  EXPECT_EQ(learned->requests, 5U);
  EXPECT_EQ(learned->sources.size(), 2U);
  EXPECT_EQ(learned->sources[1].lines, 2U);
  EXPECT_EQ(learned->routes.at(0).name(), "GET /items/{item}");
  EXPECT_EQ(learned->sources[0].clock_anomalies, 0U) << "each file has its own order";
}

// Method and path; what is typed comes first, and the rest is folded as ever.
TEST_F(learning, says_what_the_services_description_does_not_name) {
  std::string content;
  for (int i = 0; i < 60; ++i) content += line(i, "GET /shops/" + std::string(1, static_cast<char>('a' + i % 3)));
  for (int i = 0; i < 20; ++i) content += line(60 + i, "DELETE /shops/a");
  for (int i = 0; i < 15; ++i) content += line(80 + i, "GET /old/" + std::to_string(i));
  for (int i = 0; i < 5; ++i) content += line(95 + i, "GET /typed/" + std::to_string(i));
  const std::vector<std::string> described = {"GET /shops/{shop}", "PUT /shops/{shop}", "GET /typed/{of_api}"};
  const auto learned = learn({.files = {file(content)},
                              .routes = {"GET /typed/{first}", "GET /never"},
                              .described = described,
                              .description = "api.yaml"});
  ASSERT_TRUE(learned) << learned.error();
  EXPECT_EQ(learned->routes.at(0).name(), "GET /shops/{shop}") << "three words alone would be three routes";
  EXPECT_EQ(learned->routes.at(0).placeholders.at(0).why, "named by the service's description");
  EXPECT_EQ(learned->routes.at(3).name(), "GET /typed/{first}");
  EXPECT_THAT(learned->notes,
              testing::IsSupersetOf(
                  {std::string("35 % of the requests match no path of api.yaml; of its 3 operations 2 were asked for; "
                               "not among them, the commonest first: DELETE /shops/a (20 %), GET /old/{p1} (15 %)"),
                   std::string("--route 'GET /never' matches no request")}));
  const auto wrong = learn({.files = {file(content)}, .routes = {}, .described = {"GET x"}, .description = "api.yaml"});
  EXPECT_THAT(wrong.error(), HasSubstr("api.yaml: --route \"GET x\": expected a method and a path"));
}

TEST_F(learning, a_file_that_was_just_rotated_may_be_empty) {
  const std::string empty = file("", "access.log");
  const auto learned = learn({.files = {empty, file(lines(3), "access.log.1")}, .routes = {}});
  ASSERT_TRUE(learned) << learned.error();
  EXPECT_EQ(learned->requests, 3U);
  EXPECT_EQ(learned->notes, std::vector{empty + " is empty"});
  EXPECT_THAT(learn({.files = {empty, empty}, .routes = {}}).error(), HasSubstr("is empty; expected an access log"));
}

TEST_F(learning, a_foreign_file_is_one_clear_error) {
  EXPECT_THAT(error(""), HasSubstr("is empty; expected an access log"));
  EXPECT_THAT(error("key: value\nother: value\n"),
              HasSubstr("2 of 2 lines are not, mostly: no [time stamp] (line 1: a: a)"));
  EXPECT_THAT(error(lines(4) + std::string(5, '\n')), HasSubstr("5 of 9 lines are not, mostly: empty line"));
  EXPECT_EQ(good(lines(4) + std::string(4, '\n')).requests, 4U) << "half is enough";
  EXPECT_THAT(error("\x1f\x8b\x08 and so on"), HasSubstr("is damaged gzip"));
  EXPECT_EQ(good("\xEF\xBB\xBF" + lines(1)).requests, 1U) << "a byte order mark";
}

TEST_F(learning, what_cannot_be_read_is_named) {
  const auto failure = [](const std::string& path) { return learn({.files = {path}, .routes = {}}).error(); };
  EXPECT_THAT(failure("/no/such/file"), HasSubstr("/no/such/file: cannot open: No such file"));
  EXPECT_THAT(failure(folder_), HasSubstr("is a directory without files"));
  EXPECT_FALSE(learn({.files = {}, .routes = {}}));
  EXPECT_FALSE(learn({.files = {"-", "-"}, .routes = {}}));
  EXPECT_THAT(learn({.files = {"x"}, .routes = {"nonsense"}}).error(), HasSubstr("--route \"nonsense\": expected"));
}

}  // namespace
}  // namespace assay::learn
