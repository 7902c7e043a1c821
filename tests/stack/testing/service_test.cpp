// The test kit, used as it is meant to be: on a service with a database and another service behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/data/postgres.hpp"
#include "stack/guard/chain/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/testing/ask.hpp"
#include "stack/testing/fake_postgres.hpp"
#include "stack/testing/fake_service.hpp"
#include "stack/testing/virtual_world.hpp"

namespace assay::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// --- the service

constexpr const char* find_item = "SELECT id, name, price_cents FROM items WHERE id = $1";
constexpr const char* take_one = "UPDATE items SET stock = stock - 1 WHERE id = $1";
constexpr const char* note_order = "INSERT INTO orders (item_id) VALUES ($1)";

struct shop {
  data::pool items;
  guard::exchange ask = {};
};

task<http::response> show_item(shop* of, std::int32_t id) {
  const auto found = co_await of->items.query(find_item, id);
  if (!found) co_return http::response::from(found.error());
  if (found->empty()) co_return http::response::refused(404, "not_found");
  co_return http::response::json(data::json_of((*found)[0]));
}

task<http::response> order(shop* of, std::int32_t id) {
  auto open = co_await of->items.begin();
  if (!open) co_return http::response::from(open.error());
  const auto taken = co_await open->query(take_one, id);
  if (!taken) co_return http::response::from(taken.error());
  if (taken->affected() == 0) co_return http::response::refused(409, "out_of_stock");
  const auto noted = co_await open->query(note_order, id);
  if (!noted) co_return http::response::from(noted.error());
  const auto committed = co_await open->commit();
  co_return committed ? http::response::text("ordered\n", 201) : http::response::from(committed.error());
}

task<http::response> show_discount(shop* of, http::request& asked) {
  const auto answer = co_await of->ask({.target = "/quotes" + std::string(asked.path())});
  if (!answer || answer->status != 200) co_return http::response::text("no discount\n");
  co_return http::response::text(answer->body);
}

http::handler serving_item(shop* of, std::int32_t id) {
  return [of, id] ASSAY_CORO_WRAPPER(http::request&) { return show_item(of, id); };
}
http::handler serving_order(shop* of, std::int32_t id) {
  return [of, id] ASSAY_CORO_WRAPPER(http::request&) { return order(of, id); };
}
http::handler serving_discount(shop* of) {
  return [of] ASSAY_CORO_WRAPPER(http::request & asked) { return show_discount(of, asked); };
}

std::vector<std::string> statements(const fake_postgres& of) {
  std::vector<std::string> all;
  for (const pg_statement& each : of.asked()) all.push_back(each.sql);
  return all;
}

struct stage {
  virtual_world world{{.descriptor_patience = 300ms}};  // a silence is to cost little here
  fake_postgres database;
  shop of{.items = data::pool({.url = database.url(), .query_timeout = 3s, .backoff_min = 50ms, .seed = 1})};
};

// --- with a database

TEST(fake_postgres, answers_statements_by_their_text_and_parameters) {
  stage on;
  on.database.on(find_item, [](const std::vector<pg_text>& given) {
    std::vector<std::vector<pg_text>> found;
    if (given.at(0) == "7") found.push_back({"7", "tea", std::nullopt});
    return pg_rows({{"id", pg_type_int4}, "name", {"price_cents", pg_type_int4}}, std::move(found));
  });
  const answer there = on.world.run(ask(serving_item(&on.of, 7), {}));
  EXPECT_EQ(there.status, 200);
  EXPECT_EQ(there.body, R"({"id":7,"name":"tea","price_cents":null})");
  EXPECT_EQ(there.header("Content-Type"), "application/json");
  const answer nowhere = on.world.run(ask(serving_item(&on.of, 8), {}));
  EXPECT_EQ(nowhere.status, 404);
  EXPECT_EQ(nowhere.reason, "not_found");
  EXPECT_EQ(on.of.items.counters().opened, 1U);
  EXPECT_EQ(on.world.elapsed(), 0s);
  EXPECT_EQ(on.world.leftovers(), "");
}

