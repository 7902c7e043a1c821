// A cache around exchanges and around a handler: one call for many, and old answers for want of new ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/guard/breaker/layer.hpp"
#include "stack/guard/cache/layer.hpp"
#include "stack/guard/timeout/layer.hpp"
#include "tests/stack/guard/guard_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::cache {
namespace {

using namespace std::chrono_literals;
using guard::testing::caller;
using guard::testing::calls;
using guard::testing::fake_host;
using guard::testing::outcome;
using guard::testing::response_of;
using ::testing::ElementsAre;

// Numbers its answers.
fake_host numbering(duration takes = 100ms, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.takes = takes, .answer = response_of(200, "{number}", std::move(headers))};
}

std::vector<std::string> bodies(const std::vector<outcome>& got) {
  std::vector<std::string> all;
  for (const outcome& each : got) all.push_back(each.body());
  return all;
}

TEST(cache_call, an_answer_is_given_again_until_its_time_and_tells_its_age) {
  fake_host shop = numbering(100ms, {{"cache-control", "max-age=60"}, {"Age", "10"}});
  const auto store = std::make_shared<policy>(options{});
  const auto got = calls(call_layer(store)(shop.exchange()),
                         {{}, {.comes = 30s}, {.comes = 50s}, {.comes = 51s, .request = {.target = "/other"}}});
  EXPECT_THAT(bodies(got), ElementsAre("1", "1", "1", "2"));
  EXPECT_EQ(got[1].at, 30s) << "at once";
  EXPECT_EQ(got[1].header("age"), "39") << "10 s and 29.9 s";
  EXPECT_EQ(got[2].header("age"), "59");
  const auto later = calls(call_layer(store)(shop.exchange()), {{.comes = 50s + 100ms}});
  EXPECT_EQ(later[0].body(), "3");
  EXPECT_EQ(store->counted().hits, 2U);
}

TEST(cache_call, many_who_ask_at_the_same_time_make_one_call) {
  fake_host shop = numbering();
  const auto store = std::make_shared<policy>(options{});
  std::vector<caller> callers(50);
  for (std::size_t i = 0; i < callers.size(); ++i) callers[i].comes = 1ms * i;
  const auto got = calls(call_layer(store)(shop.exchange()), callers);
  for (const outcome& each : got) {
    EXPECT_EQ(each.body(), "1");
    EXPECT_EQ(each.at, 100ms);
  }
  EXPECT_EQ(shop.calls, 1);
  EXPECT_EQ(store->counted().shared, 49U);
}

TEST(cache_call, what_fails_fails_for_all_who_wait_and_is_not_kept) {
  fake_host shop = numbering();
  shop.fails = error{.code = errc::refused};
  const auto store = std::make_shared<policy>(options{});
  const auto got = calls(call_layer(store)(shop.exchange()), {{}, {.comes = 50ms}, {.comes = 101ms}});
  EXPECT_THAT(bodies(got), ElementsAre("failed: refused", "failed: refused", "failed: refused"));
  EXPECT_EQ(got[1].at, 100ms);
  EXPECT_EQ(shop.calls, 2);
  EXPECT_EQ(store->entries(), 0U);
}

TEST(cache_call, who_gives_up_leaves_the_call_to_the_next_in_line) {
  fake_host shop = numbering();
  const auto store = std::make_shared<policy>(options{});
  const auto got = calls(call_layer(store)(shop.exchange()), {{.gives_up = 50ms},
                                                              {.comes = 10ms, .gives_up = 20ms},
                                                              {.comes = 20ms, .deadline = 60ms},
                                                              {.comes = 25ms},
                                                              {.comes = 26ms}});
  EXPECT_THAT(bodies(got), ElementsAre("failed: cancelled", "failed: cancelled", "failed: timed_out", "3", "3"));
  EXPECT_EQ(got[1].at, 30ms) << "from the line";
  EXPECT_EQ(got[2].at, 80ms) << "in the middle of its own call";
  EXPECT_EQ(got[3].at, 180ms);
  EXPECT_EQ(got[4].at, 180ms);
  EXPECT_EQ(shop.calls, 3);
  EXPECT_EQ(store->counted().handed_on, 2U);
}

TEST(cache_call, the_line_has_an_end) {
  fake_host shop = numbering();
  const auto store = std::make_shared<policy>(options{.max_waiters = 2});
  const auto got =
      calls(call_layer(store)(shop.exchange()),
            {{}, {.comes = 1ms}, {.comes = 2ms}, {.comes = 3ms}, {.comes = 4ms, .request = {.target = "/b"}}});
  EXPECT_THAT(bodies(got), ElementsAre("1", "1", "1", "failed: limit", "2"));
  EXPECT_EQ(got[3].at, 3ms);
  EXPECT_EQ(store->counted().refused, 1U);
}

