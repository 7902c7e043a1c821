// Another service as one object: its connections, its guards and its numbers.
#include "stack/guard/remote.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/net/address.hpp"
#include "stack/observe/exposition.hpp"
#include "stack/observe/mirror.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/testing/fake_service.hpp"
#include "stack/testing/virtual_world.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;
using assay::testing::fake_answer;
using assay::testing::fake_service;
using assay::testing::virtual_world;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct visit {
  fake_service quotes;
  observe::registry metrics;
  std::vector<std::string> told = {};
  virtual_world world;

  static task<void> ask_each(visit* self, std::vector<std::string> targets) {
    const socket_address at = *net::parse_address("127.0.0.1", 9100);
    scope serving(co_await this_context());
    serving.spawn(self->quotes.serve(self->world.network(), at));
    {
      const remote quotes({.host = "quotes", .address = at}, {.retry = {.seed = 1}, .breaker = {.min_exchanges = 3}});
      observe::mirror numbers(self->metrics, self->metrics.add_shard());
      show(numbers, quotes, "quotes");
      for (const std::string& target : targets) {
        const auto got = co_await quotes.ask({.target = target});
        self->told.push_back(got ? std::to_string(got->status) + " " + got->body
                                 : std::string(label(got.error().code)));
      }
      numbers.carry(self->world.on().now());
      numbers.close();
    }
    serving.cancel(cancel_reason::shutdown);
    std::ignore = co_await serving.join();
  }
};

TEST(remote_test, asks_through_every_guard_and_tells_what_they_did) {
  visit of;
  of.quotes.on("/7", {.body = "5 %"});
  of.quotes.on("/8", {.status = 503});
  of.world.run(visit::ask_each(&of, {"/7", "/8", "/8", "/7"}));
  ASSERT_EQ(of.told.size(), 4U);
  EXPECT_EQ(of.told.front(), "200 5 %");
  EXPECT_EQ(of.told.back(), "limit") << "the breaker has opened, and nobody was asked";
  EXPECT_GT(std::ranges::count(of.quotes.asked(), "/8"), 1) << "what failed was tried again";
  EXPECT_EQ(std::ranges::count(of.quotes.asked(), "/7"), 1);
  EXPECT_THAT(observe::expose(of.metrics, observe::exposition::prometheus),
              AllOf(HasSubstr("assay_client_requests_total{client=\"quotes\"}"),
                    HasSubstr("assay_breaker_exchanges_total{client=\"quotes\",outcome=\"refused\"}")));
  EXPECT_EQ(of.world.leftovers(), "");
}

// Two hosts of one service, of which one does not answer as it should.
task<void> ask_two(visit* self, fake_service* ill) {
  const socket_address well_at = *net::parse_address("127.0.0.1", 9100);
  const socket_address ill_at = *net::parse_address("127.0.0.1", 9101);
  scope serving(co_await this_context());
  serving.spawn(self->quotes.serve(self->world.network(), well_at));
  serving.spawn(ill->serve(self->world.network(), ill_at));
  {
    const remote quotes(
        std::vector<http::origin>{{.host = "well:1", .address = well_at}, {.host = "ill:2", .address = ill_at}},
        {.retry = {.seed = 1}, .balance = {.by = balance::method::round_robin}});
    observe::mirror numbers(self->metrics, self->metrics.add_shard());
    show(numbers, quotes, "quotes");
    for (int i = 0; i < 20; ++i) {
      const auto got = co_await quotes.ask({.target = "/7"});
      self->told.push_back(got ? std::to_string(got->status) : std::string(label(got.error().code)));
    }
    numbers.carry(self->world.on().now());
    numbers.close();
  }
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();
}

TEST(remote_test, of_several_hosts_one_that_is_ill_costs_nobody_an_answer) {
  visit of;
  fake_service ill;
  of.quotes.on("/7", {.body = "5 %"});
  ill.on("/7", {.status = 503});
  of.world.run(ask_two(&of, &ill));
  EXPECT_EQ(std::ranges::count(of.told, "200"), 20);
  EXPECT_EQ(ill.asked().size(), 5U) << "then it is left out";
  EXPECT_THAT(observe::expose(of.metrics, observe::exposition::prometheus),
              AllOf(HasSubstr("assay_client_requests_total{client=\"quotes well:1\"} 20"),
                    HasSubstr("assay_client_requests_total{client=\"quotes ill:2\"} 5")));
  EXPECT_EQ(of.world.leftovers(), "");
}

TEST(remote_death_test, options_that_are_wrong_end_the_program_and_are_told_by_name) {
  const auto make = [] {
    remote({.host = "quotes", .address = {}}, {.call = {.limit = 1s}, .attempt = {.limit = 2s}});
  };
  EXPECT_EXIT(make(), ::testing::ExitedWithCode(4), "client.attempt.limit is 2 s; allowed: up to call.limit, 1 s");
}

}  // namespace
}  // namespace assay::guard
