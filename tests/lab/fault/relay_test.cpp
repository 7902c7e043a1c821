// The relay in virtual time: what a client sees through it, to the nanosecond.
#include "lab/fault/relay.hpp"

#include <gtest/gtest.h>

#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::fault {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t upstream_port = 5000;
constexpr std::uint16_t proxy_port = 6000;

socket_address at(std::uint16_t port) { return *net::parse_address("127.0.0.1", port); }

// Answers each chunk with the same bytes, at once.
task<void> echo_one(net::stream client) {
  while (true) {
    result<net::chunk> some = co_await client.recv();
    if (!some || some->empty()) co_return;
    if (!co_await client.send_all(some->bytes())) co_return;
  }
}

task<result<void>> echo(net::listener* from, scope* serving) {
  while (true) {
    result<net::stream> accepted = co_await from->accept();
    if (!accepted) co_return std::unexpected(accepted.error());
    serving->spawn(echo_one(std::move(*accepted)));
  }
}

struct world {
  world() : on(std::make_unique<sim_io>(sim_options{.seed = 3})) {}

  // Runs `client` beside an echo server and a relay in front of it.
  void run(task<void> (*client)(world*)) { on.run(all(this, client)); }

  static task<void> all(world* self, task<void> (*client)(world*)) {
    net::listener upstream = *net::listener::open(self->on.backend(), at(upstream_port));
    net::listener front = *net::listener::open(self->on.backend(), at(proxy_port));
    scope serving(co_await this_context());
    serving.spawn(echo(&upstream, &serving));
    serving.spawn(self->proxy.run(std::move(front)));
    co_await client(self);
    self->proxy.stop();
    serving.cancel(cancel_reason::user);
    std::ignore = co_await serving.join();
  }

  loop on;
  relay proxy{{.upstream = at(upstream_port), .seed = 7}};
};

// How long the answer to `text` took; nothing when there was none.
task<std::optional<duration>> ask(world* in, net::stream* over, std::string text) {
  const instant asked = in->on.now();
  if (!co_await over->send_all(text)) co_return std::nullopt;
  std::string got;
  while (got.size() < text.size()) {
    result<net::chunk> some = co_await over->recv(in->on.now() + 60s);
    if (!some || some->empty()) co_return std::nullopt;
    got.append(some->bytes());
  }
  EXPECT_EQ(got, text);
  co_return in->on.now() - asked;
}

