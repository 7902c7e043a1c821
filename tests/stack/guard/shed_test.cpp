#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/guard/shed/layer.hpp"
#include "stack/http/url_text.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::shed {
namespace {

using namespace std::chrono_literals;
using http::testing::play;
using http::testing::report;
using http::testing::split_responses;
using http::testing::statuses;
using ::testing::ElementsAre;

TEST(shed_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_EQ(check({.max_in_flight = 0}).error(), "shed.max_in_flight is 0; allowed: 1 to 1000000");
  EXPECT_EQ(check({.burst_wait = 20ms, .standing_wait = 30ms}).error(),
            "shed.standing_wait is 30 ms; allowed: 100 us to 20 ms");
  EXPECT_EQ(check({.retry_after = 0s}).error(), "shed.retry_after is 0 s; allowed: 1 s to 3600 s");
  EXPECT_DEATH(policy({.max_in_flight = 0}), "options are checked");
}

TEST(shed_patience, is_short_only_when_no_place_was_free_for_the_time_of_a_burst) {
  patience line(100ms, 5ms);
  const instant start{1000s};
  EXPECT_EQ(line.on_joining(start), 100ms);
  EXPECT_EQ(line.on_joining(start + 100ms - 1ns), 100ms);
  EXPECT_EQ(line.on_joining(start + 100ms), 5ms);
  EXPECT_EQ(line.on_joining(start + 1h), 5ms) << "that all have given up meanwhile is no recovery";
  line.on_free_place();
  EXPECT_EQ(line.on_joining(start + 1h), 100ms);
}

// Each works for 100 ms ("/sleep"), and its connection ends with it.
http::testing::client_script worker(duration at) {
  return {.pieces = {{at, http::testing::get("/sleep", "connection: close\r\n")}}};
}

TEST(shed, what_finds_no_place_waits_and_what_finds_no_place_in_the_line_is_refused_at_once) {
  const auto admission =
      std::make_shared<policy>(options{.max_in_flight = 1, .max_waiting = 1, .burst_wait = 1s, .retry_after = 3s});
  const report seen = play({.serve = compose({layer(admission)}, http::handler(http::testing::answer_target)),
                            .clients = {worker(0ms), worker(10ms), worker(20ms), worker(150ms)}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_EQ(seen.clients[0].when("200"), 100ms);
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(200));
  EXPECT_EQ(seen.clients[1].when("200"), 200ms) << "after the first";
  EXPECT_THAT(statuses(seen.clients[2]), ElementsAre(503));
  EXPECT_EQ(seen.clients[2].when("503"), 20ms);
  EXPECT_EQ(split_responses(seen.clients[2]).at(0).header("retry-after"), "3");
  EXPECT_EQ(seen.clients[3].when("200"), 300ms) << "the line had room again";
  EXPECT_EQ(admission->counted().admitted, 3U);
  EXPECT_EQ(admission->counted().waited, 2U);
  EXPECT_EQ(admission->counted().refused_full, 1U);
  EXPECT_EQ(admission->in_flight(), 0U);
}

TEST(shed, a_wait_ends_with_503_when_no_place_comes_free_in_time) {
  const auto admission = std::make_shared<policy>(options{.max_in_flight = 1, .burst_wait = 150ms});
  const report seen = play({.serve = compose({layer(admission)}, http::handler(http::testing::answer_target)),
                            .clients = {worker(0ms), worker(10ms), worker(20ms), worker(180ms), worker(196ms)}});
  EXPECT_EQ(seen.clients[1].when("200"), 200ms);
  EXPECT_EQ(seen.clients[2].when("503"), 170ms) << "20 ms and burst_wait";
  EXPECT_EQ(seen.clients[3].when("503"), 185ms) << "no place was free for 170 ms: standing_wait";
  EXPECT_EQ(seen.clients[4].when("200"), 300ms) << "it waited for less than standing_wait";
  EXPECT_EQ(admission->counted().refused_waiting, 2U);
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

TEST(shed, a_stream_is_in_flight_to_its_end) {
  const auto admission = std::make_shared<policy>(options{.max_in_flight = 1, .max_waiting = 0});
  const report seen = play({.serve = compose({layer(admission)}, http::handler(stream)),
                            .clients = {worker(0ms), worker(199ms), worker(201ms)}});
  EXPECT_EQ(split_responses(seen.clients[0]).at(0).body, "dropdropdropdrop");
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(503));
  EXPECT_THAT(statuses(seen.clients[2]), ElementsAre(200));
  EXPECT_EQ(admission->in_flight(), 0U);
}

TEST(shed, who_waits_still_has_a_deadline_of_its_own) {
  const auto admission = std::make_shared<policy>(options{.max_in_flight = 1, .burst_wait = 1s});
  http::server_limits limits;
  limits.handler_timeout = 50ms;
  const report seen = play({.serve = compose({layer(admission)}, http::handler(stream)),
                            .limits = limits,
                            .clients = {worker(0ms), worker(20ms)}});
  EXPECT_EQ(seen.clients[1].when("504"), 70ms);
  EXPECT_EQ(admission->counted().refused_waiting, 0U) << "not for want of places";
  EXPECT_EQ(admission->waiting(), 0U);
}

struct fate {
  duration came{};
  duration waited{};
  bool admitted = false;
};

task<void> visit(policy& admission, duration after, duration work, fate& mine) {
  const context& ctx = co_await this_context();
  const instant start = ctx.on->turn_time();
  std::ignore = co_await delay_for(after);
  const result<place> held = co_await admission.admit();
  mine = {.came = after, .waited = ctx.on->turn_time() - start - after, .admitted = held.has_value()};
  if (held) std::ignore = co_await delay_for(work);
}

task<void> visit_all(policy& admission, std::vector<fate>& fates, duration every, duration work) {
  scope visitors(co_await this_context());
  for (std::size_t i = 0; i < fates.size(); ++i) {
    visitors.spawn(visit(admission, every * i, work, fates[i]));
  }
  std::ignore = co_await visitors.join();
}

std::vector<fate> visits(policy& admission, std::size_t count, duration every, duration work) {
  std::vector<fate> fates(count);
  loop on(std::make_unique<sim_io>());
  on.run(visit_all(admission, fates, every, work));
  return fates;
}

// Four places of 20 ms each: 200 a second. A thousand come a second, for three.
TEST(shed, an_overload_costs_nobody_more_than_standing_wait_and_the_server_none_of_its_work) {
  policy admission({.max_in_flight = 4, .burst_wait = 100ms, .standing_wait = 5ms});
  const std::vector<fate> fates = visits(admission, 3000, 1ms, 20ms);
  for (const fate& each : fates) {
    EXPECT_LE(each.waited, each.came < 110ms ? 100ms : 5ms) << "came after " << each.came.count();
  }
  const auto admitted = std::ranges::count_if(fates, &fate::admitted);
  EXPECT_GE(admitted, 595) << "600 could be";
  EXPECT_EQ(admission.counted().admitted, static_cast<std::uint64_t>(admitted));
  EXPECT_EQ(admission.counted().refused_waiting + admission.counted().refused_full,
            3000U - admission.counted().admitted);
}

TEST(shed, a_burst_within_burst_wait_costs_nobody_an_answer) {
  policy admission({.max_in_flight = 4, .burst_wait = 100ms, .standing_wait = 5ms});
  const std::vector<fate> fates = visits(admission, 20, 0ms, 20ms);
  EXPECT_TRUE(std::ranges::all_of(fates, &fate::admitted));
  EXPECT_EQ(fates.back().waited, 80ms);
}

// --- handlers that compute

TEST(shed_backlog, is_short_once_batches_have_kept_the_loop_for_the_time_of_a_burst) {
  backlog line(100ms, 5ms);
  const instant start{1000s};
  EXPECT_TRUE(line.admits(start, start + 100ms, 0ms)) << "a burst";
  EXPECT_FALSE(line.admits(start, start + 100ms + 1ns, 0ms));
  const instant next = start + 101ms;
  EXPECT_TRUE(line.admits(next, next + 5ms, 0ms));
  EXPECT_FALSE(line.admits(next, next + 5ms + 1ns, 0ms)) << "it goes on";
  const instant last = next + 6ms;
  EXPECT_TRUE(line.admits(last, last + 5ms, 0ms));
  const instant soon = last + 6ms;
  EXPECT_FALSE(line.admits(soon, soon + 6ms, 0ms)) << "one batch in time is no recovery";
  const instant quiet = soon + 6ms + 100ms + 1ns;
  EXPECT_TRUE(line.admits(quiet, quiet + 100ms, 0ms)) << "nothing was late for the time of a burst";
}

// Every 100 ms a batch is reached 10 ms late, somebody else having had the CPU.
TEST(shed_backlog, is_no_overload_while_the_loop_waits_for_work_half_of_the_time) {
  backlog line(100ms, 5ms);
  const instant start{1000s};
  duration waited{};
  for (int i = 0; i < 50; ++i, waited += 90ms) {
    EXPECT_TRUE(line.admits(start + i * 100ms, start + i * 100ms + 10ms, waited)) << i;
  }
  const instant overload = start + 5s;
  EXPECT_TRUE(line.admits(overload, overload + 80ms, waited));
  EXPECT_TRUE(line.admits(overload + 80ms, overload + 100ms, waited)) << "a burst";
  EXPECT_FALSE(line.admits(overload + 100ms, overload + 180ms, waited)) << "whatever was before";
  waited += 60ms;
  EXPECT_FALSE(line.admits(overload + 240ms, overload + 250ms, waited)) << "a quarter is not half";
}

struct computed {
  duration late;  // when the handler began, from when the request was meant to be sent
  instant at;
};

// A request a client, every 250 us; each is 1 ms of work for the loop.
task<http::response> compute(std::vector<computed>* seen, std::size_t number) {
  const context& ctx = co_await this_context();
  const instant now = ctx.on->now();
  seen->push_back({.late = now - (instant(1000s) + number * 250us), .at = now});
  static_cast<sim_io&>(ctx.on->backend()).pass(1ms);
  co_return http::response::text("done\n");
}

TEST(shed, an_overload_of_computing_handlers_is_refused_although_none_is_ever_in_flight_beside_another) {
  const auto admission = std::make_shared<policy>(options{.burst_wait = 100ms, .standing_wait = 5ms});
  std::vector<computed> seen;
  std::vector<http::testing::client_script> clients;
  for (std::size_t i = 0; i < 4000; ++i) {
    const std::string target = "/" + std::to_string(i);
    clients.push_back({.pieces = {{i * 250us, http::testing::get(target, "connection: close\r\n")}}});
  }
  const http::handler computing = [&seen] ASSAY_CORO_WRAPPER(http::request & asked) {
    return compute(&seen, static_cast<std::size_t>(http::parse_whole(asked.target().substr(1), 9).value()));
  };
  const report all = play({.serve = compose({layer(admission)}, computing), .clients = std::move(clients)});
  EXPECT_EQ(admission->counted().admitted, seen.size());
  EXPECT_EQ(admission->counted().admitted + admission->counted().refused_behind, 4000U);
  EXPECT_GE(seen.size(), 900U) << "a thousand could be";
  const auto standing = std::ranges::subrange(
      std::ranges::find_if(seen, [](const computed& each) { return each.at > instant(1000s) + 300ms; }), seen.end());
  EXPECT_GE(standing.size(), 600U);
  for (const computed& each : standing) EXPECT_LE(each.late, 12ms) << "twice standing_wait and a handler";
  EXPECT_EQ(all.clients.size(), 4000U);
}

// --- a limit that changes
// ----------------------------------------------------------------------------------------------

task<void> hold(policy& admission, duration until, std::size_t& in) {
  const result<place> held = co_await admission.admit();
  if (!held) co_return;
  in++;
  std::ignore = co_await delay_until(instant(1000s) + until);
  in--;
}

task<void> change_limits(policy& admission) {
  std::size_t in = 0;
  scope visitors(co_await this_context());
  for (int i = 0; i < 6; ++i) visitors.spawn(hold(admission, i < 3 ? 10ms : 20ms, in));
  EXPECT_EQ(in, 6U);
  admission.limit_to(2);
  EXPECT_EQ(admission.in_flight(), 6U) << "nobody is thrown out";
  visitors.spawn(hold(admission, 30ms, in));
  visitors.spawn(hold(admission, 30ms, in));
  std::ignore = co_await delay_for(15ms);
  EXPECT_EQ(in, 3U) << "the places of three came back, and were withheld";
  EXPECT_EQ(admission.waiting(), 2U);
  std::ignore = co_await delay_for(10ms);
  EXPECT_EQ(in, 2U) << "one of the places that were left was withheld, and two went to who waited";
  EXPECT_EQ(admission.in_flight(), 2U);
  admission.limit_to(3);
  visitors.spawn(hold(admission, 30ms, in));
  EXPECT_EQ(in, 3U);
  visitors.spawn(hold(admission, 30ms, in));
  EXPECT_EQ(admission.waiting(), 1U);
  admission.limit_to(1000);
  EXPECT_EQ(admission.limit(), 6U) << "never more than max_in_flight";
  EXPECT_EQ(admission.waiting(), 0U) << "who waits is let in when the limit rises";
  std::ignore = co_await visitors.join();
  EXPECT_EQ(admission.in_flight(), 0U);
  admission.limit_to(0);
  EXPECT_EQ(admission.limit(), 1U) << "nor none";
}

TEST(shed_limit, fewer_are_let_in_as_places_come_back_and_more_at_once) {
  policy admission({.max_in_flight = 6, .burst_wait = 1s});
  loop on(std::make_unique<sim_io>());
  on.run(change_limits(admission));
}

}  // namespace
}  // namespace assay::guard::shed
