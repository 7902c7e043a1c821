// What sessions do, in virtual time.
#include <array>
#include <set>

#include "tests/lab/load/sessions_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration there_and_back = 2 * latency;

TEST_F(sessions, arrive_by_the_schedule_and_think_between_their_requests) {
  scenarios[0].think = pause(300ms);
  std::vector<duration> firsts, seconds;
  server.decide_on = [&](std::string_view request) {
    (request.starts_with("GET /a ") ? firsts : seconds).push_back(network->now() - start);
    return reply{.after = 20ms};
  };
  options.length = 2s;
  const model::load_result seen = run();
  EXPECT_EQ(seen.model, model::load_model::partly_open);
  EXPECT_TRUE(seen.valid) << seen.reasons.front();
  ASSERT_EQ(firsts.size(), 20U);
  ASSERT_GE(seconds.size(), 17U);
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    EXPECT_EQ(firsts[i], i * 100ms + there_and_back + latency) << "connecting, and the way there";
    EXPECT_EQ(seconds[i], firsts[i] + 20ms + there_and_back + 300ms) << "from the end of the answer";
  }
  ASSERT_EQ(seen.routes.size(), 2U);
  EXPECT_EQ(seen.routes[0].name, "s/GET /a");
  const observe::histogram& second = seen.routes[1].latency.response_time;
  EXPECT_EQ(second.min(), ns(20ms + there_and_back)) << "what the user thought is not in it";
  EXPECT_EQ(second.max(), ns(20ms + there_and_back));
  EXPECT_EQ(seen.routes[1].latency.send_lag.max(), 0U);
  EXPECT_EQ(seen.routes[0].latency.response_time.max(), ns(20ms + 2 * there_and_back));
  ASSERT_EQ(seen.sessions.size(), 1U);
  EXPECT_EQ(seen.sessions[0].started, 20U);
  EXPECT_EQ(seen.sessions[0].cut, 20 - seconds.size()) << "steps that were meant for after the end";
  EXPECT_EQ(seen.sessions[0].time.max(), ns(340ms + 3 * there_and_back));
  EXPECT_EQ(seen.sessions[0].most_at_once, 4U);
  EXPECT_EQ(live.answers, seen.requests);
}

TEST_F(sessions, follow_a_redirect_with_the_cookies_that_it_sets) {
  options.follow = 1;
  scenarios[0].steps = {step("POST", "/login"), step("GET", "/done")};
  scenarios[0].steps[0].takes = {{.name = "id", .from = model::extraction::kind::body, .after = "id=", .before = ";"}};
  std::vector<std::string> seen_requests;
  server.decide_on = [&](std::string_view request) {
    seen_requests.emplace_back(request);
    if (request.starts_with("POST /login ")) {
      return reply{.bytes = answer_of(303, "Location: /home\r\nSet-Cookie: sid=7\r\n")};
    }
    return reply{.bytes = answer_of(200, "", "id=5;")};
  };
  const model::load_result seen = run();
  EXPECT_TRUE(seen.errors.empty()) << "the value is taken from the last answer";
  EXPECT_EQ(seen.redirects, 10U);
  EXPECT_EQ(seen.requests, 20U);
  EXPECT_EQ(seen.sessions[0].finished, 10U);
  ASSERT_EQ(seen_requests.size(), 30U);
  EXPECT_FALSE(seen_requests[0].contains("Cookie"));
  EXPECT_TRUE(seen_requests[1].starts_with("GET /home HTTP/1.1\r\nCookie: sid=7\r\n")) << seen_requests[1];
  EXPECT_TRUE(seen_requests[2].starts_with("GET /done HTTP/1.1\r\nCookie: sid=7\r\n")) << seen_requests[2];
  EXPECT_EQ(seen.routes[0].latency.response_time.max(), ns(3 * there_and_back)) << "connecting, and two exchanges";
}

