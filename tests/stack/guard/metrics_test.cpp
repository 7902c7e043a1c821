// What the policies of the two chains show of themselves, and what a service tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/guard/chain/client.hpp"
#include "stack/guard/chain/service.hpp"
#include "stack/guard/json_errors/layer.hpp"
#include "stack/observe/exposition.hpp"
#include "tests/stack/guard/guard_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::chain {
namespace {

using namespace std::chrono_literals;
using guard::testing::calls;
using guard::testing::fake_host;
using guard::testing::response_of;
using http::testing::get;
using http::testing::play;
using http::testing::post;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

std::vector<std::string> lines_of(const observe::registry& metrics) {
  const std::string text = observe::expose(metrics, observe::exposition::prometheus);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    lines.push_back(text.substr(begin, text.find('\n', begin) - begin));
  }
  return lines;
}

http::testing::client_script visit(duration at, const std::string& target, const std::string& fields = {}) {
  return {.pieces = {{at, get(target, "connection: close\r\n" + fields)}}};
}
http::testing::client_script order(duration at, const std::string& body) {
  return {.pieces = {{at, post("/order", body, "connection: close\r\nidempotency-key: k\r\n")}}};
}

// Every policy, each asked for something that it counts.
server_options with_everything() {
  server_options wanted;
  wanted.shed = shed::options{.max_in_flight = 3, .max_waiting = 0};
  wanted.rate_limit = rate_limit::options{.requests = 1, .per = 100s, .burst = 8};
  wanted.bulkheads = {{.path = "/sleep", .wall = {.name = "naps", .max_in_flight = 1}}};
  wanted.idempotency = idempotency::options{};
  wanted.cache = cache::options{};
  wanted.adaptive = adaptive::options{.min_limit = 1, .max_limit = 3, .initial_limit = 3};
  return wanted;
}

TEST(chain_metrics, a_server_shows_every_policy_with_one_call) {
  const auto guards = server::make(with_everything());
  ASSERT_TRUE(guards) << guards.error();
  observe::registry metrics;
  observe::mirror numbers(metrics, metrics.add_shard());
  show(numbers, *guards);
  EXPECT_EQ(numbers.problem(), "");
  std::vector<std::string> meanwhile;
  std::ignore =
      play({.serve = guards->around(http::testing::answer_target),
            .clients = {visit(0ms, "/sleep?1"), visit(10ms, "/sleep?2"), visit(1s, "/a"), visit(2s, "/a"),
                        order(3s, "tea"), order(4s, "tea"), order(5s, "coffee"),
                        visit(6s, "/b", "request-timeout-ms: 0\r\n"), visit(7s, "/a"), visit(8s, "/health/ready")},
            .events = {{50ms, [&](sim_io&, loop& on) {
                          numbers.carry(on.now());
                          meanwhile = lines_of(metrics);
                        }}}});
  EXPECT_THAT(meanwhile, IsSupersetOf({"assay_shed_in_flight 1", "assay_bulkhead_in_flight{part=\"naps\"} 1",
                                       "assay_drain_in_flight 1", "assay_drain_loops{state=\"ready\"} 1"}));
  guards->gate->stop();
  numbers.carry(testing::virtual_start + 1h);
  EXPECT_THAT(lines_of(metrics), IsSupersetOf({"assay_shed_admitted_total 9",
                                               "assay_shed_refused_total{reason=\"full\"} 0",
                                               "assay_shed_in_flight 0",
                                               "assay_shed_limit 3",
                                               "assay_adaptive_limit 3",
                                               "assay_rate_limit_allowed_total 8",
                                               "assay_rate_limit_refused_total 1",
                                               "assay_rate_limit_keys 1",
                                               "assay_timeout_expired_total{client=\"\",of=\"request\"} 1",
                                               "assay_bulkhead_entered_total{part=\"naps\"} 1",
                                               "assay_bulkhead_refused_total{part=\"naps\",reason=\"full\"} 1",
                                               "assay_bulkhead_limit{part=\"naps\"} 1",
                                               "assay_idempotency_requests_total{outcome=\"carried_out\"} 1",
                                               "assay_idempotency_requests_total{outcome=\"replayed\"} 1",
                                               "assay_idempotency_requests_total{outcome=\"mismatched\"} 1",
                                               "assay_idempotency_keys 1",
                                               "assay_cache_requests_total{client=\"\",outcome=\"hit\"} 1",
                                               "assay_cache_requests_total{client=\"\",outcome=\"miss\"} 2",
                                               "assay_drain_served_total 9",
                                               "assay_drain_loops{state=\"ready\"} 0",
                                               "assay_drain_loops{state=\"stopped\"} 1"}));
}