TEST(relay, carries_bytes_both_ways_without_a_fault) {
  world here;
  here.run([](world* in) -> task<void> {
    net::stream over = *(co_await net::connect(at(proxy_port)));
    EXPECT_EQ(co_await ask(in, &over, std::string(100'000, 'x')), duration::zero());
    over.shutdown_write();
    const result<net::chunk> end = co_await over.recv();
    EXPECT_TRUE(end && end->empty()) << "the end of the stream is carried too";
  });
  EXPECT_EQ(here.proxy.counters().connections, 1U);
  EXPECT_EQ(here.proxy.counters().delayed, 0U);
}

TEST(relay, a_fixed_latency_is_added_once_a_round_trip) {
  world here;
  here.run([](world* in) -> task<void> {
    net::stream over = *(co_await net::connect(at(proxy_port)));
    in->proxy.set_latency({.median = 150ms});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await ask(in, &over, "hello"), 150ms);
    // A reply of many chunks is held back once.
    EXPECT_EQ(co_await ask(in, &over, std::string(20'000, 'y')), 150ms);
    in->proxy.clear();
    EXPECT_EQ(co_await ask(in, &over, "hello"), duration::zero());
  });
  EXPECT_EQ(here.proxy.counters().delayed, 4U);
}

TEST(relay, a_reset_closes_what_is_open_and_serves_what_comes) {
  world here;
  here.run([](world* in) -> task<void> {
    net::stream over = *(co_await net::connect(at(proxy_port)));
    EXPECT_TRUE(co_await ask(in, &over, "a"));
    in->proxy.reset_connections();
    EXPECT_FALSE(co_await ask(in, &over, "b"));
    net::stream again = *(co_await net::connect(at(proxy_port)));
    EXPECT_TRUE(co_await ask(in, &again, "c"));
  });
  EXPECT_EQ(here.proxy.counters().cut, 1U);
}

TEST(relay, a_reset_reaches_a_reply_that_is_being_held_back) {
  world here;
  here.run([](world* in) -> task<void> {
    net::stream over = *(co_await net::connect(at(proxy_port)));
    in->proxy.set_latency({.median = 50s});
    const instant before = in->on.now();
    EXPECT_TRUE(co_await over.send_all("a"));
    std::ignore = co_await delay_for(1s);
    in->proxy.reset_connections();
    const result<net::chunk> end = co_await over.recv(in->on.now() + 10s);
    EXPECT_TRUE(!end || end->empty());
    EXPECT_EQ(in->on.now() - before, 1s);
  });
}

TEST(relay, a_reply_that_is_being_held_back_takes_no_lent_buffer) {
  world here;
  here.run([](world* in) -> task<void> {
    net::stream over = *(co_await net::connect(at(proxy_port)));
    in->proxy.set_latency({.median = 50s});
    EXPECT_TRUE(co_await over.send_all("a"));
    std::ignore = co_await delay_for(1s);
    EXPECT_EQ(dynamic_cast<sim_io&>(in->on.backend()).lent_buffers(), 0U);
    const result<net::chunk> reply = co_await over.recv(in->on.now() + 60s);
    EXPECT_TRUE(reply && reply->bytes() == "a");
  });
}

TEST(relay, an_outage_refuses_until_it_is_cleared) {
  world here;
  here.run([](world* in) -> task<void> {
    net::stream over = *(co_await net::connect(at(proxy_port)));
    EXPECT_TRUE(co_await ask(in, &over, "a"));
    in->proxy.set_outage(true);
    EXPECT_FALSE(co_await ask(in, &over, "b"));
    net::stream refused = *(co_await net::connect(at(proxy_port)));
    EXPECT_FALSE(co_await ask(in, &refused, "c"));
    in->proxy.clear();
    net::stream again = *(co_await net::connect(at(proxy_port)));
    EXPECT_TRUE(co_await ask(in, &again, "d"));
  });
  EXPECT_EQ(here.proxy.counters().refused, 1U);
}

TEST(relay, an_unreachable_upstream_closes_the_client) {
  world here;
  here.run([](world* in) -> task<void> {
    relay lost({.upstream = at(1)});
    net::listener front = *net::listener::open(in->on.backend(), at(6001));
    scope serving(co_await this_context());
    serving.spawn(lost.run(std::move(front)));
    net::stream over = *(co_await net::connect(at(6001)));
    const result<net::chunk> end = co_await over.recv(in->on.now() + 10s);
    EXPECT_TRUE(!end || end->empty());
    EXPECT_EQ(lost.counters().upstream_failures, 1U);
    lost.stop();
    serving.cancel(cancel_reason::user);
    std::ignore = co_await serving.join();
  });
}

TEST(latency, has_the_median_and_the_spread_it_was_given) {
  std::mt19937_64 random(11);
  std::vector<double> logs;
  for (int i = 0; i < 20'000; ++i) {
    logs.push_back(std::log(static_cast<double>(draw({.median = 40ms, .sigma = 0.5}, random).count()) / 40e6));
  }
  double sum = 0;
  double squares = 0;
  for (const double each : logs) sum += each, squares += each * each;
  const double mean = sum / 20'000;
  EXPECT_NEAR(mean, 0, 0.02);
  EXPECT_NEAR(std::sqrt(squares / 20'000 - mean * mean), 0.5, 0.02);
}

TEST(latency, is_bounded) {
  std::mt19937_64 random(1);
  EXPECT_EQ(draw({.median = std::chrono::hours(1)}, random), max_latency);
  EXPECT_EQ(draw({.median = -1s}, random), duration::zero());
}

}  // namespace
}  // namespace assay::fault
