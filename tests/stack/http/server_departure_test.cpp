// A client that leaves before it is answered: what runs for it is cancelled at once, whatever it waits for, and nothing
// else is disturbed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// What became of the last request that waited.
struct work {
  std::optional<error> failure{};
  duration ended_at{};  // since the play began
  int begun = 0;
};

constexpr instant play_begins{1000s};

// "/quick" does not wait; all else takes `span`.
task<response> work_for(work* noted, duration span, request& asked) {
  const context& ctx = co_await this_context();
  noted->begun++;
  const result<std::string> body = co_await asked.read_all();
  if (!body) co_return response::for_body(body.error());
  if (asked.path() == "/quick") co_return response::text("quick");
  const result<void> done = co_await delay_for(span);
  noted->ended_at = ctx.on->turn_time() - play_begins;
  if (done) co_return response::text(std::string(asked.target()));
  noted->failure = done.error();
  co_return response::from(done.error());
}

handler working(work* noted, duration span) {
  return [noted, span] ASSAY_CORO_WRAPPER(request & asked) { return work_for(noted, span, asked); };
}

// Stays until everything else is over: the server drains when the last client has left.
client_script bystander(duration until = 60s) { return {.pieces = {}, .leave_at = until}; }

void expect_cancelled_at(const work& noted, duration when) {
  ASSERT_TRUE(noted.failure) << "it went on";
  EXPECT_EQ(noted.failure->code, errc::cancelled);
  EXPECT_EQ(noted.failure->reason, cancel_reason::peer_closed);
  EXPECT_EQ(noted.ended_at, when);
}

TEST(http_server_departure, cancels_what_runs_for_the_client) {
  work noted;
  const report seen = play({.serve = working(&noted, 20s),
                            .network = distant(1ms),
                            .clients = {{.pieces = {{0ms, get("/")}}, .leave_at = 3s}, bystander()}});
  expect_cancelled_at(noted, 3s + 1ms);
  EXPECT_EQ(seen.counters.departures, 1U);
  EXPECT_EQ(seen.counters.cut, 0U);
  EXPECT_EQ(seen.counters.timeouts(), 0U);
}

TEST(http_server_departure, is_heard_behind_a_body_that_came_in_pieces) {
  const std::string request = post("/", std::string(9000, 'x'));
  work noted;
  const report seen =
      play({.serve = working(&noted, 20s),
            .clients = {{.pieces = {{0ms, request.substr(0, 3000)}, {500ms, request.substr(3000)}}, .leave_at = 3s},
                        bystander()}});
  expect_cancelled_at(noted, 3s);
  EXPECT_EQ(seen.counters.departures, 1U);
}

TEST(http_server_departure, is_heard_on_a_connection_that_has_served) {
  work noted;
  const report seen = play(
      {.serve = working(&noted, 1s),
       .clients = {{.pieces = {{0ms, get("/a")}, {2s, get("/b")}, {4s, get("/c")}}, .leave_at = 4500ms}, bystander()}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200, 200));
  expect_cancelled_at(noted, 4500ms);
  EXPECT_EQ(noted.begun, 3);
}

// What the watch received goes to the reader, which must not take later buffers for memory of its own.
TEST(http_server_departure, leaves_no_lent_buffer_behind_half_a_request) {
  std::size_t lent = 1;
  const auto look = [&lent](sim_io& network, loop&) { lent = network.lent_buffers(); };
  const std::string second = get("/b");
  work noted;
  const report seen = play({.serve = working(&noted, 2s),
                            .clients = {{.pieces = {{0ms, get("/a")},
                                                    {1s, second.substr(0, 10)},
                                                    {3s, second.substr(10) + "G"},
                                                    {6s, get("/c").substr(1)}}},
                                        bystander()},
                            .events = {{4s, look}}});
  EXPECT_EQ(lent, 0U) << "a handler that waits would keep it";
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200, 200, 200));
}

TEST(http_server_departure, a_reset_is_one_where_half_a_connection_is_none) {
  for (const bool serve_half_closed : {false, true}) {
    work noted;
    const report seen = play({.serve = working(&noted, 20s),
                              .limits = {.serve_half_closed = serve_half_closed},
                              .clients = {{.pieces = {{0ms, get("/")}, {3s, get("/never sent")}}}, bystander()},
                              .events = {{2s, [](sim_io& network, loop&) { network.set_faults({.reset = 1}); }},
                                         {4s, [](sim_io& network, loop&) { network.set_faults({}); }}}});
    expect_cancelled_at(noted, 3s);
    EXPECT_EQ(seen.counters.departures, 1U);
    EXPECT_EQ(seen.counters.requests, 1U);
  }
}

TEST(http_server_departure, half_a_connection_is_one_unless_it_is_to_be_served) {
  work noted;
  const report seen = play({.serve = working(&noted, 20s),
                            .clients = {{.pieces = {{2s, get("/")}}, .end_after_pieces = true}, bystander()}});
  expect_cancelled_at(noted, 2s);
  EXPECT_EQ(seen.clients[0].bytes, "");
  EXPECT_EQ(seen.clients[0].ended_after, 2s);
}

TEST(http_server_departure, is_none_when_the_answer_is_there_without_waiting) {
  work noted;
  const report seen = play({.serve = working(&noted, 20s),
                            .clients = {{.pieces = {{0ms, get("/quick")}}, .end_after_pieces = true}, bystander()}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_EQ(seen.counters.departures, 0U);
}

TEST(http_server_departure, the_next_request_may_come_meanwhile_in_any_pieces) {
  const std::string next = post("/b", "body") + get("/c");
  for (std::size_t cut = 1; cut < next.size(); ++cut) {
    work noted;
    const client_record seen =
        play_one(working(&noted, 1s), {{0ms, get("/a")}, {500ms, next.substr(0, cut)}, {700ms, next.substr(cut)}});
    const auto answers = split_responses(seen);
    ASSERT_EQ(answers.size(), 3U) << "cut at " << cut;
    EXPECT_THAT((std::vector{answers[0].body, answers[1].body, answers[2].body}), ElementsAre("/a", "/b", "/c"));
    EXPECT_EQ(seen.when("/a"), 1s);
    EXPECT_EQ(seen.when("/c"), 3s);
  }
}

TEST(http_server_departure, at_any_moment_leaves_nothing_behind) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    sim_options network = distant(1ms, seed);
    network.buffer_bytes = 64;
    network.faults = {.short_read = 0.3, .no_buffers = 0.1, .deferred = 0.5};
    work noted;
    std::vector<client_script> clients;
    for (int i = 0; i < 4; ++i) {
      client_script& each = clients.emplace_back();
      for (int asked = 0; asked < 3; ++asked) {
        each.pieces.push_back({std::chrono::milliseconds(random() % 60), asked == 1 ? post("/", "body") : get("/")});
      }
      std::ranges::sort(each.pieces, {}, &piece::at);
      each.leave_at = std::chrono::milliseconds(random() % 100);
    }
    clients.push_back({.pieces = {{0ms, get("/a")}, {15ms, get("/b")}, {100ms, get("/c") + get("/quick")}}});
    const report seen = play({.serve = working(&noted, 20ms), .network = network, .clients = std::move(clients)});
    EXPECT_THAT(statuses(seen.clients.back()), ElementsAre(200, 200, 200, 200));
    EXPECT_LE(seen.counters.departures, 4U);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace assay::http::testing
