// Sessions made of numbers: as long as was asked for, the same for the same seed, and every request in one.
#include "lab/load/visitor_draw.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "lab/load/request_source.hpp"

namespace assay::load {
namespace {

model::value_source visitors(double mean, double single, unsigned at_a_time) {
  model::value_source made;
  made.from = model::value_source::kind::visitor;
  made.requests_mean = mean;
  made.single_share = single;
  made.at_a_time = at_a_time;
  return made;
}

std::map<std::uint64_t, std::vector<std::uint64_t>> sessions(const visitor_draw& of, std::uint64_t requests) {
  std::map<std::uint64_t, std::vector<std::uint64_t>> found;
  for (std::uint64_t n = 0; n < requests; ++n) found[of.name_of(n)].push_back(n);
  return found;
}

TEST(visitors, have_sessions_of_the_lengths_that_were_asked_for) {
  for (const auto& [mean, single] : {std::pair(4.0, 0.4), {1.0, 1.0}, {12.0, 0.1}, {2.0, 0.5}}) {
    constexpr std::uint64_t requests = 120'000;
    const auto found = sessions(visitor_draw::create(visitors(mean, single, 64), 7).value(), requests);
    const auto ones = std::ranges::count_if(found, [](const auto& each) { return each.second.size() == 1; });
    const auto count = static_cast<double>(found.size());
    EXPECT_NEAR(static_cast<double>(requests) / count / mean, 1, 0.03) << mean;
    EXPECT_NEAR(static_cast<double>(ones) / count, single, 0.02) << mean;
  }
}

TEST(visitors, of_a_session_come_one_after_the_other_with_others_between) {
  constexpr unsigned at_a_time = 16;
  for (const auto& [name, requests] : sessions(visitor_draw::create(visitors(6, 0.2, at_a_time), 3).value(), 4'000)) {
    for (std::size_t i = 1; i < requests.size(); ++i) {
      ASSERT_LT(requests[i] - requests[i - 1], 2U * at_a_time) << name << ": one a turn, in any place of it";
      ASSERT_EQ(requests[i] / at_a_time, requests[i - 1] / at_a_time + 1) << name;
    }
  }
}

TEST(visitors, are_a_function_of_number_and_seed) {
  const auto one = visitor_draw::create(visitors(5, 0.3, 10), 1).value();
  const auto again = visitor_draw::create(visitors(5, 0.3, 10), 1).value();
  const auto other = visitor_draw::create(visitors(5, 0.3, 10), 2).value();
  unsigned differ = 0;
  for (std::uint64_t n = 5'000; n-- > 0;) {
    ASSERT_EQ(one.name_of(n), again.name_of(n));
    differ += one.name_of(n) != other.name_of(n);
  }
  EXPECT_GT(differ, 2'000U);
}

TEST(visitors, that_cannot_be_say_what_was_expected) {
  EXPECT_EQ(visitor_draw::create(visitors(0.5, 0.4, 4), 1).error(),
            "expected 1 to 200 requests a visitor on the average, not 0.5");
  EXPECT_EQ(visitor_draw::create(visitors(1e9, 0.4, 4), 1).error(),
            "expected 1 to 200 requests a visitor on the average, not 1000000000");
  EXPECT_EQ(visitor_draw::create(visitors(2, 1.5, 4), 1).error(), "expected a share of 0 to 1, not 1.5");
  EXPECT_EQ(visitor_draw::create(visitors(2, 0.5, 0), 1).error(), "expected 1 to 65536 visitors at a time");
}

// Requests of all routes are one visitor's.
TEST(visitors, stand_in_what_is_sent) {
  std::vector<model::bound_route> routes;
  for (const char* target : {"/a", "/b"}) {
    model::bound_route& made = routes.emplace_back();
    made.name = std::string("GET ") + target;
    made.method = "GET";
    made.target = target;
    made.headers = {{"user-agent", "visitor-{who}"}};
    made.values["who"] = visitors(8, 0.1, 4);
  }
  const auto source = request_source::create(routes, "shop", 9);
  ASSERT_TRUE(source) << source.error();
  std::map<std::string, std::vector<std::size_t>> routes_by_visitor;
  request_source::draft into;
  for (std::uint64_t k = 0; k < 400; ++k) {
    const arrival_number at{.thread = 0, .k = k};
    const std::size_t route = source->route_of(at);
    const std::string_view bytes = source->render(route, at, into);
    const std::size_t begins = bytes.find("visitor-");
    ASSERT_NE(begins, bytes.npos);
    routes_by_visitor[std::string(bytes.substr(begins, bytes.find('\r', begins) - begins))].push_back(route);
  }
  EXPECT_LT(routes_by_visitor.size(), 90U);
  EXPECT_TRUE(std::ranges::any_of(routes_by_visitor, [](const auto& each) {
    return std::ranges::find(each.second, 0U) != each.second.end() &&
           std::ranges::find(each.second, 1U) != each.second.end();
  }));
}

}  // namespace
}  // namespace assay::load
