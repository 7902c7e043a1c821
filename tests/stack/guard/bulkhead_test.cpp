#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/guard/bulkhead/layer.hpp"
#include "stack/guard/timeout/layer.hpp"
#include "tests/stack/guard/guard_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::bulkhead {
namespace {

using namespace std::chrono_literals;
using guard::testing::bare_request;
using guard::testing::calls;
using guard::testing::fake_host;
using http::testing::get;
using http::testing::play;
using http::testing::report;
using http::testing::split_responses;
using http::testing::statuses;
using ::testing::ElementsAre;

TEST(bulkhead_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({.name = "shop"}));
  EXPECT_EQ(check({}).error(), "bulkhead.name is \"\"; allowed: 1 to 64 of a-z, 0-9, '_', '-' and '.'");
  EXPECT_EQ(check({.name = "The Shop"}).error(),
            "bulkhead.name is \"The Shop\"; allowed: 1 to 64 of a-z, 0-9, '_', '-' and '.'");
  EXPECT_EQ(check({.name = "shop", .max_in_flight = 0, .max_wait = 0s}).error(),
            "bulkhead(shop).max_in_flight is 0; allowed: 1 to 1000000\n"
            "bulkhead(shop).max_wait is 0 s; allowed: 1 ms to 60 s");
  EXPECT_DEATH(policy({}), "options are checked");
}

TEST(bulkhead_selection, is_a_path_and_all_below_it) {
  const selection reports = under("/reports");
  for (const char* inside : {"/reports", "/reports/7", "/reports?day=1", "http://test/reports/7"}) {
    EXPECT_TRUE(reports.has(bare_request(inside))) << inside;
  }
  for (const char* outside : {"/", "/report", "/reportsold", "/a/reports"}) {
    EXPECT_FALSE(reports.has(bare_request(outside))) << outside;
  }
  EXPECT_TRUE(under("/").has(bare_request("/any")));
}

// --- in front of a handler
// ---------------------------------------------------------------------------------------------

// "/sleep" takes 100 ms, and the connection ends with it.
http::testing::client_script one(duration at, const std::string& target) {
  return {.pieces = {{at, get(target, "connection: close\r\n")}}};
}

TEST(bulkhead, who_waits_for_a_place_waits_no_longer_than_the_timeout_outside_says) {
  const auto part =
      std::make_shared<policy>(options{.name = "naps", .max_in_flight = 1, .max_waiting = 1, .max_wait = 10s});
  const auto limit = std::make_shared<timeout::policy>(timeout::options{.limit = 50ms});
  const handler_layer both = steps(timeout::step(limit), step({{.part = part, .belongs = under("/long")}}));
  const auto serve = both(http::testing::answer_target);
  const permit taken = part->enter_at_once();
  const report seen = play({.serve = serve, .clients = {one(0ms, "/long")}});
  EXPECT_EQ(seen.clients[0].when("504"), 50ms);
  EXPECT_EQ(part->counted().refused_waiting, 0U) << "its own limit was not what ended it";
  EXPECT_EQ(part->waiting(), 0U);
}

TEST(bulkhead, walls_within_walls_are_one_step_and_a_request_takes_a_place_of_each) {
  const auto outer = std::make_shared<policy>(options{.name = "outer", .max_in_flight = 2});
  const auto inner = std::make_shared<policy>(
      options{.name = "inner", .max_in_flight = 1, .max_waiting = 1, .max_wait = 500ms, .retry_after = 3s});
  const step walls({{.part = outer, .belongs = under("/")}, {.part = inner, .belongs = under("/sleep")}});
  const report seen = play({.serve = steps(walls)(http::testing::answer_target),
                            .clients = {one(0ms, "/sleep"),   // both places, for 100 ms
                                        one(10ms, "/sleep"),  // the outer one, and waits for the inner
                                        one(20ms, "/a"),      // finds no outer one
                                        one(110ms, "/a")}});
  EXPECT_EQ(seen.clients[0].when("200"), 100ms);
  EXPECT_EQ(seen.clients[1].when("200"), 200ms);
  EXPECT_EQ(seen.clients[2].when("503"), 20ms);
  EXPECT_EQ(seen.clients[3].when("200"), 110ms);
  EXPECT_EQ(inner->counted().waited, 1U);
  EXPECT_EQ(outer->counted().refused_full, 1U);
  EXPECT_EQ(outer->in_flight() + inner->in_flight(), 0U);
}

TEST(bulkhead, a_slow_part_takes_its_own_places_and_leaves_the_others_theirs) {
  const auto part = std::make_shared<policy>(options{.name = "naps", .max_in_flight = 2, .retry_after = 7s});
  const report seen = play({.serve = layer(part, under("/sleep"))(http::testing::answer_target),
                            .clients = {one(0ms, "/sleep"), one(0ms, "/sleep"), one(10ms, "/sleep"), one(20ms, "/a"),
                                        one(101ms, "/sleep")}});
  EXPECT_EQ(seen.clients[0].when("200"), 100ms);
  EXPECT_EQ(seen.clients[1].when("200"), 100ms);
  EXPECT_EQ(seen.clients[2].when("503"), 10ms);
  EXPECT_EQ(split_responses(seen.clients[2]).at(0).header("retry-after"), "7");
  EXPECT_EQ(split_responses(seen.clients[2]).at(0).body, "naps is busy\n");
  EXPECT_EQ(seen.clients[3].when("200"), 20ms);
  EXPECT_EQ(seen.clients[4].when("200"), 201ms);
  EXPECT_EQ(part->counted().entered, 3U) << "what does not belong to it takes no place";
  EXPECT_EQ(part->counted().refused_full, 1U);
  EXPECT_EQ(part->in_flight(), 0U);
}

