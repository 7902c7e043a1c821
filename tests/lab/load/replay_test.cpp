// Replays in virtual time: what was recorded is sent at its instant, on its client's connection, in its order.
#include "tests/lab/load/replay_test_support.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "lab/learn/log_traffic.hpp"
#include "lab/load/counter_random.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr duration latency = 50us;  // one way

std::string reasons(const model::replay_result& seen) { return ::testing::PrintToString(seen.reasons); }

// An hour of two requests a second of 60 clients, with a POST in ten and a line without a request in a hundred; the
// path says which client and its how manieth request, without those that are not sent.
std::string hour_of_log() {
  std::string text;
  std::map<int, int> sent;
  std::uint64_t state = 7;
  for (int i = 0; i < 7200; ++i) {
    const int second = i / 2;
    const auto client = static_cast<int>(mix(++state) % 60);
    const std::string head = "10.0.0." + std::to_string(client) +
                             " - - [17/May/2015:10:" + std::to_string(100 + second / 60).substr(1) + ":" +
                             std::to_string(100 + second % 60).substr(1) + " +0000] ";
    if (i % 100 == 99) {
      text += head + R"("-" 400 0 "-" "-")"
                     "\n";
    } else if (i % 10 == 9) {
      text += head + R"("POST /orders HTTP/1.1" 201 2 "-" "test")"
                     "\n";
    } else {
      text += head + "\"GET /" + std::to_string(client) + "/" + std::to_string(sent[client]++) +
              R"( HTTP/1.1" 200 2 "-" "test")"
              "\n";
    }
  }
  return text;
}

model::recorded_traffic recorded_hour() {
  const auto path = std::filesystem::temp_directory_path() / ("replay_hour_" + std::to_string(::getpid()));
  std::ofstream(path) << hour_of_log();
  auto traffic = learn::read_log_traffic({.files = {path.string()}});
  std::filesystem::remove(path);
  if (!traffic) {
    ADD_FAILURE() << traffic.error();
    return {};
  }
  return std::move(*traffic);
}

// Each client's requests came in the order of the log, none twice and none missing.
void expect_order_per_client(const arrivals_seen& arrivals) {
  std::map<std::string, int> next;
  for (const auto& [at, path] : arrivals) {
    const std::size_t slash = path.find('/', 1);
    const std::string client = path.substr(0, slash);
    ASSERT_EQ(path, client + "/" + std::to_string(next[client]++));
  }
}

void replay_the_hour(double speed) {
  replay_world stage(latency);
  stage.traffic = recorded_hour();
  stage.options.speed = speed;
  stage.server.decide_on = [](std::string_view) { return reply{.after = 1ms}; };
  const model::replay_result seen = stage.run();

  EXPECT_EQ(seen.requests, 7128U);  // the other 72 lines are no requests
  EXPECT_EQ(seen.rejected.size(), 1U);
  EXPECT_THAT(seen.refused, ElementsAre(Pair("unsafe_method", 648U)));
  EXPECT_EQ(seen.answered, 6480U);
  EXPECT_EQ(seen.as_recorded, 6480U);
  EXPECT_EQ(seen.clients, 60U);
  EXPECT_EQ(seen.connects, 60U) << "a connection each";
  EXPECT_EQ(stage.server.accepted, 60U);
  EXPECT_TRUE(seen.valid) << reasons(seen);
  EXPECT_EQ(seen.own_lag.max(), 0U) << "in virtual time the replay is never late";
  EXPECT_EQ(seen.duration, seen.planned_duration);
  EXPECT_NEAR(std::chrono::duration<double>(seen.duration).count(), 3600 / speed, 2 / speed);
  ASSERT_EQ(stage.arrivals.size(), 6480U);
  expect_order_per_client(stage.arrivals);
  // Those whose client waited for no answer came when they were recorded, to the nanosecond.
  std::vector<duration> came;
  for (const auto& [at, path] : stage.arrivals) came.push_back(at - latency);
  std::ranges::sort(came);
  const auto is_late = [&came](const planned_request& each) { return !std::ranges::binary_search(came, each.due); };
  const auto late = static_cast<std::uint64_t>(std::ranges::count_if(stage.plan().sends, is_late));
  EXPECT_LE(late, 60U + seen.client_lag.count() - seen.client_lag.count_at_or_below(0))
      << "60 opened a connection first";
}

TEST(replay, an_hour_of_log_at_its_own_speed) { replay_the_hour(1); }

