// The second pass over a log: what it shows for each route of its profile.
#include "lab/learn/samples.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace assay::learn {
namespace {

class samples : public testing::Test {
 protected:
  samples() {
    std::string name = (std::filesystem::temp_directory_path() / "assay-samples-XXXXXX").string();
    const int file = ::mkstemp(name.data());
    if (file < 0) std::abort();
    ::close(file);
    path_ = name;
    for (const char* each :
         {"GET /items/{id}", "GET /items/me", "GET /", "GET /files/{name}.css", "GET /a/{p1}/b/{p2}"}) {
      const std::string text = each;
      model::route made;
      made.method = text.substr(0, text.find(' '));
      made.path = text.substr(text.find(' ') + 1);
      profile_.routes.push_back(made);
    }
  }
  ~samples() override { std::filesystem::remove(path_); }
  samples(const samples&) = delete;
  samples& operator=(const samples&) = delete;

  void log(const std::string& request, int status = 200) {
    std::ofstream(path_, std::ios::app) << "10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] \"" << request << " HTTP/1.1\" "
                                        << status << " 17 \"-\" \"x\"\n";
  }
  model::log_samples read() {
    auto made = sample_requests({path_}, profile_);
    EXPECT_TRUE(made.has_value()) << made.error();
    return made ? *made : model::log_samples();
  }

  std::string path_;
  model::profile profile_;
};

TEST_F(samples, are_values_and_queries_by_route) {
  log("GET /items/17?full=1");
  log("GET /items/me");
  log("GET /");
  log("GET /files/site.css");
  log("GET /a/x/b/y");
  log("GET http://shop.example/items/3#top");
  log("POST /items/4");
  log("GET /other/4");
  model::log_samples found = read();
  const model::route_samples& items = found["GET /items/{id}"];
  ASSERT_EQ(items.requests.size(), 2U);
  EXPECT_EQ(items.requests[0].values, std::vector<std::string>{"17"});
  EXPECT_EQ(items.requests[0].query, "?full=1");
  EXPECT_EQ(items.requests[1].values, std::vector<std::string>{"3"});
  EXPECT_EQ(items.requests[1].query, "");
  EXPECT_EQ(found["GET /items/me"].answered, 1U);
  EXPECT_EQ(found["GET /"].answered, 1U);
  ASSERT_EQ(found["GET /files/{name}.css"].answered, 1U);
  EXPECT_EQ(found["GET /files/{name}.css"].requests[0].values, std::vector<std::string>{"site"});
  ASSERT_EQ(found["GET /a/{p1}/b/{p2}"].answered, 1U);
  EXPECT_EQ(found["GET /a/{p1}/b/{p2}"].requests[0].values, (std::vector<std::string>{"x", "y"}));
}

TEST_F(samples, leave_out_what_failed_or_cannot_be_sent) {
  log("GET /items/1", 404);
  log("GET /items/2", 500);
  log("GET /items/\\x22");
  log("GET /items/" + std::string(max_sampled_bytes, '9'));
  log("GET /items/3", 304);
  std::ofstream(path_, std::ios::app) << "no access log\n";
  model::log_samples found = read();
  ASSERT_EQ(found["GET /items/{id}"].answered, 1U);
  EXPECT_EQ(found["GET /items/{id}"].requests[0].status, 304);
}

TEST_F(samples, are_bounded_and_of_the_whole_log) {
  constexpr std::size_t many = 5'000;
  for (std::size_t i = 0; i < many; ++i) log("GET /items/" + std::to_string(i));
  model::log_samples found = read();
  const model::route_samples& items = found["GET /items/{id}"];
  EXPECT_EQ(items.answered, many);
  ASSERT_EQ(items.requests.size(), max_samples_a_route);
  const auto late = std::ranges::count_if(items.requests, [](const model::sampled_request& each) {
    return each.values[0].size() == 4 && each.values[0] >= "2500";
  });
  EXPECT_GT(late, 60);  // of 200, expected 100: sd 7
  EXPECT_LT(late, 140);
  EXPECT_EQ(read()["GET /items/{id}"].requests[7].values, items.requests[7].values);  // the same for the same log
}

TEST_F(samples, of_a_log_that_is_not_there_are_an_error) {
  EXPECT_TRUE(sample_requests({"/nowhere/access.log"}, profile_).error().contains("/nowhere/access.log"));
}

}  // namespace
}  // namespace assay::learn