TEST(cache_call, what_is_for_one_is_given_to_nobody_else_and_nobody_waits_for_it_again) {
  fake_host shop = numbering(100ms, {{"cache-control", "private"}});
  const auto store = std::make_shared<policy>(options{.alone_for = 10s});
  const auto got = calls(call_layer(store)(shop.exchange()),
                         {{}, {.comes = 10ms}, {.comes = 20ms}, {.comes = 1s}, {.comes = 1s + 1ms}, {.comes = 11s}});
  EXPECT_THAT(bodies(got), ElementsAre("1", "2", "3", "4", "5", "6"));
  EXPECT_EQ(got[1].at, 200ms) << "it had waited for the first";
  EXPECT_EQ(got[2].at, 200ms) << "and not for the second";
  EXPECT_EQ(got[4].at, 1s + 101ms) << "for nobody";
  EXPECT_EQ(store->counted().alone, 4U);
}

TEST(cache_call, a_key_whose_answers_are_for_all_again_is_kept_again) {
  fake_host shop = numbering(0ms, {{"cache-control", "no-store"}});
  const auto store = std::make_shared<policy>(options{.alone_for = 10s});
  const exchange ask = call_layer(store)(shop.exchange());
  EXPECT_THAT(bodies(calls(ask, {{}, {.comes = 1s}})), ElementsAre("1", "2"));
  shop.answer = response_of(200, "{number}");
  EXPECT_THAT(bodies(calls(ask, {{.comes = 2s}, {.comes = 3s}})), ElementsAre("3", "3"));
}

TEST(cache_call, when_the_host_fails_an_old_answer_is_given_for_a_while) {
  fake_host shop = numbering();
  const auto store = std::make_shared<policy>(options{.ttl = 1s, .stale_for = 10s});
  const exchange ask = call_layer(store)(shop.exchange());
  EXPECT_EQ(calls(ask, {{}})[0].body(), "1");
  shop.fails = error{.code = errc::refused};
  const auto refused = calls(ask, {{.comes = 2s}, {.comes = 2s + 1ms}, {.comes = 12s}});
  EXPECT_THAT(bodies(refused), ElementsAre("1", "1", "failed: refused"));
  EXPECT_EQ(refused[0].header("age"), "2");
  EXPECT_EQ(store->counted().stale, 2U);
}

TEST(cache_call, a_5xx_is_worse_than_an_old_answer_and_a_4xx_is_not) {
  for (const auto& [status, control, body] : std::vector<std::tuple<int, std::string, std::string>>{
           {500, "max-age=1", "1"}, {503, "no-store", "1"}, {404, "max-age=1", "2"}}) {
    fake_host shop = numbering(100ms, {{"cache-control", "max-age=1"}});
    const auto store = std::make_shared<policy>(options{.stale_for = 10s});
    const exchange ask = call_layer(store)(shop.exchange());
    EXPECT_EQ(calls(ask, {{}})[0].body(), "1");
    shop.answer = response_of(status, "{number}", {{"cache-control", control}});
    EXPECT_EQ(calls(ask, {{.comes = 2s}})[0].body(), body) << status;
    shop.calls = 1;
    EXPECT_EQ(calls(ask, {{.comes = 3s}})[0].body(), body) << status << ", again";
  }
}

TEST(cache_call, what_must_be_revalidated_is_never_given_late) {
  fake_host shop = numbering(100ms, {{"cache-control", "max-age=1, must-revalidate"}});
  const auto store = std::make_shared<policy>(options{.stale_for = 10s});
  const exchange ask = call_layer(store)(shop.exchange());
  EXPECT_EQ(calls(ask, {{}})[0].body(), "1");
  shop.fails = error{.code = errc::refused};
  EXPECT_EQ(calls(ask, {{.comes = 2s}})[0].body(), "failed: refused");
}

TEST(cache_call, who_gives_up_or_has_no_time_left_is_given_what_there_is) {
  fake_host shop = numbering();
  const auto store = std::make_shared<policy>(options{.ttl = 1s, .stale_for = 1h});
  const exchange ask = call_layer(store)(shop.exchange());
  EXPECT_EQ(calls(ask, {{}})[0].body(), "1");
  shop.takes = 1h;
  const auto got =
      calls(ask, {{.comes = 2s, .deadline = 1s}, {.comes = 2s, .deadline = 500ms}, {.comes = 2s, .gives_up = 1s}});
  EXPECT_THAT(bodies(got), ElementsAre("1", "1", "failed: cancelled"));
  EXPECT_EQ(got[1].at, 2s + 500ms);
}

TEST(cache_call, an_open_circuit_is_a_reason_for_an_old_answer) {
  fake_host shop = numbering();
  const auto store = std::make_shared<policy>(options{.ttl = 1s});
  const auto gate = std::make_shared<breaker::policy>(breaker::options{.min_exchanges = 2, .failure_percent = 50});
  const exchange ask = compose({call_layer(store), breaker::layer(gate)}, shop.exchange());
  EXPECT_EQ(calls(ask, {{}})[0].body(), "1");
  shop.fails = error{.code = errc::refused};
  const auto got = calls(ask, {{.comes = 2s}, {.comes = 3s}, {.comes = 4s}});
  EXPECT_THAT(bodies(got), ElementsAre("1", "1", "1"));
  EXPECT_EQ(shop.calls, 2) << "the first, and the one that opened it";
  EXPECT_EQ(got[2].at, 4s) << "at once";
}