TEST(replay, an_hour_of_log_ten_times_as_fast) { replay_the_hour(10); }

TEST(replay, a_late_answer_delays_its_client_alone_and_is_no_lag_of_the_replay) {
  replay_world stage(latency);
  stage.request(0ms, 0, "/slow");
  stage.request(10ms, 0, "/after");
  stage.request(11ms, 1, "/other");
  stage.server.decide_on = [](std::string_view bytes) {
    return reply{.after = path_in(bytes) == "/slow" ? 100ms : 0ms};
  };
  const model::replay_result seen = stage.run();

  // The first client's connection is open before the start; the other's is opened when it is needed: a round trip.
  EXPECT_THAT(stage.arrivals, ElementsAre(Pair(duration(latency), "/slow"), Pair(11ms + 3 * latency, "/other"),
                                          Pair(100ms + 3 * latency, "/after")));
  EXPECT_EQ(seen.client_lag.max(), ns(90ms + 2 * latency));
  EXPECT_EQ(seen.own_lag.max(), 0U);
  EXPECT_EQ(seen.latency.send_lag.max(), ns(90ms + 2 * latency));
  EXPECT_EQ(seen.latency.response_time.max(), ns(100ms + 2 * latency));
  EXPECT_TRUE(seen.valid) << reasons(seen);
}

TEST(replay, who_was_idle_longest_makes_room_when_all_connections_are_open) {
  replay_world stage(latency);
  stage.options.connections = 2;
  for (int round = 0; round < 4; ++round) {
    for (std::uint32_t client = 0; client < 3; ++client) {
      const std::string path = "/" + std::to_string(client) + "/" + std::to_string(round);
      stage.request(round * 30ms + static_cast<int>(client) * 10ms, client, path);
    }
  }
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 12U);
  // Three take turns on two, so each finds its own closed; but the last of the last round, before which two had ended.
  EXPECT_EQ(seen.connects, 11U);
  EXPECT_EQ(seen.evicted, 8U);
  EXPECT_EQ(seen.waited, 0U);
  EXPECT_EQ(seen.own_lag.max(), 0U);
  expect_order_per_client(stage.arrivals);
}

TEST(replay, a_request_that_finds_no_connection_waits_and_that_is_the_replays_own_lag) {
  replay_world stage(latency);
  stage.options.connections = 2;
  for (std::uint32_t client = 0; client < 3; ++client) stage.request(0ms, client, "/" + std::to_string(client) + "/0");
  stage.request(100ms, 0, "/0/1");
  stage.server.decide_on = [](std::string_view) { return reply{.after = 1s}; };
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 4U);
  EXPECT_EQ(seen.waited, 1U);
  EXPECT_GE(seen.own_lag.max(), ns(1s));
  EXPECT_FALSE(seen.valid);
  EXPECT_THAT(seen.reasons, ElementsAre(HasSubstr("1 requests waited for one of 2 connections: raise -c")));
  expect_order_per_client(stage.arrivals);
}

TEST(replay, a_thread_that_does_not_run_makes_it_invalid) {
  replay_world stage(latency);
  for (int i = 0; i < 100; ++i) stage.request(i * 1ms, static_cast<std::uint32_t>(i), "/" + std::to_string(i) + "/0");
  stage.busy = {20'500us, 30ms};
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 100U);
  EXPECT_GE(seen.own_lag.max(), ns(29ms));
  EXPECT_EQ(seen.client_lag.max(), 0U);
  EXPECT_FALSE(seen.valid);
  EXPECT_THAT(seen.reasons, ElementsAre(HasSubstr("replay late: p99 28.5")));
}

TEST(replay, says_what_was_answered_then_and_now) {
  replay_world stage(latency);
  int at = 0;
  for (const auto& [path, recorded] : std::vector<std::pair<std::string, int>>{
           {"/200", 200}, {"/200", 304}, {"/200", 404}, {"/404", 404}, {"/500", 200}, {"/500", 200}, {"/200", 0}}) {
    stage.request(++at * 10ms, 0, path, recorded);
  }
  stage.server.decide_on = [](std::string_view bytes) {
    const std::string path = path_in(bytes);
    return reply{.bytes = answer_of(path == "/404" ? 404 : path == "/500" ? 500 : 200)};
  };
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 7U);
  EXPECT_EQ(seen.as_recorded, 4U) << "200 for 200, for 304 and for what is not known, 404 for 404";
  std::map<std::pair<int, int>, std::uint64_t> table;
  for (const model::status_pair& each : seen.statuses) table[{each.recorded, each.replayed}] = each.count;
  EXPECT_EQ(table,
            (std::map<std::pair<int, int>, std::uint64_t>{
                {{0, 200}, 1}, {{200, 200}, 1}, {{200, 500}, 2}, {{304, 200}, 1}, {{404, 200}, 1}, {{404, 404}, 1}}));
  EXPECT_TRUE(seen.failed.empty());
  EXPECT_EQ(seen.latency.expected_response_time.count(), 4U);
}