TEST_F(sessions, of_several_scenarios_come_in_stages_of_their_own) {
  scenarios[0].steps.pop_back();
  scenarios.push_back({.name = "t", .stages = {"1s@10", "1s@10*5"}, .steps = {step("GET", "/c")}});
  scenarios[0].rate_per_s.reset();
  scenarios[0].stages = {"3s@20"};
  const model::load_result seen = run();
  EXPECT_EQ(seen.duration, 3s) << "as long as the longest";
  EXPECT_EQ(seen.sessions[0].offered, 60U);
  EXPECT_EQ(seen.sessions[1].offered, 60U) << "then it has no more";
  ASSERT_EQ(seen.stages.size(), 3U);
  EXPECT_EQ(seen.stages[0].offered, 30U);
  EXPECT_EQ(seen.stages[1].offered, 70U);
  EXPECT_EQ(seen.stages[1].shape, "30*2.33333/s");
  EXPECT_TRUE(seen.stages[1].burst) << "and is watched";
  EXPECT_EQ(seen.stages[2].offered, 20U);
  EXPECT_EQ(seen.routes[1].offered, 60U);
}

TEST_F(sessions, that_find_no_place_are_charged_as_late) {
  scenarios[0].steps.pop_back();
  options.connections = 1;
  server.decide = [](std::size_t, std::size_t) { return reply{.after = 250ms}; };
  const model::load_result seen = run();
  EXPECT_TRUE(seen.valid) << "the limit is not the generator's lateness: " << seen.reasons.front();
  EXPECT_EQ(seen.requests, 10U);
  EXPECT_EQ(seen.sessions[0].waited, 9U);
  EXPECT_EQ(seen.sessions[0].most_at_once, 1U);
  const duration one = 250ms + 2 * there_and_back;
  EXPECT_EQ(seen.latency.response_time.max(), ns(10 * one - 900ms)) << "from when the tenth was due";
  EXPECT_EQ(seen.latency.send_lag.max(), ns(9 * one - 900ms + there_and_back));
  EXPECT_LE(seen.generator.own_lag_max_ns, ns(1us));
}

TEST_F(sessions, that_find_places_at_one_moment_have_all_waited) {
  scenarios[0].steps.pop_back();
  options.connections = 2;
  server.decide_on = [&](std::string_view) {
    return reply{.after = std::max(duration::zero(), 550ms - (network->now() - start))};
  };
  const model::load_result seen = run();
  EXPECT_EQ(seen.sessions[0].waited, 4U) << "due at 200 to 500 ms";
  EXPECT_LE(seen.generator.own_lag_max_ns, ns(1us));
}

TEST_F(sessions, that_never_had_a_place_are_in_the_percentiles) {
  scenarios[0].steps.pop_back();
  options.connections = 1;
  options.timeout = 1s;
  server.decide = [](std::size_t, std::size_t) { return reply{.after = 450ms}; };
  const model::load_result seen = run();
  EXPECT_EQ(seen.offered_requests, 10U);
  EXPECT_EQ(seen.sessions[0].offered, 10U);
  EXPECT_EQ(seen.sessions[0].started, 5U);
  EXPECT_EQ(seen.errors.at("unsent"), 5U);
  EXPECT_EQ(seen.errors.at("undrained"), 1U);
  EXPECT_EQ(seen.latency.response_time.count(), 10U);
  EXPECT_EQ(seen.latency.response_time.max(), ns(2s - 400ms)) << "the fifth was under way, the sixth due at 0.5 s";
}

