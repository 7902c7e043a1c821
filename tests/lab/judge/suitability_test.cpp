#include "lab/judge/suitability.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay::judge {
namespace {

// Half a minute in which so many requests are in flight at each look, of which so many wait for another service.
struct requests_seen {
  std::vector<model::process_second> processes;
  std::vector<model::connection_look> connections;
  requests_seen(double cores, unsigned in_flight, unsigned waiting, int looks = 120) {
    for (int i = 0; i < looks; ++i) {
      const double at_s = i * 0.25;
      processes.push_back({.at_s = at_s, .cpu_s = cores * at_s});
      connections.push_back({.at_s = at_s,
                             .in_flight = in_flight,
                             .outgoing = {{.peer = "127.0.0.1:5432", .open = 20, .waiting = waiting}}});
    }
  }
  std::optional<request_time> time() const { return request_time_of(processes, connections); }
};

TEST(suitability, waiting_for_others_is_what_asynchronous_code_is_for) {
  const auto time = requests_seen(0.4, 4, 3).time();
  ASSERT_TRUE(time);
  EXPECT_NEAR(time->computing, 0.1, 1e-9);
  EXPECT_NEAR(time->waiting, 0.75, 1e-9);
  EXPECT_EQ(describe(*time),
            "of a request's time about 10 % is computing and 75 % waiting for other services (4.0 requests in flight): "
            "asynchronous code suits it");
}

TEST(suitability, computing_is_not) {
  const auto time = requests_seen(1.8, 2, 0).time();
  ASSERT_TRUE(time);
  EXPECT_NEAR(time->computing, 0.9, 1e-9);
  EXPECT_TRUE(describe(*time).ends_with("more processes or threads do"));
}

TEST(suitability, what_is_neither_is_of_both_kinds) {
  const auto time = requests_seen(0.6, 2, 0).time();
  ASSERT_TRUE(time);
  EXPECT_TRUE(describe(*time).ends_with("or the service in two"));
}

TEST(suitability, more_connections_wait_than_requests_are_there_for) {
  const auto time = requests_seen(0.1, 2, 15).time();  // held open by others, as a subscription is
  ASSERT_TRUE(time);
  EXPECT_NEAR(time->waiting, 0.95, 1e-9);
}

TEST(suitability, too_little_is_no_answer) {
  EXPECT_FALSE(requests_seen(0.4, 0, 0).time());
  EXPECT_FALSE(requests_seen(0.4, 4, 3, 10).time());
  EXPECT_FALSE(request_time_of({}, {}));
}

}  // namespace
}  // namespace assay::judge