TEST(replay, a_failure_is_counted_by_kind_and_the_client_goes_on) {
  replay_world stage(latency);
  stage.options.timeout = 200ms;
  stage.request(0ms, 0, "/cut");
  stage.request(10ms, 0, "/good");
  stage.request(20ms, 0, "/silent");
  stage.request(30ms, 0, "/good");
  stage.server.decide_on = [](std::string_view bytes) {
    const std::string path = path_in(bytes);
    if (path == "/cut") return reply{.bytes = "", .next = reply::then::closes};
    return path == "/silent" ? reply{.after = never_answers} : reply{};
  };
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 2U);
  EXPECT_THAT(seen.failed, UnorderedElementsAre(Pair("closed", 1U), Pair("timed_out", 1U)));
  EXPECT_EQ(seen.sent, 4U);
  EXPECT_EQ(seen.connects, 3U);
  EXPECT_EQ(seen.own_lag.max(), 0U);
  EXPECT_GE(seen.client_lag.max(), ns(190ms)) << "the timeout of the one before";
}

TEST(replay, a_kept_alive_connection_that_was_closed_meanwhile_costs_nothing_but_a_new_one) {
  replay_world stage(latency);
  for (int i = 0; i < 4; ++i) stage.request(i * 10ms, 0, "/0/" + std::to_string(i));
  stage.server.decide_on = [](std::string_view) { return reply{.next = reply::then::closes}; };
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 4U);
  EXPECT_EQ(seen.connects, 4U);
  EXPECT_TRUE(seen.failed.empty());
  expect_order_per_client(stage.arrivals);
}

TEST(replay, what_the_drain_cannot_reach_is_charged) {
  replay_world stage(latency);
  stage.options.timeout = 5s;
  for (int i = 0; i < 4; ++i) stage.request(0ms, 0, "/0/" + std::to_string(i));
  stage.server.decide_on = [](std::string_view) { return reply{.after = 3s}; };
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 1U);
  EXPECT_THAT(seen.failed, UnorderedElementsAre(Pair("undrained", 1U), Pair("unsent", 2U)));
  EXPECT_EQ(seen.sent, 2U);
  EXPECT_EQ(seen.latency.response_time.max(), ns(5s));
}

// The drain of a slow last answer would make a thread that was busy all the time look as if it had time left.
TEST(replay, what_sending_costs_is_told_without_the_drain) {
  const auto sending_of = [](duration last, std::optional<duration> stops_at) {
    replay_world stage(latency);
    stage.request(0ms, 0, "/first");
    stage.request(last, 1, "/last");
    stage.stops_at = stops_at;
    stage.server.decide_on = [](std::string_view bytes) {
      return reply{.after = path_in(bytes) == "/last" ? 3s : 1ms};
    };
    stage.run();
    return stage.sending.wall;
  };
  EXPECT_EQ(sending_of(2s, std::nullopt), 2s);
  EXPECT_EQ(sending_of(20s, 5s), 5s) << "or until it was stopped";
  EXPECT_EQ(sending_of(3ms, std::nullopt), 1s) << "3 ms would show a thread that did nothing else";
}