TEST_F(sessions, log_in_keep_their_cookie_and_send_what_they_were_given) {
  model::scenario_step login = step("POST", "/login");
  login.request.body = "user={user}";
  login.takes = {{.name = "id", .from = model::extraction::kind::json, .what = "cart.id"}};
  model::scenario_step order = step("POST", "/orders/{id}");
  order.request.body = R"({{"user":"{user}"}})";
  scenarios[0].steps = {login, order};
  scenarios[0].values["user"].from = model::value_source::kind::uuid;
  std::map<std::string, std::string> cookie_of;  // by cart
  std::set<std::string> ordered;
  server.decide_on = [&](std::string_view request) {
    const std::string user(request.substr(request.size() - 36 - (request.contains("/orders/") ? 2 : 0), 36));
    if (request.starts_with("POST /login ")) {
      EXPECT_FALSE(request.contains("Cookie:"));
      cookie_of["c" + user] = user;
      return reply{.bytes = answer_of(200, "Set-Cookie: sid=" + user + "; Path=/; HttpOnly\r\n",
                                      R"({"cart":{"id":"c)" + user + R"("}})")};
    }
    const std::string cart(request.substr(13, 37));
    EXPECT_TRUE(request.contains("\r\nCookie: sid=" + cookie_of[cart] + "\r\n")) << request;
    EXPECT_EQ("c" + user, cart) << "one user a session";
    ordered.insert(cart);
    return reply{.bytes = answer_of(201)};
  };
  const model::load_result seen = run();
  EXPECT_EQ(seen.sessions[0].finished, 10U);
  EXPECT_EQ(ordered.size(), 10U) << "each session is a user of its own";
  EXPECT_TRUE(seen.errors.empty());
}

TEST_F(sessions, without_cookies_send_none) {
  scenarios[0].cookies = false;
  server.decide_on = [](std::string_view request) {
    EXPECT_FALSE(request.contains("Cookie:"));
    return reply{.bytes = answer_of(200, "Set-Cookie: a=b\r\n")};
  };
  EXPECT_EQ(run().sessions[0].finished, 10U);
}

TEST_F(sessions, end_with_what_they_need_and_do_not_get) {
  scenarios[0].steps[0].takes = {{.name = "id", .from = model::extraction::kind::header, .what = "x-id"}};
  scenarios[0].steps[1] = step("GET", "/b/{id}");
  std::size_t asked = 0;
  const std::array<std::string, 5> ids = {"", "X-Id: 7\r\n", "X-Id: \r\n", "X-Id: a b\r\n", "X-Id: 8\r\n"};
  server.decide_on = [&](std::string_view request) {
    if (request.starts_with("GET /b/")) {
      EXPECT_TRUE(request.starts_with("GET /b/7 ") || request.starts_with("GET /b/8 ")) << request;
      return reply{};
    }
    return reply{.bytes = answer_of(200, ids[asked++ % ids.size()])};
  };
  const model::load_result seen = run();
  EXPECT_EQ(seen.errors.at("check_extract"), 6U) << "absent, empty, and of what no URL may hold";
  EXPECT_EQ(seen.sessions[0].abandoned, 6U);
  EXPECT_EQ(seen.sessions[0].finished, 4U);
  EXPECT_EQ(seen.requests, 14U) << "nothing is sent after it";
  EXPECT_EQ(seen.routes[1].offered, 4U);
}

TEST_F(sessions, end_with_an_error_of_any_step) {
  scenarios[0].steps[0].checks = {"body~ok"};
  std::size_t asked = 0;
  server.decide_on = [&](std::string_view request) {
    if (request.starts_with("GET /b ")) return reply{};
    const std::size_t turn = asked++ % 3;
    if (turn == 0) return reply{.bytes = answer_of(503)};
    return reply{.bytes = answer_of(200, "", turn == 1 ? "no" : "ok")};
  };
  const model::load_result seen = run();
  EXPECT_EQ(seen.errors.at("status_5xx"), 4U);
  EXPECT_EQ(seen.errors.at("check_body"), 3U);
  EXPECT_EQ(seen.sessions[0].abandoned, 7U);
  EXPECT_EQ(seen.routes[1].answered, 3U);
}

TEST_F(sessions, open_another_connection_when_the_server_has_closed_theirs) {
  scenarios[0].think = pause(50ms);
  server.decide = [](std::size_t, std::size_t) { return reply{.next = reply::then::closes}; };
  const model::load_result seen = run();
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_EQ(seen.sessions[0].finished, 10U);
  EXPECT_EQ(seen.connects, 21U) << "one to see that there is anybody";
}

