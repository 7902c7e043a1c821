#include "lab/learn/route_steps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "lab/learn/compare_steps.hpp"
#include "lab/learn/text_hash.hpp"
#include "lab/learn/workload_counts.hpp"

namespace assay::learn {
namespace {

using testing::ElementsAre;

// A log that is added as it is written.
class added_log {
 public:
  void add(int second, std::string_view client, std::string_view method, std::string_view target) {
    access_line line;
    line.address = client;
    line.stamp = begin + std::chrono::seconds(second);
    line.method = method;
    line.target = target;
    line.status = 200;
    counts_.add(line);
  }
  model::session_paths paths() {
    model::profile made;
    counts_.describe(made, {});
    return made.session.paths;
  }

 private:
  static constexpr log_time begin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);
  workload_counts counts_{{}};
};

TEST(steps, are_those_from_route_to_route_of_each_client) {
  added_log log;
  for (int client = 0; client < 160; ++client) {
    const std::string name = "client" + std::to_string(client);
    log.add(client, name, "GET", "/");
    log.add(client + 1, name, "GET", "/items/" + std::to_string(client));
    log.add(client + 2, name, "GET", "/items/" + std::to_string(client + 7));
    log.add(client + 3, name, "POST", "/orders");
  }
  const model::session_paths paths = log.paths();
  EXPECT_THAT(paths.routes, ElementsAre("GET /items/{id}", "GET /", "POST /orders", "other"));
  EXPECT_THAT(paths.entries, ElementsAre(0, 160, 0, 0));
  EXPECT_THAT(paths.next, ElementsAre(ElementsAre(160, 0, 160, 0), ElementsAre(160, 0, 0, 0), ElementsAre(0, 0, 0, 0),
                                      ElementsAre(0, 0, 0, 0)));
  EXPECT_EQ(paths.followed, 480U);
  EXPECT_NEAR(paths.error, 0, 1e-12) << "all do the same";
  EXPECT_DOUBLE_EQ(paths.ends_after(0), 0);
  EXPECT_DOUBLE_EQ(paths.ends_after(2), 1);
}

TEST(steps, of_a_known_chain_are_found_within_their_error) {
  // After the basket again the basket with a chance of 0.6, else the items; after the items the basket.
  std::mt19937_64 random(4);
  added_log log;
  std::vector<bool> in_basket(500, false);
  for (int i = 0; i < 40'000; ++i) {
    const std::size_t client = random() % in_basket.size();
    in_basket[client] = !in_basket[client] || random() % 10 < 6;
    log.add(i / 20, "client" + std::to_string(client), "GET", in_basket[client] ? "/basket" : "/items");
  }
  const model::session_paths paths = log.paths();
  ASSERT_EQ(paths.routes.size(), 3U);
  EXPECT_EQ(paths.routes[0], "GET /basket");
  const auto stay = static_cast<double>(paths.next[0][0]);
  const auto leave = static_cast<double>(paths.next[0][1]);
  EXPECT_NEAR(stay / (stay + leave), 0.6, 0.02);
  EXPECT_EQ(paths.next[1][1], 0U);
  EXPECT_GT(paths.error, 0.0002);
  EXPECT_LT(paths.error, 0.02);
}

TEST(steps, of_few_requests_are_not_told) {
  added_log log;
  for (int i = 0; i < 100; ++i) log.add(i, "one", "GET", "/");
  EXPECT_TRUE(log.paths().routes.empty()) << "99 steps";
}

TEST(steps, of_requests_without_a_route_are_other) {
  added_log log;
  for (int i = 0; i < 200; ++i) log.add(i, "one", i % 2 == 0 ? "GET" : "", i % 2 == 0 ? "/" : "");
  const model::session_paths paths = log.paths();
  EXPECT_THAT(paths.next, ElementsAre(ElementsAre(0, 100), ElementsAre(99, 0)));
}

TEST(steps_compared, are_as_far_apart_as_shares_would_have_to_change) {
  const model::session_paths a{.routes = {"GET /", "GET /items", "other"},
                               .entries = {1, 0, 0},
                               .next = {{0, 50, 0}, {25, 25, 0}, {0, 0, 0}},
                               .followed = 100,
                               .error = 0.01};
  const auto itself = compare_steps(a, a);
  ASSERT_TRUE(itself.has_value());
  EXPECT_DOUBLE_EQ(itself->distance, 0);
  EXPECT_DOUBLE_EQ(itself->high, 0.02);
  EXPECT_EQ(itself->verdict, model::likeness::same);

  model::session_paths b = a;
  b.routes = {"GET /items", "GET /", "other"};  // in another order, and twice as many
  b.next = {{90, 50, 0}, {60, 0, 0}, {0, 0, 0}};
  const auto found = compare_steps(a, b);
  EXPECT_NEAR(found->distance, 0.2, 1e-12) << "0.5 became 0.3, 0.25 stays, 0.25 became 0.45";
  EXPECT_NEAR(found->low, 0.18, 1e-12);
  EXPECT_EQ(found->verdict, model::likeness::differs);
  b.error = 0.2;
  EXPECT_EQ(compare_steps(a, b)->verdict, model::likeness::inconclusive);

  b.routes = {"GET /cart", "GET /", "other"};  // a route that A does not name
  EXPECT_NEAR(compare_steps(a, b)->distance, 0.2, 1e-12) << "is other, as A's items are then";
  EXPECT_FALSE(compare_steps(a, {}));
}

TEST(samples_of_clients, grow_thinner_and_weigh_more) {
  client_sample sample;
  std::mt19937_64 random(3);
  double weighed = 0;
  std::uint64_t followed = 0;
  std::map<std::uint64_t, bool> was_in;
  constexpr std::uint64_t requests = 500'000;
  for (std::uint64_t number = 0; number < requests; ++number) {
    const std::uint64_t client = text_hash(std::to_string(random() % 50'000));
    const bool is_in = sample.takes(client, number);
    const auto known = was_in.try_emplace(client, true).first;
    EXPECT_FALSE(is_in && !known->second) << "who was dropped stays so";
    known->second = is_in;
    if (!is_in) continue;
    weighed += static_cast<double>(std::uint64_t{1} << sample.halvings());
    ++followed;
  }
  EXPECT_EQ(sample.halvings(), 5) << "at 16,384, 32,768 and so on to 262,144";
  EXPECT_NEAR(weighed / requests, 1, 0.05);
  EXPECT_LT(followed, 4 * requests_of_all);
}

}  // namespace
}  // namespace assay::learn
