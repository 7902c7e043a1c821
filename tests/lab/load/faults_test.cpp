// Servers that fail, each in one way: the counts are exact, and nothing is counted twice or lost.
#include "tests/effort.hpp"
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration latency = 50us;  // one way

using counts = std::map<std::string, std::uint64_t>;

struct faults : ::testing::Test {
  faults() {
    stage.options.rate_per_s = 100;
    stage.options.length = 1s;
    stage.options.connections = 1;
  }
  void answers_with(std::string bytes, reply::then next = reply::then::stays) {
    stage.server.decide = [=](std::size_t, std::size_t) { return reply{.bytes = bytes, .next = next}; };
  }
  void expect(std::uint64_t answers, const counts& errors, std::uint64_t connects) {
    const outcome seen = stage.run();
    EXPECT_EQ(seen.due, 100U);
    EXPECT_EQ(seen.measured.answers, answers);
    EXPECT_EQ(seen.judged.errors, errors);
    EXPECT_EQ(seen.measured.connects, connects);
    EXPECT_EQ(seen.measured.own_lag.max(), 0U) << "a server's failure is not the generator's lateness";
    EXPECT_EQ(seen.judged.valid, answers > 0);
  }
  world stage{latency};
};

TEST_F(faults, a_port_where_nobody_listens_is_told_before_the_run) {
  stage.listening = false;
  const outcome seen = stage.run();
  ASSERT_FALSE(seen.connected);
  EXPECT_EQ(seen.connected.error().code, errc::refused);
  EXPECT_EQ(seen.due, 0U);
}

TEST_F(faults, a_server_that_goes_away_refuses_the_rest) {
  stage.at(505ms, [&] { stage.kill_server(); });
  expect(51, {{"connect", 49}}, 1);
}

// The candidate could have answered; that it was not asked is nothing to hold against it.
TEST_F(faults, a_generator_without_descriptors_is_its_own_fault) {
  answers_with(answer_of(200), reply::then::closes);
  stage.at(505ms, [&] { stage.set_faults({.max_sockets = 0}); });
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 51U);
  EXPECT_EQ(seen.judged.errors, (counts{{"own_limit", 49}}));
  ASSERT_EQ(seen.judged.reasons.size(), 1U);
  EXPECT_TRUE(seen.judged.reasons[0].starts_with("generator out of descriptors, local ports or memory: 49 requests"));
}

TEST_F(faults, garbage_is_no_response) {
  answers_with("220 mail.example ESMTP\r\n\r\n");
  expect(0, {{"protocol", 100}}, 100);
}

TEST_F(faults, a_connection_that_ends_before_any_answer) {
  answers_with("", reply::then::closes);
  expect(0, {{"closed", 100}}, 100);
}

TEST_F(faults, a_connection_that_ends_within_the_body) {
  answers_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", reply::then::closes);
  expect(0, {{"closed", 100}}, 100);
}

TEST_F(faults, a_fast_failure_is_kept_out_of_the_percentiles) {
  stage.server.decide = [](std::size_t connection, std::size_t) {
    return connection % 2 == 0 ? reply{.bytes = "", .next = reply::then::closes} : reply{.after = 1ms};
  };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.failed(failure_kind::closed), 1U);
  EXPECT_EQ(seen.response().count(), 99U);
  EXPECT_EQ(seen.response().min(), ns(1ms + 2 * latency));
}

// The end of the stream is here before the next request: nothing is sent into it, so a POST may go on too.
TEST_F(faults, a_keep_alive_connection_that_was_seen_to_close_is_not_used_again) {
  stage.options.method = "POST";
  answers_with(answer_of(200), reply::then::closes);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 100U);
  EXPECT_EQ(seen.measured.connects, 100U);
  EXPECT_EQ(seen.measured.resent, 0U);
  EXPECT_TRUE(seen.judged.errors.empty());
}

// What nobody asked for would pass for the answer to the next request, and for a very fast one.
TEST_F(faults, an_answer_that_came_late_and_unasked_is_not_taken_for_the_next) {
  stage.server.decide = [](std::size_t, std::size_t) {
    return reply{.bytes = answer_of(200) + answer_of(200), .drip = 10us};
  };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 100U);
  EXPECT_EQ(seen.measured.connects, 100U);
  EXPECT_EQ(seen.service().min(), seen.service().max()) << "none is faster than the server";
}