TEST(bulkhead, a_short_line_evens_out_a_burst_and_has_an_end) {
  const auto part =
      std::make_shared<policy>(options{.name = "naps", .max_in_flight = 1, .max_waiting = 2, .max_wait = 95ms});
  const report seen = play({.serve = layer(part)(http::testing::answer_target),
                            .clients = {one(0ms, "/sleep"), one(3ms, "/sleep"), one(7ms, "/sleep"), one(8ms, "/a")}});
  EXPECT_EQ(seen.clients[0].when("200"), 100ms);
  EXPECT_EQ(seen.clients[1].when("503"), 98ms) << "2 ms too early";
  EXPECT_EQ(seen.clients[2].when("200"), 200ms);
  EXPECT_EQ(seen.clients[3].when("503"), 8ms) << "two wait already";
  EXPECT_EQ(part->counted().waited, 1U);
  EXPECT_EQ(part->counted().refused_waiting, 1U);
  EXPECT_EQ(part->counted().refused_full, 1U);
}

task<result<void>> drip(http::body_sink& to) {
  for (int i = 0; i < 4; ++i) {
    std::ignore = co_await to.write("drop");
    std::ignore = co_await delay_for(50ms);
  }
  co_return result<void>{};
}

task<http::response> stream(http::request&) {
  http::response reply;
  reply.stream = drip;
  co_return reply;
}

TEST(bulkhead, a_stream_keeps_its_place_to_its_end) {
  const auto part = std::make_shared<policy>(options{.name = "drips", .max_in_flight = 1});
  const report seen =
      play({.serve = layer(part)(stream), .clients = {one(0ms, "/"), one(199ms, "/"), one(201ms, "/")}});
  EXPECT_EQ(split_responses(seen.clients[0]).at(0).body, "dropdropdropdrop");
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(503));
  EXPECT_THAT(statuses(seen.clients[2]), ElementsAre(200));
  EXPECT_EQ(part->in_flight(), 0U);
}

// --- around exchanges
// --------------------------------------------------------------------------------------------------

TEST(bulkhead_call, a_slow_dependency_takes_no_more_callers_than_it_may) {
  fake_host shop{.takes = 1s};
  const auto part = std::make_shared<policy>(options{.name = "shop", .max_in_flight = 3});
  const auto got = calls(call_layer(part)(shop.exchange()), {{}, {}, {}, {.comes = 500ms}, {.comes = 1001ms}});
  EXPECT_EQ(shop.most_in_flight, 3);
  EXPECT_EQ(got[3].body(), "failed: limit");
  EXPECT_EQ(got[3].at, 500ms) << "at once";
  EXPECT_EQ(http_status(got[3].got.error()), 503);
  EXPECT_EQ(got[4].body(), "well");
}

TEST(bulkhead_call, a_response_in_pieces_keeps_its_place_until_it_has_been_read) {
  fake_host shop{.takes = 1s};
  shop.answer.source = std::make_shared<http::text_source>("large");
  const auto part = std::make_shared<policy>(options{.name = "shop", .max_in_flight = 1});
  {
    const auto got = calls(call_layer(part)(shop.exchange()), {{}, {.comes = 2s}});
    EXPECT_NE(got[0].got->source, nullptr);
    EXPECT_EQ(got[1].body(), "failed: limit");
    EXPECT_EQ(part->in_flight(), 1U);
  }
  EXPECT_EQ(part->in_flight(), 0U);
}

TEST(bulkhead_call, who_gives_up_leaves_the_line_and_the_place) {
  fake_host shop{.takes = 1s};
  const auto part =
      std::make_shared<policy>(options{.name = "shop", .max_in_flight = 1, .max_waiting = 1, .max_wait = 10s});
  const auto got = calls(
      call_layer(part)(shop.exchange()),
      {{.gives_up = 300ms}, {.comes = 100ms, .gives_up = 100ms}, {.comes = 250ms, .deadline = 40ms}, {.comes = 295ms}});
  EXPECT_EQ(got[0].body(), "failed: cancelled");
  EXPECT_EQ(got[1].at, 200ms);
  EXPECT_EQ(got[2].body(), "failed: timed_out") << "of its own deadline, not for want of places";
  EXPECT_EQ(got[2].at, 290ms);
  EXPECT_EQ(got[3].body(), "well");
  EXPECT_EQ(got[3].at, 1300ms) << "from when the first gave up";
  EXPECT_EQ(part->counted().refused_waiting, 0U);
  EXPECT_EQ(part->in_flight(), 0U);
  EXPECT_EQ(part->waiting(), 0U);
}

}  // namespace
}  // namespace assay::guard::bulkhead
