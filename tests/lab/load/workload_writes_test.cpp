// Acknowledged writes: whatever happens to a request, its key ends in the list that the candidate must answer for.
#include <set>

#include "tests/lab/load/load_test_support.hpp"
#include "tests/lab/load/workload_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using counts = std::map<std::string, std::uint64_t>;

constexpr duration latency = 50us;  // one way

struct writes : ::testing::Test {
  writes() {
    several.arrivals = model::arrival_law::constant;
    several.routes = {route("GET", "/a"), order()};
    several.phases = {phase("one", 100, 2s), phase("two", 200, 2s)};
    several.connections = 8;
    several.timeout = 100ms;
  }
  world stage{latency};
  workload_options several;
  // What the server saw, by what it did with it.
  std::map<std::string, std::set<std::string>> saw;
};

std::set<std::string> sorted(const std::vector<std::string>& keys) {
  const std::set<std::string> unique(keys.begin(), keys.end());
  EXPECT_EQ(unique.size(), keys.size()) << "a key twice";
  return unique;
}

TEST_F(writes, each_is_acknowledged_refused_or_unanswered) {
  std::uint64_t n = 0;
  stage.server.decide_on = [&](std::string_view request) {
    const std::string key = key_in(request);
    if (key.empty()) return reply{};
    switch (n++ % 6) {
      case 0:
        saw["refused"].insert(key);
        return reply{.bytes = answer_of(409)};
      case 1:
        saw["unanswered"].insert(key);
        return reply{.bytes = answer_of(503)};
      case 2:
        saw["unanswered"].insert(key);
        return reply{.after = 10s};  // beyond the timeout
      case 3:
        saw["unanswered"].insert(key);
        return reply{.bytes = "", .next = reply::then::closes};
      case 4:
        saw["unanswered"].insert(key);
        return reply{.bytes = "HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\ncut", .next = reply::then::closes};
      default:
        saw["acknowledged"].insert(key);
        return reply{.bytes = answer_of(201)};
    }
  };
  const workload_result seen = stage.run(several);
  EXPECT_GT(saw["refused"].size(), 30U);
  EXPECT_EQ(sorted(seen.writes.acknowledged), saw["acknowledged"]);
  EXPECT_EQ(sorted(seen.writes.refused), saw["refused"]);
  EXPECT_EQ(sorted(seen.writes.unanswered), saw["unanswered"]);
  expect_sums_agree(seen);
}

// What the candidate never saw can be nowhere: its key is in no list, and a row with it would be an invention.
TEST_F(writes, what_was_never_sent_is_in_no_list) {
  stage.server.decide_on = [&](std::string_view request) {
    const std::string key = key_in(request);
    if (!key.empty()) saw["acknowledged"].insert(key);
    return reply{.bytes = answer_of(201)};
  };
  stage.at(1s + 300us, [&] { stage.kill_server(); });
  const workload_result seen = stage.run(several);
  EXPECT_EQ(sorted(seen.writes.acknowledged), saw["acknowledged"]);
  EXPECT_TRUE(seen.writes.unanswered.empty());
  EXPECT_TRUE(seen.writes.refused.empty());
}

TEST_F(writes, one_in_flight_when_the_candidate_dies_is_unanswered) {
  several.routes = {order()};
  several.phases = {phase("one", 100, 1s)};
  stage.server.decide_on = [&](std::string_view request) {
    saw["seen"].insert(key_in(request));
    return reply{.after = 15ms, .bytes = answer_of(201)};
  };
  stage.at(503ms, [&] { stage.kill_server(); });
  const workload_result seen = stage.run(several);
  EXPECT_EQ(seen.writes.acknowledged.size(), 49U);
  EXPECT_EQ(seen.writes.unanswered.size(), 2U);
  std::set<std::string> both = sorted(seen.writes.acknowledged);
  both.merge(sorted(seen.writes.unanswered));
  EXPECT_EQ(both, saw["seen"]);
}

// The first copy went into a connection that was closing: sent, and perhaps carried out. The second never left.
TEST_F(writes, one_that_was_sent_and_could_not_be_sent_again_is_unanswered) {
  several.routes = {order()};
  several.routes[0].headers = {{"Idempotency-Key", "{order}"}};
  several.phases = {phase("one", 10, 500ms)};
  several.connections = 1;
  stage.server.decide = [&](std::size_t connection, std::size_t request) {
    if (connection == 0 && request == 2) {
      stage.kill_server();
      return reply{.bytes = "", .next = reply::then::closes};
    }
    return reply{.bytes = answer_of(201)};
  };
  const workload_result seen = stage.run(several);
  EXPECT_EQ(seen.writes.acknowledged.size(), 2U);
  EXPECT_EQ(seen.writes.unanswered.size(), 1U);
  EXPECT_EQ(seen.resent, 1U);
  EXPECT_EQ(seen.phases[0].all.errors, (counts{{"connect", 3}}));
}

TEST_F(writes, a_resend_repeats_the_same_key_and_needs_an_idempotency_key) {
  for (const bool with_key : {false, true}) {
    several.routes = {order()};
    if (with_key) several.routes[0].headers = {{"Idempotency-Key", "{order}"}};
    several.phases = {phase("one", 100, 1s)};
    several.connections = 1;
    world again(latency);
    std::multiset<std::string> received;
    bool closing = false;
    again.server.decide_on = [&](std::string_view request) {
      received.insert(key_in(request));
      closing = !closing;
      if (closing) return reply{.bytes = answer_of(201)};
      return reply{.bytes = "", .next = reply::then::closes};
    };
    const workload_result seen = again.run(several);
    EXPECT_EQ(seen.writes.acknowledged.size(), with_key ? 100U : 50U);
    EXPECT_EQ(seen.writes.unanswered.size(), with_key ? 0U : 50U);
    EXPECT_EQ(seen.resent, with_key ? 99U : 0U);
    EXPECT_EQ(received.size(), with_key ? 199U : 100U);
    for (const std::string& key : seen.writes.unanswered) EXPECT_EQ(received.count(key), 1U);
  }
}

}  // namespace
}  // namespace assay::load