TEST(chain_metrics, a_client_shows_every_policy_under_its_name) {
  fake_host shop;
  client_options wanted;
  wanted.retry = {.max_attempts = 2, .base_backoff = 1ms, .max_tokens = 10, .seed = 1};
  wanted.breaker = {.min_exchanges = 2, .failure_percent = 100, .open_for = 5s};
  wanted.bulkhead = bulkhead::options{.name = "shop", .max_in_flight = 1};
  const auto guards = client::make(wanted, {"shop"});
  ASSERT_TRUE(guards) << guards.error();
  observe::registry metrics;
  observe::mirror numbers(metrics, metrics.add_shard());
  show(numbers, *guards, "quotes");
  EXPECT_EQ(numbers.problem(), "");
  shop.answer = response_of(503);
  std::ignore = calls(guards->around({shop.exchange()}), {{}, {.comes = 1ms}, {.comes = 1s}});
  numbers.carry(testing::virtual_start + 2s);
  EXPECT_THAT(lines_of(metrics),
              IsSupersetOf({"assay_breaker_exchanges_total{client=\"quotes\",outcome=\"failed\"} 2",
                            "assay_breaker_exchanges_total{client=\"quotes\",outcome=\"refused\"} 1",
                            "assay_breaker_transitions_total{client=\"quotes\",state=\"open\"} 1",
                            "assay_breaker_transitions_total{client=\"quotes\",state=\"closed\"} 0",
                            "assay_breaker_loops{client=\"quotes\",state=\"open\"} 1",
                            "assay_breaker_loops{client=\"quotes\",state=\"closed\"} 0",
                            "assay_retry_retries_total{client=\"quotes\"} 1",
                            "assay_retry_given_up_total{client=\"quotes\",reason=\"out_of_attempts\"} 1",
                            "assay_retry_tokens{client=\"quotes\"} 8",
                            "assay_bulkhead_refused_total{part=\"shop\",reason=\"full\"} 1",
                            "assay_timeout_late_total{client=\"quotes\",of=\"attempt\"} 0",
                            "assay_timeout_late_total{client=\"quotes\",of=\"call\"} 0"}));
  shop.answer = response_of(200);
  std::ignore = calls(guards->around({shop.exchange()}), {{.comes = 10s}});
  numbers.carry(testing::virtual_start + 11s);
  EXPECT_THAT(lines_of(metrics),
              IsSupersetOf({"assay_breaker_transitions_total{client=\"quotes\",state=\"half_open\"} 1",
                            "assay_breaker_transitions_total{client=\"quotes\",state=\"closed\"} 1",
                            "assay_breaker_loops{client=\"quotes\",state=\"closed\"} 1"}));
}

TEST(chain_metrics, several_hosts_show_how_many_are_usable) {
  fake_host ill{.answer = response_of(503)};
  fake_host well;
  client_options wanted;
  wanted.retry.max_attempts = 1;
  wanted.balance = {.by = balance::method::round_robin, .failures_to_eject = 1, .base_ejection = 30s};
  const auto guards = client::make(wanted, {"ill", "well"});
  ASSERT_TRUE(guards) << guards.error();
  observe::registry metrics;
  observe::mirror numbers(metrics, metrics.add_shard());
  show(numbers, *guards, "quotes");
  std::ignore = calls(guards->around({ill.exchange(), well.exchange()}), {{}, {.comes = 1s}, {.comes = 2s}});
  numbers.carry(testing::virtual_start + 3s);
  EXPECT_THAT(lines_of(metrics),
              IsSupersetOf({"assay_balance_usable_hosts{client=\"quotes\"} 1",
                            "assay_balance_changes_total{client=\"quotes\",change=\"ejected\"} 1",
                            "assay_balance_exchanges_total{client=\"quotes\",outcome=\"failed\"} 1",
                            "assay_balance_exchanges_total{client=\"quotes\",outcome=\"succeeded\"} 2"}));
  numbers.carry(testing::virtual_start + 1h);
  EXPECT_THAT(lines_of(metrics), Contains("assay_balance_usable_hosts{client=\"quotes\"} 2"));
}

// --- a service
// ---------------------------------------------------------------------------------------------------------

// One loop of a service in virtual time, in the place of http::serve.
struct played_service {
  explicit played_service(server_options wanted, service_options told = {}) : all(metrics, std::move(told)) {
    auto made = here->around(http::testing::answer_target, access_log::by_name("all"), std::move(wanted));
    EXPECT_TRUE(made) << made.error();
    if (made) serve = std::move(*made);
    all.join(hooks);
  }

  // What it has told a minute later. One client stays for longer, so that there is a loop until then.
  std::vector<std::string> told_after(std::vector<http::testing::client_script> clients) {
    clients.emplace_back();
    std::vector<std::string> told;
    seen = play(
        {.serve = serve,
         .on_refused = [this](const http::refusal& of) { hooks.on_refused(0, of); },
         .clients = std::move(clients),
         .events = {{0ms, [this](sim_io&, loop& on) { hooks.on_start(0, unused, on); }}, {1min, [&](sim_io&, loop&) {
                                                                                            told = lines_of(metrics);
                                                                                            here->numbers().close();
                                                                                          }}}});
    return told;
  }

  observe::registry metrics;
  service all;
  service_loop* here = &all.add_loop();
  http::testing::report seen;
  http::serve_options hooks;
  http::server unused{http::testing::answer_target, {}};
  http::handler serve;
};