// The server closes instead of answering a second request: that is known too late.
reply closes_at_the_second(std::size_t, std::size_t request) {
  return request == 0 ? reply{} : reply{.bytes = "", .next = reply::then::closes};
}

TEST_F(faults, a_keep_alive_connection_closed_meanwhile_costs_an_idempotent_request_a_second_connection) {
  stage.server.decide = closes_at_the_second;
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 100U);
  EXPECT_EQ(seen.measured.connects, 100U);
  EXPECT_EQ(seen.measured.resent, 99U);
  EXPECT_TRUE(seen.judged.errors.empty());
}

TEST_F(faults, a_keep_alive_connection_closed_meanwhile_fails_a_request_that_may_not_be_repeated) {
  stage.options.method = "POST";
  stage.server.decide = closes_at_the_second;
  expect(50, {{"closed", 50}}, 50);
}

TEST_F(faults, only_one_resend) {
  stage.server.decide = [](std::size_t connection, std::size_t) {
    return reply{.bytes = connection == 0 ? answer_of(200) : std::string(), .next = reply::then::closes};
  };
  expect(1, {{"closed", 99}}, 100);
}

TEST_F(faults, an_interim_response_shows_that_the_connection_was_not_stale) {
  stage.server.decide = [](std::size_t, std::size_t request) {
    if (request == 0) return reply{};
    return reply{.bytes = "HTTP/1.1 100 Continue\r\n\r\n", .next = reply::then::closes};
  };
  expect(50, {{"closed", 50}}, 50);
}

TEST_F(faults, a_reset) {
  stage.options.method = "POST";
  stage.server.decide = [](std::size_t, std::size_t) {
    return reply{.after = 12ms, .bytes = answer_of(200), .next = reply::then::reads_no_more};
  };
  // Asked at 0, answered at 12.1 ms; the arrival of 10 ms is sent then, stays unread, and meets the reset at 24.05 ms.
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 50U);
  EXPECT_EQ(seen.judged.errors, (counts{{"reset", 50}}));
}

TEST_F(faults, connection_close_costs_a_connection_each) {
  answers_with(answer_of(200, "Connection: close\r\n"), reply::then::closes);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 100U);
  EXPECT_EQ(seen.measured.connects, 100U);
  EXPECT_TRUE(seen.judged.errors.empty());
  EXPECT_EQ(seen.service().max(), ns(2 * latency));
  EXPECT_EQ(seen.response().max(), ns(4 * latency)) << "the handshake is part of the response time";
  EXPECT_EQ(seen.measured.own_lag.max(), 0U);
}

TEST_F(faults, statuses_are_responses_and_errors) {
  stage.server.decide = [](std::size_t, std::size_t request) {
    return reply{.bytes = answer_of(request % 10 == 0 ? 500 : request % 10 < 4 ? 404 : request % 10 < 6 ? 302 : 200)};
  };
  expect(100, {{"status_4xx", 30}, {"status_5xx", 10}}, 1);
}

TEST_F(faults, an_answer_that_fails_a_check_is_an_answer_and_an_error) {
  for (const char* check : {"header:x-cache=HIT", "body~\"ok\":true", "json:n[0]=1"}) {
    ASSERT_TRUE(stage.options.checks.add(check));
  }
  stage.server.decide = [](std::size_t, std::size_t request) {
    constexpr std::string_view hit = "X-Cache: HIT\r\n";
    constexpr std::string_view good = R"({"ok":true,"n":[1]})";
    const std::array answers{answer_of(200, hit, good), answer_of(200, "X-Cache: MISS\r\n", good),
                             answer_of(200, hit, R"({"ok":false,"n":[1]})"),
                             answer_of(200, hit, R"({"ok":true,"n":[2]})"), answer_of(500)};
    return reply{.bytes = answers[request % 5], .drip = request < 5 ? duration(10us) : duration(0)};
  };
  expect(100, {{"check_header", 20}, {"check_body", 20}, {"check_json", 20}, {"status_5xx", 20}}, 1);
}

// One that is followed would be two requests under the name of one, and the time of both.
TEST_F(faults, a_redirect_is_an_answer_and_is_not_followed) {
  answers_with(answer_of(302, "Location: /elsewhere\r\n"));
  expect(100, {}, 1);
  EXPECT_EQ(stage.server.requests, 100U);
}

TEST_F(faults, a_status_that_a_check_demands) {
  ASSERT_TRUE(stage.options.checks.add("status=404"));
  stage.server.decide = [](std::size_t, std::size_t request) {
    return reply{.bytes = answer_of(request % 2 == 0 ? 404 : 200)};
  };
  expect(100, {{"status_unexpected", 50}}, 1);
}