TEST(fake_postgres, what_it_does_not_know_fails_by_name) {
  stage on;
  const auto got = on.world.run(on.of.items.query("SELECT 2"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().sqlstate(), "42601");
  EXPECT_THAT(got.error().message, ::testing::HasSubstr("SELECT 2"));
  EXPECT_TRUE(on.world.run(data::ping(on.of.items)));
}

TEST(fake_postgres, a_transaction_commits_or_rolls_back) {
  stage on;
  on.database.on(take_one, pg_done("UPDATE 1"));
  on.database.on(note_order, pg_done("INSERT 0 1"));
  EXPECT_EQ(on.world.run(ask(serving_order(&on.of, 7), {})).status, 201);
  EXPECT_THAT(statements(on.database), ElementsAre(::testing::StartsWith("BEGIN"), take_one, note_order, "COMMIT"));

  on.database.on(note_order, pg_fails("23505", "duplicate key"));
  EXPECT_GE(on.world.run(ask(serving_order(&on.of, 7), {})).status, 400);
  on.database.on(take_one, pg_done("UPDATE 0"));
  EXPECT_EQ(on.world.run(ask(serving_order(&on.of, 7), {})).status, 409);
  EXPECT_TRUE(on.world.run(data::ping(on.of.items)));  // the rollback is over when the connection is used again
  EXPECT_EQ(on.of.items.counters().rollbacks, 2U);
  EXPECT_EQ(std::ranges::count(statements(on.database), "ROLLBACK"), 2);
}

TEST(fake_postgres, a_server_that_says_nothing_costs_the_query_timeout_and_no_time) {
  stage on;
  on.database.on(find_item, pg_reply{.what = pg_reply::kind::hangs});
  EXPECT_EQ(on.world.run(ask(serving_item(&on.of, 7), {})).status, 504);
  EXPECT_EQ(on.world.elapsed(), 3s);
  EXPECT_EQ(on.of.items.counters().abandoned, 1U);
  on.database.on(find_item, pg_reply{.what = pg_reply::kind::closes});
  const answer gone = on.world.run(ask(serving_item(&on.of, 7), {}));
  EXPECT_EQ(gone.status, 503);
  EXPECT_EQ(gone.header("Retry-After"), "1");
}

task<void> outlive_an_outage(stage* on) {
  on->database.go_away();
  EXPECT_FALSE(co_await data::ping(on->of.items));
  const std::uint64_t failed = on->of.items.counters().open_failures;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(co_await data::ping(on->of.items)) << "told at once";
  EXPECT_EQ(on->of.items.counters().open_failures, failed);
  on->database.come_back();
  std::ignore = co_await delay_for(1min);
  EXPECT_TRUE(co_await data::ping(on->of.items));
}

TEST(fake_postgres, goes_away_and_comes_back) {
  stage on;
  EXPECT_TRUE(on.world.run(data::ping(on.of.items)));
  on.world.run(outlive_an_outage(&on));
  EXPECT_EQ(on.world.elapsed(), 1min);
}

// --- with another service

TEST(fake_service, fails_as_it_is_told_to_and_the_guards_go_on) {
  virtual_world world;
  fake_service quotes;
  quotes.on("/quotes/7", {.body = "5 %\n", .takes = 20ms});
  quotes.on("/quotes/8", {.status = 503});
  quotes.on("/quotes/9", {.what = fake_answer::mishap::hangs});
  const auto guards =
      guard::chain::client::make({.call = {.limit = 2s}, .retry = {.seed = 1}, .attempt = {.limit = 1s}}, {"quotes"});
  ASSERT_TRUE(guards) << guards.error();
  shop of{.items = data::pool({}), .ask = guards->around({quotes.as_exchange()})};
  EXPECT_EQ(world.run(ask(serving_discount(&of), {.target = "/7"})).body, "5 %\n");
  EXPECT_EQ(world.elapsed(), 20ms);
  EXPECT_EQ(world.run(ask(serving_discount(&of), {.target = "/8"})).body, "no discount\n");
  EXPECT_GT(std::ranges::count(quotes.asked(), "/quotes/8"), 1) << "it was tried again";
  const duration before = world.elapsed();
  EXPECT_EQ(world.run(ask(serving_discount(&of), {.target = "/9"})).body, "no discount\n");
  EXPECT_LE(world.elapsed() - before, 2s);
  EXPECT_EQ(world.leftovers(), "");
}

task<void> visit_over_a_network(virtual_world* world, fake_service* quotes, std::vector<std::string>* seen) {
  const socket_address at = *net::parse_address("127.0.0.1", 9100);
  scope serving(co_await this_context());
  serving.spawn(quotes->serve(world->network(), at));
  {
    http::client visitor({.host = "quotes", .address = at});
    for (const char* target : {"/quotes/7", "/quotes/8", "/quotes/none"}) {
      const auto got = co_await visitor.send({.target = target});
      seen->push_back(got ? std::to_string(got->status) + " " + got->body : std::string(label(got.error().code)));
    }
  }
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();
}

TEST(fake_service, serves_on_a_network) {
  virtual_world world({.latency = 5ms});
  fake_service quotes;
  quotes.on("/quotes/7", {.body = "5 %"});
  quotes.on("/quotes/8", {.what = fake_answer::mishap::fails});
  std::vector<std::string> seen;
  world.run(visit_over_a_network(&world, &quotes, &seen));
  EXPECT_THAT(seen, ElementsAre("200 5 %", "closed", "404 not_found\n"));
  EXPECT_EQ(world.leftovers(), "");
}

task<result<void>> counts_to_three(http::body_sink& to) {
  for (const char* piece : {"one ", "two ", "three"}) {
    const result<void> sent = co_await to.write(piece);
    if (!sent) co_return std::unexpected(sent.error());
  }
  co_return result<void>{};
}

TEST(ask, gathers_a_stream_and_gives_the_handler_its_request) {
  virtual_world world;
  const http::handler serve = [](http::request& asked) -> task<http::response> {
    const auto body = co_await asked.read_all();
    http::response reply;
    if (asked.verb() != http::method::post || body.value_or("") != "go") co_return http::response::refused(400, "no");
    if (asked.head().headers.find("x-token") == "secret") reply.stream = counts_to_three;
    co_return reply;
  };
  const answer got = world.run(
      ask(serve, {.verb = http::method::post, .target = "/", .headers = {{"X-Token", "secret"}}, .body = "go"}));
  EXPECT_EQ(got.body, "one two three");
  EXPECT_FALSE(got.cut);
  EXPECT_EQ(world.run(ask(serve, {})).status, 400);
}

}  // namespace
}  // namespace assay::testing