TEST(chain_service, counts_requests_refusals_and_every_policy) {
  server_options wanted;
  wanted.shed = shed::options{.max_in_flight = 1, .max_waiting = 0};
  played_service service(wanted);
  EXPECT_THAT(
      service.told_after({visit(0ms, "/sleep"), visit(10ms, "/a"), {.pieces = {{1s, "bad\r\n\r\n"}}}, visit(2s, "/b")}),
      IsSupersetOf({"assay_http_requests_total{method=\"GET\",route=\"all\",status=\"200\"} 2",
                    "assay_http_requests_total{method=\"GET\",route=\"all\",status=\"503\"} 1",
                    "assay_http_failures_total{route=\"all\",reason=\"overloaded\"} 1",
                    "assay_http_refused_total{reason=\"bad_method\"} 1", "assay_shed_admitted_total 2",
                    "assay_shed_refused_total{reason=\"full\"} 1", "assay_trace_requests_total{trace=\"begun\"} 3",
                    "assay_server_connections 0", "assay_drain_loops{state=\"ready\"} 1"}));
}

TEST(chain_service, drains_its_loops_and_shows_it) {
  played_service service({.drain = {.delay = 2s}});
  EXPECT_EQ(service.hooks.on_stop(0, instant(1s)), 2s);
  EXPECT_THAT(service.told_after({visit(0ms, "/a")}), Contains("assay_drain_loops{state=\"draining\"} 1"));
}

TEST(chain_service, a_key_is_carried_out_once_whichever_loop_it_reaches) {
  observe::registry metrics;
  service all(metrics);
  server_options wanted;
  wanted.idempotency = idempotency::options{};
  std::vector<http::handler> loops;
  for (int i = 0; i < 2; ++i) {
    auto made = all.add_loop().around(http::testing::answer_target, access_log::by_name("all"), wanted);
    ASSERT_TRUE(made) << made.error();
    loops.push_back(std::move(*made));
  }
  const auto first = play({.serve = loops[0], .clients = {order(0ms, "tea")}});
  const auto again = play({.serve = loops[1], .clients = {order(1s, "tea"), order(2s, "coffee")}});
  EXPECT_EQ(http::testing::split_responses(first.clients[0]).at(0).header("idempotent-replayed"), "");
  EXPECT_EQ(http::testing::split_responses(again.clients[0]).at(0).header("idempotent-replayed"), "true");
  EXPECT_THAT(http::testing::statuses(again.clients[1]), ElementsAre(422));
}

TEST(chain_service, names_what_is_wrong) {
  observe::registry metrics;
  service all(metrics);
  server_options wrong;
  wrong.timeout->limit = 0s;
  EXPECT_EQ(all.add_loop().around(http::testing::answer_target, access_log::by_name("all"), wrong).error(),
            "timeout.limit is 0 s; allowed: 1 ms to 3600 s");
  observe::registry taken;
  ASSERT_TRUE(taken.gauge({.name = "assay_shed_limit", .help = "mine"}));
  service other(taken);
  EXPECT_EQ(other.add_loop().around(http::testing::answer_target, access_log::by_name("all"), {}).error(),
            "metric \"assay_shed_limit\": registered before as something else");
}

task<result<void>> has_no_database() { co_return std::unexpected(error{.code = errc::refused, .what = "connect"}); }

TEST(chain_service, asks_the_watchdog_and_then_the_service_whether_it_is_ready) {
  const observe::watchdog dog({});
  played_service well({}, {.dog = &dog});
  std::ignore = well.told_after({visit(0ms, "/health/ready")});
  EXPECT_THAT(http::testing::statuses(well.seen.clients[0]), ElementsAre(200));
  played_service ill({.readiness = has_no_database}, {.dog = &dog});
  EXPECT_THAT(ill.told_after({visit(0ms, "/health/ready")}), Contains("assay_drain_unready_total 1"));
  EXPECT_THAT(http::testing::statuses(ill.seen.clients[0]), ElementsAre(503));
}

// --- errors in JSON
// ----------------------------------------------------------------------------------------------------

task<http::response> own_words(http::request& asked) {
  http::response gone;
  gone.status = 404;
  gone.body = "<p>";
  gone.reason = "gone";
  if (asked.path() == "/html") co_return gone;
  if (asked.path() == "/fine") co_return http::response::text("fine");
  co_return http::response::from({.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "query"});
}

TEST(json_errors, puts_refusals_into_json_and_leaves_all_else) {
  const auto seen = http::testing::split_responses(http::testing::play_one(
      compose({json_errors::layer()}, http::handler(own_words)), {{0ms, get("/late") + get("/html") + get("/fine")}}));
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].status, 504);
  EXPECT_EQ(seen[0].body, R"({"error":"timed_out"})");
  EXPECT_EQ(seen[0].header("content-type"), "application/json");
  EXPECT_EQ(seen[1].body, "<p>");
  EXPECT_EQ(seen[2].body, "fine");
  EXPECT_EQ(seen[2].header("content-type"), "text/plain; charset=utf-8");
}

}  // namespace
}  // namespace assay::guard::chain
