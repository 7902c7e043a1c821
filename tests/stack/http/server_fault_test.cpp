// A network that cuts, delays, runs out and resets: what arrives is whole and right, and nothing is left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// "/echo" sends the body back, "/stream" sends it back as it comes, "/skip" answers without reading, all else is
// answer_target.
task<response> mixed(request& asked) {
  if (asked.path() == "/echo") co_return co_await echo(asked);
  if (asked.path() == "/skip") co_return response::text("skipped");
  if (asked.path() != "/stream") co_return co_await answer_target(asked);
  response reply;
  reply.stream = [&asked](this auto, body_sink& sink) -> task<result<void>> {
    while (true) {
      const result<std::string_view> piece = co_await asked.read();
      if (!piece) co_return std::unexpected(piece.error());
      if (piece->empty()) co_return result<void>{};
      const result<void> sent = co_await sink.write(*piece);
      if (!sent) co_return std::unexpected(sent.error());
      std::ignore = co_await delay_for(1ms);
    }
  };
  co_return reply;
}

struct exchange {
  std::string request;
  method verb;
  std::string answer;  // the body expected
};

exchange make_exchange(std::mt19937_64& random, std::size_t number) {
  const auto up_to = [&random](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(1, most)(random);
  };
  const std::string name = "/" + std::to_string(number);
  std::string body;
  for (std::size_t left = up_to(9000); left > 0; --left) body += static_cast<char>('a' + left % 26);
  switch (up_to(7)) {
    case 1:
      return {post("/echo", body), method::post, body};
    case 2:
      return {post_chunked("/echo", {body, name, "x"}), method::post, body + name + "x"};
    case 3:
      return {post_chunked("/stream", {name, body}), method::post, name + body};
    case 4:
      return {post("/skip", body), method::post, "skipped"};
    case 5:
      return {"HEAD " + name + " HTTP/1.1\r\nhost: a\r\n\r\n", method::head, ""};
    case 6:
      return {get("/sleep"), method::get, "/sleep"};
    default:
      return {get(name), method::get, name};
  }
}

struct plan_of_client {
  client_script script;
  std::vector<exchange> exchanges;
};

plan_of_client make_client(std::mt19937_64& random) {
  plan_of_client plan;
  std::string all;
  const std::size_t count = 5 + random() % 10;
  for (std::size_t i = 0; i < count; ++i) {
    plan.exchanges.push_back(make_exchange(random, i));
    all += plan.exchanges.back().request;
  }
  // Pipelined, in pieces that know nothing of where a request ends.
  for (duration at = 0ms; !all.empty(); at += std::chrono::milliseconds(random() % 20)) {
    const std::size_t size = std::min<std::size_t>(all.size(), 1 + random() % 4000);
    plan.script.pieces.push_back({at, all.substr(0, size)});
    all.erase(0, size);
  }
  return plan;
}

// How many answers arrived whole; each must be the one expected at its place.
std::size_t check(const plan_of_client& plan, const client_record& seen) {
  std::vector<method> methods;
  for (const exchange& each : plan.exchanges) methods.push_back(each.verb);
  const auto responses = split_responses(seen, methods);
  EXPECT_LE(responses.size(), plan.exchanges.size());
  std::size_t whole = 0;
  for (std::size_t i = 0; i < std::min(responses.size(), plan.exchanges.size()); ++i) {
    if (!responses[i].complete) break;
    EXPECT_EQ(responses[i].status, 200);
    EXPECT_EQ(responses[i].body, plan.exchanges[i].answer);
    whole++;
  }
  if (whole < plan.exchanges.size()) {
    EXPECT_TRUE(seen.failure) << "an answer is missing, and the connection did not fail";
  }
  return whole;
}

struct totals {
  std::size_t expected = 0;
  std::size_t whole = 0;
};

totals play_seed(std::uint64_t seed, double reset) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  scenario plan;
  plan.serve = mixed;
  plan.network = distant(1ms, seed);
  plan.network.window_bytes = 4096 + random() % 30'000;
  plan.network.buffer_bytes = 512;
  plan.network.faults = {.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.1, .deferred = 0.3, .reset = reset};
  std::vector<plan_of_client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(make_client(random));
    plan.clients.push_back(clients.back().script);
  }
  const report seen = play(plan);
  totals sum;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    sum.expected += clients[i].exchanges.size();
    sum.whole += check(clients[i], seen.clients[i]);
  }
  return sum;
}

TEST(http_server_faults, cut_and_delayed_everything_still_arrives) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const totals sum = play_seed(seed, 0);
    EXPECT_EQ(sum.whole, sum.expected);
    if (HasFailure()) return;
  }
}

TEST(http_server_faults, with_resets_what_arrives_is_right) {
  totals all;
  for (std::uint64_t seed = 101; seed <= 300; ++seed) {
    const totals sum = play_seed(seed, 0.005);
    all.expected += sum.expected;
    all.whole += sum.whole;
    if (HasFailure()) return;
  }
  EXPECT_LT(all.whole, all.expected) << "no reset happened: the test shows nothing";
  EXPECT_GT(all.whole, all.expected / 10) << "hardly anything arrived: the test shows nothing";
}

TEST(http_server_faults, a_drain_in_the_middle_loses_nothing_that_was_begun) {
  for (std::uint64_t seed = 301; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sim_options network = distant(1ms, seed);
    network.faults = {.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.1, .deferred = 0.3};
    const std::string body(5000, 'x');
    // One request each, begun before and finished after the drain.
    const std::string request = post("/stream", body);
    const client_script client{.pieces = {{0ms, request.substr(0, 100)}, {30ms, request.substr(100)}}};
    const report seen = play({.serve = mixed, .network = network, .clients = {client, client}, .drain_at = 20ms});
    for (const client_record& each : seen.clients) {
      ASSERT_THAT(statuses(each), ElementsAre(200));
      EXPECT_EQ(split_responses(each).at(0).body, body);
      EXPECT_FALSE(each.failure);
    }
    EXPECT_EQ(seen.counters.cut, 0U);
    EXPECT_LT(seen.server_ended_after, 1s);
    if (HasFailure()) return;
  }
}

TEST(http_server_faults, a_client_that_resets_in_a_body_is_told_to_the_handler) {
  std::optional<error> told;
  const handler reads = [&told](this auto, request& asked) -> task<response> {
    const result<std::string> body = co_await asked.read_all();
    if (!body) told = body.error();
    co_return response::text("late");
  };
  const std::string request = post("/", "hello");
  const report seen = play(
      {.serve = reads,
       .clients = {{.pieces = {{0ms, request.substr(0, request.size() - 1)}, {2s, "o"}}}, {.pieces = {{5s, get("/")}}}},
       .events = {{1s, [](sim_io& network, loop&) { network.set_faults({.reset = 1}); }},
                  {3s, [](sim_io& network, loop&) { network.set_faults({}); }}}});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, errc::reset);
  EXPECT_TRUE(seen.clients[0].failure);
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(200)) << "the server goes on";
}

TEST(http_server_faults, a_client_that_leaves_with_the_answer_unread_is_survived) {
  const std::string large(500'000, 'x');
  const handler answers = [&large](this auto, request&) -> task<response> { co_return response::text(large); };
  const report seen = play({.serve = answers,
                            .clients = {{.pieces = {{0ms, get("/") + get("/")}}, .read_from = 2s, .leave_at = 1s},
                                        {.pieces = {{5s, get("/")}}}}});
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(200));
  EXPECT_EQ(seen.counters.cut, 0U);
}

}  // namespace
}  // namespace assay::http::testing
