#include "bench/floor/common.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace assay::bench {
namespace {

TEST(request_counter, counts_requests_split_anywhere) {
  const std::string two = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /\r HTTP/1.1\r\n\r\n";
  for (std::size_t cut = 0; cut <= two.size(); ++cut) {
    request_counter counter;
    EXPECT_EQ(counter.feed(two.substr(0, cut)) + counter.feed(two.substr(cut)), 2U) << "cut at " << cut;
  }
}

TEST(request_counter, a_broken_end_starts_again) {
  request_counter counter;
  EXPECT_EQ(counter.feed("\r\n\r\r\n\n\r\nx\r"), 0U);
  EXPECT_EQ(counter.feed("\n\r\n"), 1U);
}

TEST(quantile_ns, is_the_nearest_rank) {
  std::array<std::int64_t, 10> ten{};
  std::iota(ten.begin(), ten.end(), 1);
  EXPECT_EQ(quantile_ns(ten, 0.5), 5);
  EXPECT_EQ(quantile_ns(ten, 0.9), 9);
  EXPECT_EQ(quantile_ns(ten, 0.901), 10);
  EXPECT_EQ(quantile_ns(ten, 1), 10);
  EXPECT_EQ(quantile_ns(ten, 1e-9), 1);
}

TEST(summary_json, sorts_and_reports_microseconds) {
  std::vector<std::int64_t> samples{3000, 1000, 2000};
  EXPECT_EQ(summary_json(samples),
            R"({"count":3,"mean":2.000,"max":3.000,"p50":2.000,"p90":3.000,"p95":3.000,"p99":3.000,)"
            R"("p99.9":3.000,"p99.99":3.000})");
  std::vector<std::int64_t> none;
  EXPECT_EQ(summary_json(none), R"({"count":0})");
}

TEST(parse_duration_ns, knows_its_units) {
  EXPECT_EQ(parse_duration_ns("250ns"), 250);
  EXPECT_EQ(parse_duration_ns("1.5us"), 1500);
  EXPECT_EQ(parse_duration_ns("5ms"), 5'000'000);
  EXPECT_EQ(parse_duration_ns("3s"), 3 * ns_per_s);
}

TEST(parse_duration_ns, ends_the_program_on_anything_else) {
  for (const char* const text : {"", "5", "ms", "5m", "-5ms", "1.2.3ms", "5 ms"}) {
    EXPECT_EXIT((void)parse_duration_ns(text), testing::ExitedWithCode(2), "duration") << text;
  }
}

TEST(response_bytes, announces_the_body_it_has) {
  const std::string_view response = response_bytes();
  EXPECT_EQ(response.size() - (response.find("\r\n\r\n") + 4), 13U);
  EXPECT_NE(response.find("Content-Length: 13\r\n"), std::string_view::npos);
}

TEST(refusal_bytes, are_as_many_as_those_of_an_answer) {
  const std::string_view refusal = refusal_bytes();
  EXPECT_EQ(refusal.size(), response_bytes().size());
  EXPECT_EQ(refusal.size() - (refusal.find("\r\n\r\n") + 4), 11U);
  EXPECT_NE(refusal.find("Content-Length: 11\r\n"), std::string_view::npos);
}

}  // namespace
}  // namespace assay::bench