TEST_F(faults, a_head_response_has_no_body_whatever_it_says) {
  stage.options.method = "HEAD";
  answers_with("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  expect(100, {}, 1);
}

TEST_F(faults, bodies_in_every_framing) {
  stage.server.decide = [](std::size_t, std::size_t request) {
    switch (request % 4) {
      case 0:
        return reply{.bytes =
                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"};
      case 1:
        return reply{.bytes = "HTTP/1.1 204 No Content\r\n\r\n"};
      case 2:
        return reply{.bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
                              answer_of(200, "", std::string(20'000, 'x'))};
      default:
        return reply{.bytes = "HTTP/1.1 200 OK\r\n\r\nuntil the end", .next = reply::then::closes};
    }
  };
  expect(100, {}, 25);
}

TEST_F(faults, bytes_beyond_the_response_answer_nothing) {
  answers_with(answer_of(200) + answer_of(200));
  expect(0, {{"protocol", 100}}, 100);
}

TEST_F(faults, an_upgrade_that_nobody_asked_for) {
  answers_with("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
  expect(0, {{"protocol", 100}}, 100);
}

TEST_F(faults, interim_responses_without_end) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += "HTTP/1.1 102 Processing\r\n\r\n";
  answers_with(many + answer_of(200));
  expect(0, {{"protocol", 100}}, 100);
}

TEST_F(faults, slow_heads_take_their_time_or_the_timeout) {
  const std::string bytes = answer_of(200, "", "");
  stage.options.rate_per_s = 1;
  stage.options.length = 2s;
  stage.options.connections = 2;
  stage.options.timeout = 1s;
  stage.server.decide = [=](std::size_t connection, std::size_t) {
    return reply{.bytes = bytes, .drip = connection == 0 ? duration(10ms) : duration(100ms)};
  };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 1U);
  EXPECT_EQ(seen.failed(failure_kind::timed_out), 1U);
  EXPECT_EQ(seen.service().min(), ns(2 * latency + static_cast<int>(bytes.size() - 1) * duration(10ms)));
  EXPECT_EQ(seen.service().max(), ns(1s));
}

TEST_F(faults, an_answer_that_comes_before_the_request_was_sent_spends_the_connection) {
  stage.options.method = "POST";
  stage.options.body = std::string(200'000, 'b');  // beyond the window: the answer meets a send under way
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.bytes = answer_of(413)}; };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 100U);
  EXPECT_EQ(seen.failed(failure_kind::status_4xx), 100U);
}

// Whatever happens to the bytes, each arrival ends once: world::run() proves it.
TEST(fault_injection, accounts_hold_under_any_faults) {
  constexpr unsigned seeds = seeds_to_try(150);
  std::uint64_t resets = 0;
  std::uint64_t answers = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    world stage(sim_options{.seed = seed, .latency = 200us, .window_bytes = 64});
    stage.options.rate_per_s = 2000;
    stage.options.arrivals = seed % 2 == 0 ? model::arrival_law::poisson : model::arrival_law::constant;
    stage.options.seed = seed;
    stage.options.length = 100ms;
    stage.options.connections = 1 + static_cast<unsigned>(seed % 5);
    stage.options.timeout = 20ms;
    stage.options.method = seed % 3 == 0 ? "POST" : "GET";
    if (seed % 7 == 0) stage.options.rate_per_s.reset();
    stage.server.decide = [seed](std::size_t connection, std::size_t request) {
      const std::size_t draw = (seed * 31 + connection * 7 + request * 13) % 50;
      return reply{.after = draw == 0 ? duration(30ms) : draw * 20us,
                   .next = draw == 1 ? reply::then::closes : reply::then::stays};
    };
    stage.at(1ms, [&stage] {
      stage.set_faults({.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.05, .deferred = 0.5, .reset = 0.01});
    });
    if (seed % 11 == 0) stage.at(60ms, [&stage] { stage.stop_load(); });
    if (seed % 13 == 0) stage.at(70ms, [&stage] { stage.kill_server(); });
    const outcome seen = stage.run();
    resets += seen.failed(failure_kind::reset);
    answers += seen.measured.answers;
  }
  EXPECT_GT(resets, seeds * 2 / 3);
  EXPECT_GT(answers, seeds * 33);
}

}  // namespace
}  // namespace assay::load
