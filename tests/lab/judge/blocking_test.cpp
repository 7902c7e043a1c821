#include "lab/judge/blocking.hpp"

#include <gtest/gtest.h>

namespace assay::judge {
namespace {

run with_site(double total_ms, double longest_ms, std::optional<double> stalled_s = std::nullopt) {
  run made;
  made.loaded_s = 60;
  made.stalled_s = stalled_s;
  model::blocking_site site;
  site.call = "recv";
  site.peer = "third-party (127.0.0.1:40123)";
  site.place = "app.py:87 in price";
  site.count = 10;
  site.total_ms = total_ms;
  site.longest_ms = longest_ms;
  made.blocking.push_back(site);
  return made;
}

TEST(blocking, a_peer_is_one_whatever_its_port) {
  EXPECT_EQ(peer_without_port("third-party (127.0.0.1:40123)"), "third-party");
  EXPECT_EQ(peer_without_port("127.0.0.1:5432"), "127.0.0.1");
  EXPECT_EQ(peer_without_port("[::1]:5432"), "[::1]");
  EXPECT_EQ(peer_without_port("fe80::1:2"), "fe80::1:2");
  EXPECT_EQ(peer_without_port("/var/lib/a:1"), "/var/lib/a:1");
  EXPECT_EQ(peer_without_port("host:"), "host:");
  EXPECT_EQ(peer_without_port(":80"), ":80");
  EXPECT_EQ(peer_without_port(""), "");
}

TEST(blocking, sites_of_several_runs_are_one_per_call_peer_and_place) {
  run first = with_site(100, 20);
  run second = with_site(300, 90);
  second.blocking[0].peer = "third-party (127.0.0.1:55555)";
  second.blocking[0].stack = {"the longest"};
  second.blocking.push_back(first.blocking[0]);
  second.blocking.back().call = "fsync";
  second.blocking.back().total_ms = 5000;
  const std::vector<const run*> runs{&first, &second};
  const auto merged = merge_sites(runs);
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].call, "fsync");
  EXPECT_EQ(merged[1].peer, "third-party");
  EXPECT_EQ(merged[1].count, 20u);
  EXPECT_DOUBLE_EQ(merged[1].total_ms, 400);
  EXPECT_DOUBLE_EQ(merged[1].longest_ms, 90);
  EXPECT_EQ(merged[1].stack, std::vector<std::string>{"the longest"});
}

TEST(blocking, what_was_no_call_stands_behind_the_calls) {
  run only = with_site(100, 20);
  only.blocking.insert(only.blocking.begin(), only.blocking[0]);
  only.blocking[0].call = lack_of_cpu_call;
  only.blocking[0].total_ms = 5000;
  const std::vector<const run*> runs{&only};
  EXPECT_TRUE(is_call(merge_sites(runs).front())) << "the first is named as the reason of a freeze";
}

TEST(blocking, a_run_freezes_by_the_rule) {
  EXPECT_TRUE(run_freezes(with_site(600, 25), 25));
  EXPECT_FALSE(run_freezes(with_site(599, 25), 25)) << "less than 1 % of the load";
  EXPECT_FALSE(run_freezes(with_site(6000, 24.9), 25)) << "never long enough";
  EXPECT_TRUE(run_freezes(with_site(6000, 300, 10), 25));
  EXPECT_FALSE(run_freezes(with_site(1000, 300, 10), 25)) << "the stalls have another cause";
  EXPECT_FALSE(run_freezes(run{}, 25));
}

TEST(blocking, a_candidate_freezes_when_half_of_its_runs_do) {
  const run frozen = with_site(6000, 300);
  const run fine = with_site(10, 3);
  using runs = std::vector<const run*>;
  EXPECT_TRUE(candidate_freezes(runs{&frozen, &frozen, &fine}, 25));
  EXPECT_TRUE(candidate_freezes(runs{&frozen, &fine}, 25));
  EXPECT_FALSE(candidate_freezes(runs{&frozen, &fine, &fine}, 25));
  EXPECT_FALSE(candidate_freezes({}, 25));
}

}  // namespace
}  // namespace assay::judge
