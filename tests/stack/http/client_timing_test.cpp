// Every wait of the client ends, and to the nanosecond when it says.
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;

// The limits of `world`: connect 3 s, write 5 s, response 20 s, head 7 s, body 11 s.
struct timing {
  const char* name;
  script steps;
  duration expected;
  client_request request = {};
};

const std::string head_of_ten = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
const std::string head_of_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const client_request upload = {.verb = "PUT", .body = std::string(10'000'000, 'u')};

std::vector<timing> timings() {
  return {
      {"never_accepted_data", {waits(24h)}, 20s},
      {"never_answers", {read_request()}, 20s},
      {"interim_every_5_s",
       {read_request(), waits(5s), sends("HTTP/1.1 102 Processing\r\n\r\n"), waits(5s),
        sends("HTTP/1.1 102 Processing\r\n\r\n"), waits(5s), sends("HTTP/1.1 102 Processing\r\n\r\n"), waits(6s),
        sends(ok("too late"))},
       20s},
      {"head_stops", {read_request(), waits(2s), sends("HTTP/1.1 2")}, 9s},
      {"head_by_the_byte", {read_request(), waits(2s), drips(ok("slow"), 1s)}, 9s},
      {"head_begins_late", {read_request(), waits(19s), drips(ok("slow"), 1s)}, 26s},
      {"head_limit_equals_response_limit", {read_request(), waits(13s), drips(ok("slow"), 1s)}, 20s},
      {"body_never_begins", {read_request(), sends(head_of_ten)}, 11s},
      {"body_stops", {read_request(), sends(head_of_ten), waits(3s), sends("abc")}, 14s},
      {"body_too_slow", {read_request(), sends(head_of_ten), drips("0123456789", 12s)}, 11s},
      {"chunk_framing_by_the_byte",
       {read_request(), sends(head_of_chunks), sends("1\r\na\r\n"), drips("1;name=a-long-value\r\nb\r\n0\r\n\r\n", 1s)},
       11s},
      {"until_close_that_does_not_close", {read_request(), sends("HTTP/1.1 200 OK\r\n\r\nabc")}, 11s},
      {"reads_nothing", {waits(24h)}, 5s, upload},
      {"reads_nothing_but_talks",
       {waits(1s), sends("HTTP/1.1 102 Processing\r\n\r\n"), waits(1s), sends(head_of_ten + "abc"), waits(24h)},
       5s,
       upload},
  };
}

class timing_test : public testing::TestWithParam<timing> {};

TEST_P(timing_test, ends_exactly_at_its_limit) {
  world stage;
  stage.server.scripts = {GetParam().steps, {read_request(), sends(ok("fresh"))}};
  const auto outcomes = stage.exchange({GetParam().request, {.target = "/next"}});
  EXPECT_EQ(outcomes[0].failure(), label(errc::timed_out));
  EXPECT_EQ(outcomes[0].took, GetParam().expected) << outcomes[0].took.count();
  EXPECT_EQ(outcomes[1].body(), "fresh");
  EXPECT_EQ(stage.server.accepted, 2U);
  ASSERT_FALSE(outcomes[0].got);
  EXPECT_EQ(outcomes[0].got.error().reason, cancel_reason::deadline);
}

INSTANTIATE_TEST_SUITE_P(all, timing_test, testing::ValuesIn(timings()), named());

TEST(client_timing, a_slow_server_within_its_limits_is_waited_for) {
  world stage;
  stage.server.scripts = {{read_request(), waits(19s), sends("HTTP/1.1 200 OK\r\n"), waits(6s),
                           sends("Content-Length: 3\r\n\r\n"), waits(10s), drips("abc", 10s), read_request(),
                           sends(ok("next"))}};
  const auto outcomes = stage.exchange({{.target = "/"}, {.target = "/next"}}, 10s);
  EXPECT_EQ(outcomes[0].body(), "abc");
  EXPECT_EQ(outcomes[0].took, 19s + 6s + 10s + 20s);
  EXPECT_EQ(outcomes[1].body(), "next");
}

TEST(client_timing, an_answer_ends_the_upload_that_it_refuses) {
  for (const bool server_closes : {false, true}) {
    world stage;
    script refusing = {waits(1s), sends("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")};
    refusing.push_back(server_closes ? closes() : waits(24h));
    stage.server.scripts = {refusing, {read_request(), sends(ok("fresh"))}};
    const auto outcomes = stage.exchange({upload, {.target = "/next"}});
    EXPECT_EQ(outcomes[0].status(), 413) << outcomes[0].failure();
    EXPECT_EQ(outcomes[0].body(), "no");
    EXPECT_EQ(outcomes[0].took, 1s);
    EXPECT_EQ(outcomes[1].body(), "fresh");
    EXPECT_EQ(stage.counters().reused, 0U);
  }
}

TEST(client_timing, nobody_listening_is_refused_after_one_round_trip) {
  world stage({.latency = 40ms, .faults = {}});
  stage.listening = false;
  const auto outcomes = stage.exchange({{.target = "/"}});
  EXPECT_EQ(outcomes[0].failure(), label(errc::refused));
  EXPECT_EQ(outcomes[0].took, 80ms);
}

TEST(client_timing, connecting_ends_at_its_limit) {
  world stage({.latency = 1h, .faults = {}});
  stage.server.scripts = {{}};
  const auto outcomes = stage.exchange({{.target = "/"}});
  EXPECT_EQ(outcomes[0].failure(), label(errc::timed_out));
  EXPECT_EQ(outcomes[0].took, 3s);
}

task<void> send_within(world* stage, client_request request, duration span, outcome* into) {
  co_await with_deadline(saturating_add(stage->network().now(), span), world::send(stage, std::move(request), into));
}

TEST(client_timing, the_deadline_of_the_context_comes_first) {
  const std::vector<script> servers = {{waits(24h)},
                                       {read_request()},
                                       {read_request(), sends("HTTP/1.1 ")},
                                       {read_request(), sends(head_of_ten)},
                                       {read_request(), drips(head_of_ten + "0123456789", 1s)}};
  for (const script& steps : servers) {
    for (const client_request& request : {client_request{}, upload}) {
      world stage;
      stage.server.scripts = {steps};
      outcome got;
      stage.run(send_within(&stage, request, 4s, &got));
      EXPECT_EQ(got.failure(), label(errc::timed_out));
      EXPECT_EQ(got.took, 4s);
    }
  }
}

task<void> warm_then_late(world* stage, std::vector<outcome>* into) {
  co_await world::send(stage, {.target = "/warm"}, &(*into)[0]);
  co_await send_within(stage, {.verb = "POST", .target = "/late"}, 0s, &(*into)[1]);
  co_await world::send(stage, {.target = "/after"}, &(*into)[2]);
}

TEST(client_timing, what_is_too_late_already_is_not_sent) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("x")), again()}};
  std::vector<outcome> outcomes(3);
  stage.run(warm_then_late(&stage, &outcomes));
  EXPECT_EQ(outcomes[1].failure(), label(errc::timed_out));
  EXPECT_EQ(outcomes[2].body(), "x");
  EXPECT_EQ(stage.server.requests.size(), 2U);
  EXPECT_EQ(stage.server.accepted, 1U);
}

}  // namespace
}  // namespace assay::http::client_test