TEST(replay, an_interrupted_one_keeps_what_it_has_and_says_what_it_did_not_reach) {
  replay_world stage(latency);
  for (int i = 0; i < 100; ++i) stage.request(i * 100ms, static_cast<std::uint32_t>(i % 5), "/" + std::to_string(i));
  stage.stops_at = 2'050ms;
  const model::replay_result seen = stage.run();
  EXPECT_TRUE(seen.interrupted);
  EXPECT_EQ(seen.answered, 21U);
  EXPECT_EQ(seen.not_reached, 79U);
  EXPECT_EQ(seen.duration, 2'050ms);
  EXPECT_TRUE(seen.valid) << reasons(seen);
}

TEST(replay, waiting_for_a_connection_ends_with_the_run) {
  replay_world stage(latency);
  stage.options.connections = 1;
  stage.options.timeout = 1s;
  stage.request(0ms, 0, "/0");
  stage.request(0ms, 1, "/1");
  stage.server.decide_on = [](std::string_view) { return reply{.after = never_answers}; };
  stage.stops_at = 100ms;
  const model::replay_result seen = stage.run();
  EXPECT_THAT(seen.failed, UnorderedElementsAre(Pair("undrained", 1U), Pair("unsent", 1U)));
}

TEST(replay, nobody_there_is_said_before_the_clock_runs) {
  replay_world stage(latency);
  stage.listening = false;
  stage.request(0ms, 0, "/");
  std::ignore = stage.run();
  ASSERT_FALSE(stage.connected);
  EXPECT_EQ(stage.connected.error().code, errc::refused);
}

TEST(replay, one_that_was_stopped_before_it_began_connects_to_nobody) {
  replay_world stage(latency);
  stage.stops_before_it_connects = true;
  stage.request(0ms, 0, "/");
  std::ignore = stage.run();
  ASSERT_FALSE(stage.connected);
  EXPECT_EQ(stage.connected.error().code, errc::cancelled);
  EXPECT_EQ(stage.server.accepted, 0U);
}

TEST(replay, a_server_that_never_answers_leaves_nothing_to_judge) {
  replay_world stage(latency);
  stage.options.timeout = 1s;
  stage.server.decide_on = [](std::string_view) { return reply{.after = 1h}; };
  stage.request(0ms, 0, "/");
  stage.request(100ms, 1, "/");
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.answered, 0U);
  EXPECT_FALSE(seen.valid) << "what timed out is in the histogram, and is no answer";
}

TEST(replay, a_thread_that_was_frozen_past_the_end_makes_it_invalid) {
  replay_world stage(latency);
  stage.options.timeout = 1s;
  for (int i = 0; i < 100; ++i) stage.request(i * 1ms, static_cast<std::uint32_t>(i % 10), "/");
  stage.busy.emplace(50ms, 1h);
  const model::replay_result seen = stage.run();
  EXPECT_FALSE(seen.valid);
  EXPECT_GT(seen.not_reached, 0U) << reasons(seen);
}

TEST(replay, the_schedule_counts_from_the_first_that_is_sent) {
  replay_world stage(latency);
  stage.request(0ms, 0, "/orders", 201, "POST");
  stage.request(1h, 0, "/a");
  stage.request(1h + 2s, 0, "/b");
  stage.options.speed = 4;
  const model::replay_result seen = stage.run();
  EXPECT_EQ(seen.planned_duration, 500ms);
  EXPECT_THAT(stage.arrivals, ElementsAre(Pair(duration(latency), "/a"), Pair(500ms + latency, "/b")));
}

TEST(replay_plan, refuses_what_cannot_be_run) {
  const auto why = [](replay_options options, std::string_view method = "GET") {
    model::recorded_traffic traffic;
    traffic.add({.method = method, .target = "/"});
    const auto plan = plan_replay(std::move(traffic), std::move(options));
    return plan ? std::string("it was planned") : plan.error();
  };
  EXPECT_THAT(why({.url = "http://a/path"}), HasSubstr("expected http://HOST[:PORT], the recording brings the path"));
  EXPECT_THAT(why({.url = "https://a"}), HasSubstr("https is not supported yet"));
  EXPECT_THAT(why({.url = "http://a", .speed = 0}), HasSubstr("--speed: expected 0.001 to 1000"));
  EXPECT_THAT(why({.url = "http://a", .connections = 0}), HasSubstr("connections -c"));
  EXPECT_EQ(why({.url = "http://a"}, "DELETE"), "nothing to send: of 1 requests the rules refuse 1 unsafe_method");
  model::recorded_traffic long_ago;
  long_ago.add({.at = 0ns, .method = "GET", .target = "/"});
  long_ago.add({.at = std::chrono::years(200), .method = "GET", .target = "/"});
  const auto centuries = plan_replay(std::move(long_ago), {.url = "http://a", .speed = 0.001});
  ASSERT_FALSE(centuries);
  EXPECT_THAT(centuries.error(), HasSubstr("expected at most 7"));
  EXPECT_EQ(why({.url = "http://a/"}), "it was planned");
}

}  // namespace
}  // namespace assay::load