TEST_F(sessions, may_use_a_connection_for_so_many_requests_alone) {
  scenarios[0].steps = {step("GET", "/a"), step("GET", "/b"), step("GET", "/c")};
  options.per_connection = 2;
  EXPECT_EQ(run().connects, 21U);
}

TEST_F(sessions, of_several_scenarios_have_each_its_own_rate_and_rows) {
  scenarios.push_back({.name = "t", .rate_per_s = 4, .steps = {step("GET", "/a")}});
  options.length = 2s;
  const model::load_result seen = run();
  ASSERT_EQ(seen.sessions.size(), 2U);
  EXPECT_EQ(seen.sessions[0].finished, 20U);
  EXPECT_EQ(seen.sessions[1].name, "t");
  EXPECT_EQ(seen.sessions[1].finished, 8U);
  ASSERT_EQ(seen.routes.size(), 3U);
  EXPECT_EQ(seen.routes[2].name, "t/GET /a");
  EXPECT_EQ(seen.routes[2].answered, 8U);
  EXPECT_NEAR(seen.routes[2].share, 4.0 / 24, 1e-9);
  EXPECT_EQ(*seen.offered_rps, 24.0) << "requests that were due, of sessions that were asked for";
}

TEST_F(sessions, repeat_exactly_with_the_seed) {
  scenarios[0].arrivals = model::arrival_law::poisson;
  scenarios[0].think = model::think_time{.law = model::think_time::kind::lognormal, .mean = 30ms, .cv = 1};
  scenarios[0].steps[1] = step("GET", "/b/{n}");
  scenarios[0].steps[1].request.values["n"] = integers(model::value_source::kind::integer, 1, 1'000'000);
  std::vector<std::string> all;
  server.decide_on = [&](std::string_view request) {
    all.push_back(std::to_string((network->now() - start).count()) + std::string(request));
    return reply{};
  };
  run();
  const std::vector<std::string> once = std::exchange(all, {});
  run();
  EXPECT_EQ(all, once);
  options.seed = 2;
  all.clear();
  run();
  EXPECT_NE(all, once);
}

TEST_F(sessions, that_are_interrupted_are_cut_and_keep_what_was_measured) {
  scenarios[0].think = pause(200ms);
  options.length = 60s;
  stop_at = 1050ms;
  const model::load_result seen = run();
  EXPECT_TRUE(seen.interrupted);
  EXPECT_EQ(seen.duration, 1050ms);
  EXPECT_EQ(seen.sessions[0].offered, 11U);
  EXPECT_EQ(seen.sessions[0].cut, 2U) << "those of 0.9 and 1 s were thinking";
  EXPECT_EQ(seen.sessions[0].finished, 9U);
  EXPECT_LE(took, 1050ms + 500ms);
}

TEST_F(sessions, that_hang_when_the_drain_ends_are_charged) {
  options.timeout = 300ms;
  server.decide_on = [&](std::string_view) {
    return reply{.after = network->now() - start > 850ms ? never_answers : duration::zero()};
  };
  const model::load_result seen = run();
  EXPECT_EQ(seen.errors.at("timed_out"), 1U);
  EXPECT_EQ(seen.sessions[0].abandoned, 1U);
  EXPECT_EQ(seen.sessions[0].finished, 9U);
}

TEST_F(sessions, of_a_stage_count_in_it) {
  scenarios[0].rate_per_s.reset();
  options.stages = {{.rate_per_s = 10, .length = 1s}, {.rate_per_s = 20, .length = 1s}};
  const model::load_result seen = run();
  ASSERT_EQ(seen.stages.size(), 2U);
  EXPECT_EQ(seen.stages[0].offered, 20U);
  EXPECT_EQ(seen.stages[1].offered, 40U);
}

}  // namespace
}  // namespace assay::load
