// Redirects that are followed, in virtual time: what of the run they take.
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration latency = 50us;
constexpr duration there_and_back = 2 * latency;

std::string redirect_to(std::string_view location, int status = 302) {
  return answer_of(status, "Location: " + std::string(location) + "\r\n");
}

struct following : ::testing::Test {
  following() {
    stage.options.rate_per_s = 10;
    stage.options.length = 1s;
    stage.options.connections = 1;
    stage.options.url = "http://127.0.0.1:8080/old";
    stage.options.follow = 3;
    stage.server.decide_on = [this](std::string_view request) {
      targets.emplace_back(request.substr(0, request.find(" HTTP")));
      return answers(request);
    };
  }
  static reply old_leads_to(std::string_view request, std::string_view location) {
    return request.starts_with("GET /old ") ? reply{.after = 10ms, .bytes = redirect_to(location)}
                                            : reply{.after = 5ms};
  }
  world stage{latency};
  std::vector<std::string> targets;
  std::function<reply(std::string_view)> answers = [](std::string_view request) {
    return old_leads_to(request, "/new");
  };
};

TEST_F(following, takes_the_time_of_the_request_that_met_it) {
  const outcome seen = stage.run();
  EXPECT_TRUE(seen.judged.valid);
  EXPECT_EQ(targets.size(), 20U);
  EXPECT_EQ(targets[1], "GET /new");
  EXPECT_EQ(seen.judged.requests, 10U) << "the redirects are no responses of their own";
  EXPECT_EQ(seen.judged.redirects, 10U);
  EXPECT_EQ(seen.measured.statuses[200], 10U);
  EXPECT_EQ(seen.response().min(), ns(15ms + 2 * there_and_back));
  EXPECT_EQ(seen.response().max(), ns(15ms + 2 * there_and_back));
  EXPECT_EQ(seen.service().max(), ns(15ms + 2 * there_and_back));
  EXPECT_EQ(seen.lag().max(), 0U);
  EXPECT_EQ(seen.judged.connects, 1U);
}

TEST_F(following, is_asked_for) {
  stage.options.follow = 0;
  const outcome seen = stage.run();
  EXPECT_EQ(targets.size(), 10U);
  EXPECT_EQ(seen.measured.statuses[302], 10U) << "an answer like any other";
  EXPECT_TRUE(seen.judged.errors.empty());
  EXPECT_EQ(seen.judged.redirects, 0U);
}

TEST_F(following, ends_in_an_error_where_it_goes_round) {
  answers = [](std::string_view request) { return old_leads_to(request, "/old"); };
  const outcome seen = stage.run();
  EXPECT_EQ(targets.size(), 40U) << "the request and three redirects";
  EXPECT_EQ(seen.judged.errors, (std::map<std::string, std::uint64_t>{{"redirects", 10}}));
  EXPECT_EQ(seen.judged.requests, 10U) << "the last redirect is the answer";
  EXPECT_EQ(seen.judged.good_rps, 0);
  EXPECT_EQ(seen.response().max(), ns(4 * (10ms + there_and_back)));
}

TEST_F(following, ends_in_an_error_where_it_leads_elsewhere) {
  stage.options.checks = {};
  answers = [](std::string_view request) { return old_leads_to(request, "https://127.0.0.1:8080/new"); };
  const outcome seen = stage.run();
  EXPECT_EQ(targets.size(), 10U);
  EXPECT_EQ(seen.judged.errors, (std::map<std::string, std::uint64_t>{{"redirect_elsewhere", 10}}));
}

TEST_F(following, opens_another_connection_where_the_server_closes_the_first) {
  answers = [](std::string_view request) {
    reply made = old_leads_to(request, "/new");
    if (!request.starts_with("GET /old ")) return made;
    made.bytes = answer_of(302, "Location: /new\r\nConnection: close\r\n");
    made.next = reply::then::closes;
    return made;
  };
  const outcome seen = stage.run();
  EXPECT_TRUE(seen.judged.errors.empty());
  EXPECT_EQ(seen.judged.connects, 11U) << "the answer to the second leaves it open";
  EXPECT_EQ(seen.response().max(), ns(15ms + 3 * there_and_back)) << "connecting is part of it";
}

TEST_F(following, opens_another_connection_where_the_server_closes_the_first_without_a_word) {
  answers = [](std::string_view request) {
    reply made = old_leads_to(request, "/new");
    if (request.starts_with("GET /old ")) made.next = reply::then::closes;
    return made;
  };
  const outcome seen = stage.run();
  EXPECT_TRUE(seen.judged.errors.empty()) << ::testing::PrintToString(seen.judged.errors);
  EXPECT_EQ(seen.judged.requests, 10U);
  EXPECT_EQ(seen.judged.redirects, 10U);
  EXPECT_EQ(targets.size(), 20U) << "the request itself is not sent again";
}

TEST_F(following, tells_of_a_stall_between_two_sends) {
  stage.options.length = 10s;
  stage.freeze_loop(4s + 5ms, 4205ms);  // the redirect lies there unread
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.stalls.count, 1U);
  EXPECT_GE(seen.judged.stalls.touched_requests, 1U);
  ASSERT_FALSE(seen.judged.stalls.touched.empty());
  EXPECT_LT(seen.judged.stalls.touched.back().least_ns, 40e6);
}

TEST_F(following, is_within_the_timeout_of_the_request) {
  stage.options.timeout = 40ms;
  answers = [](std::string_view request) {
    return request.starts_with("GET /old ") ? reply{.after = 30ms, .bytes = redirect_to("/new")} : reply{.after = 30ms};
  };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.failed(failure_kind::timed_out), 10U);
  EXPECT_EQ(seen.response().min(), ns(40ms)) << "from its first send";
  EXPECT_EQ(seen.response().max(), ns(40ms + there_and_back)) << "the others have to connect first";
}

TEST_F(following, fails_where_no_other_connection_can_be_opened) {
  answers = [](std::string_view) {
    return reply{
        .after = 10ms, .bytes = answer_of(302, "Location: /new\r\nConnection: close\r\n"), .next = reply::then::closes};
  };
  stage.at(10ms + latency + 10us, [&] { stage.kill_server(); });  // the first answer is on its way
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.errors, (std::map<std::string, std::uint64_t>{{"connect", 10}}));
  EXPECT_EQ(targets.size(), 1U);
}

}  // namespace
}  // namespace assay::load