TEST(cache_call, other_methods_bodies_and_credentials_go_past) {
  fake_host shop = numbering(0ms);
  const auto store = std::make_shared<policy>(options{});
  const auto got =
      calls(call_layer(store)(shop.exchange()), {{.request = {.verb = "POST"}},
                                                 {.comes = 1s, .request = {.verb = "POST"}},
                                                 {.comes = 2s, .request = {.headers = {{"Authorization", "x"}}}},
                                                 {.comes = 3s, .request = {.body = "x"}},
                                                 {.comes = 4s, .request = {.headers = {{"cache-control", "no-cache"}}}},
                                                 {.comes = 5s, .request = {.read_in_pieces = true}},
                                                 {.comes = 6s}});
  EXPECT_THAT(bodies(got), ElementsAre("1", "2", "3", "4", "5", "6", "7"));
  EXPECT_EQ(store->counted().bypassed, 6U);
  EXPECT_EQ(store->entries(), 1U);
}

// --- around a handler
// --------------------------------------------------------------------------------------------------

using http::testing::get;
using http::testing::play;
using http::testing::report;
using http::testing::split_responses;

struct page {
  int made = 0;
  int status = 200;

  http::handler handler() {
    return [this](this auto, http::request& asked) -> task<http::response> {
      const int number = ++made;
      const result<void> slept = co_await delay_for(100ms);
      if (!slept) co_return http::response::from(slept.error());
      http::response reply = http::response::json(std::to_string(number), status);
      if (asked.path() == "/mine") reply.headers.emplace_back("cache-control", "private");
      if (asked.path() == "/stream") {
        reply.body.clear();
        reply.stream = [](http::body_sink& to) -> task<result<void>> { co_return co_await to.write("piece"); };
      }
      co_return reply;
    };
  }
};

http::testing::client_script one(duration at, const std::string& target, const std::string& fields = {}) {
  return {.pieces = {{at, get(target, "connection: close\r\n" + fields)}}};
}

std::vector<std::string> bodies(const report& seen) {
  std::vector<std::string> all;
  for (const auto& each : seen.clients) all.push_back(split_responses(each).at(0).body);
  return all;
}

TEST(cache_handler, many_clients_make_one_page) {
  page made;
  const auto store = std::make_shared<policy>(options{});
  const report seen = play({.serve = layer(store)(made.handler()),
                            .clients = {one(0ms, "/a"), one(50ms, "/a"), one(60ms, "/b"), one(5s, "/a")}});
  EXPECT_THAT(bodies(seen), ElementsAre("1", "1", "2", "1"));
  EXPECT_EQ(seen.clients[1].when("200"), 100ms);
  EXPECT_EQ(seen.clients[3].when("200"), 5s);
  EXPECT_EQ(split_responses(seen.clients[3]).at(0).header("content-type"), "application/json");
  EXPECT_EQ(split_responses(seen.clients[3]).at(0).header("age"), "4");
}

TEST(cache_handler, gives_nobody_anothers_page_and_lets_streams_pass) {
  page made;
  const auto store = std::make_shared<policy>(options{});
  const report seen = play({.serve = layer(store)(made.handler()),
                            .clients = {one(0ms, "/mine"), one(1ms, "/mine"), one(2ms, "/a", "cookie: a=b\r\n"),
                                        one(3ms, "/stream"), one(4ms, "/stream")}});
  EXPECT_THAT(bodies(seen), ElementsAre("1", "4", "2", "piece", "piece"));
  EXPECT_EQ(made.made, 5);
}

TEST(cache_handler, who_has_no_time_left_leaves_the_page_to_the_next) {
  page made;
  const auto store = std::make_shared<policy>(options{});
  const auto limit = std::make_shared<timeout::policy>(timeout::options{});
  const report seen = play({.serve = compose({timeout::layer(limit), layer(store)}, made.handler()),
                            .clients = {one(0ms, "/a", "request-timeout-ms: 50\r\n"), one(10ms, "/a")}});
  EXPECT_EQ(http::testing::statuses(seen.clients[0]), std::vector<int>{504});
  EXPECT_EQ(seen.clients[0].when("504"), 50ms);
  EXPECT_EQ(seen.clients[1].when("200"), 150ms);
  EXPECT_EQ(split_responses(seen.clients[1]).at(0).body, "2");
}

TEST(cache_handler, an_old_page_is_better_than_a_failure) {
  page made;
  const auto store = std::make_shared<policy>(options{.ttl = 1s});
  const report seen = play({.serve = layer(store)(made.handler()),
                            .clients = {one(0ms, "/a"), one(2s, "/a"), one(3s, "/b")},
                            .events = {{1s, [&made](sim_io&, loop&) { made.status = 500; }}}});
  EXPECT_THAT(bodies(seen), ElementsAre("1", "1", "3"));
  EXPECT_EQ(http::testing::statuses(seen.clients[1]), std::vector<int>{200});
  EXPECT_EQ(http::testing::statuses(seen.clients[2]), std::vector<int>{500});
}

}  // namespace
}  // namespace assay::guard::cache
