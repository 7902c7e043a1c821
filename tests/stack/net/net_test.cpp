// Streams and listeners on every backend.
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/stack/net/net_test_support.hpp"

namespace assay {
namespace {

using namespace testing_support;

class net_test : public backend_test {};
INSTANTIATE_TEST_SUITE_P(backends, net_test, ::testing::ValuesIn(all_backends()), backend_name);

TEST_P(net_test, bytes_come_back_from_an_echo) {
  auto body = [](net::listener from) -> task<void> {
    connection both = co_await connect_pair(from);
    scope children(co_await this_context());
    children.spawn(echo(std::move(both.server)));
    EXPECT_TRUE(co_await send_and_finish(both.client, "hello"));
    EXPECT_EQ(co_await receive_all(both.client), "hello");
    EXPECT_TRUE(co_await children.join());
  };
  on_.run(body(listen()));
}

TEST_P(net_test, half_a_connection_can_be_closed_while_the_other_goes_on) {
  auto body = [](net::listener from) -> task<void> {
    connection both = co_await connect_pair(from);
    EXPECT_TRUE(co_await send_and_finish(both.client, "question"));
    EXPECT_EQ(co_await receive_all(both.server), "question");
    EXPECT_TRUE((co_await both.server.recv())->empty()) << "the end stays the end";
    EXPECT_TRUE(co_await send_and_finish(both.server, "answer"));
    EXPECT_EQ(co_await receive_all(both.client), "answer");
  };
  on_.run(body(listen()));
}

// The end may arrive together with the last bytes: a reader that stops at a short read would never hear of it.
TEST_P(net_test, the_end_behind_the_last_bytes_is_seen) {
  auto body = [](net::listener from) -> task<void> {
    for (int round = 0; round < 50; ++round) {
      connection both = co_await connect_pair(from);
      EXPECT_TRUE(co_await send_and_finish(both.client, "x"));
      both.client.close();
      if (round % 2 == 0) std::ignore = co_await delay_for(100us);
      EXPECT_EQ(co_await receive_all(both.server), "x");
    }
  };
  on_.run(body(listen()));
}

task<result<void>> slow_check(net::stream& from, std::string_view expected, duration pause) {
  std::size_t seen = 0;
  while (true) {
    const result<net::chunk> some = co_await from.recv();
    if (!some) co_return std::unexpected(some.error());
    if (some->empty()) break;
    EXPECT_EQ(some->bytes(), expected.substr(seen, some->bytes().size())) << "at " << seen;
    seen += some->bytes().size();
    if (pause > 0ns && seen % 7 == 0) std::ignore = co_await delay_for(pause);
  }
  EXPECT_EQ(seen, expected.size());
  co_return result<void>{};
}

TEST_P(net_test, large_transfers_in_both_directions_at_once_with_slow_readers) {
  auto body = [](net::listener from, const std::string& up, const std::string& down) -> task<void> {
    connection both = co_await connect_pair(from);
    scope children(co_await this_context());
    children.spawn(send_and_finish(both.client, up));
    children.spawn(send_and_finish(both.server, down));
    children.spawn(slow_check(both.client, down, 50us));
    children.spawn(slow_check(both.server, up, 50us));
    EXPECT_TRUE(co_await children.join());
  };
  const std::string up = pattern(3 << 20, 1);
  const std::string down = pattern(2 << 20, 2);
  on_.run(body(listen(), up, down));
}

TEST_P(net_test, a_reader_that_pauses_long_loses_nothing) {
  auto body = [](net::listener from, const std::string& bytes) -> task<void> {
    connection both = co_await connect_pair(from);
    scope children(co_await this_context());
    children.spawn(send_and_finish(both.client, bytes));
    for (int i = 0; i < 3; ++i) std::ignore = co_await delay_for(2ms);
    EXPECT_TRUE(co_await slow_check(both.server, bytes, 0ns));
    EXPECT_TRUE(co_await children.join());
  };
  const std::string bytes = pattern(2 << 20);
  on_.run(body(listen(), bytes));
}

task<result<void>> serve_echoes(net::listener& from, scope& connections, int count) {
  for (int i = 0; i < count; ++i) {
    result<net::stream> peer = co_await from.accept();
    if (!peer) co_return std::unexpected(peer.error());
    connections.spawn(echo(std::move(*peer)));
  }
  co_return result<void>{};
}

task<result<void>> round_trips(socket_address to, int rounds, std::uint64_t seed) {
  result<net::stream> peer = co_await net::connect(to);
  if (!peer) co_return std::unexpected(peer.error());
  for (int round = 0; round < rounds; ++round) {
    const std::string request = pattern(1 + seed * 37 % 900, seed + static_cast<std::uint64_t>(round));
    if (const result<void> sent = co_await peer->send_all(request); !sent) co_return sent;
    std::string reply;
    while (reply.size() < request.size()) {
      const result<net::chunk> some = co_await peer->recv();
      if (!some) co_return std::unexpected(some.error());
      EXPECT_FALSE(some->empty());
      reply += some->bytes();
    }
    EXPECT_EQ(reply, request);
  }
  co_return result<void>{};
}

TEST_P(net_test, many_connections_at_once) {
  auto body = [](net::listener from, int count) -> task<void> {
    context& ctx = co_await this_context();
    scope servers(ctx);
    scope clients(ctx);
    servers.spawn(serve_echoes(from, servers, count));
    for (int i = 0; i < count; ++i) {
      clients.spawn(round_trips(from.local_address(), 10, static_cast<std::uint64_t>(i)));
    }
    EXPECT_TRUE(co_await clients.join());
    EXPECT_TRUE(co_await servers.join());
  };
  on_.run(body(listen(), 200));
}

TEST_P(net_test, connecting_where_nobody_listens_is_refused) {
  auto body = [](socket_address to) -> task<void> {
    EXPECT_TRUE(failed_with(co_await net::connect(to), errc::refused));
  };
  socket_address gone;
  {
    const net::listener closing = listen();
    gone = closing.local_address();
  }
  on_.run(body(gone));
}

TEST_P(net_test, sending_to_a_peer_that_has_gone_fails) {
  auto body = [](net::listener from, const std::string& bytes) -> task<void> {
    connection both = co_await connect_pair(from);
    both.server.close();
    result<void> sent;
    for (int i = 0; i < 100 && sent; ++i) {
      sent = co_await both.client.send_all(bytes);
      std::ignore = co_await delay_for(100us);
    }
    EXPECT_TRUE(failed_with(sent, errc::reset));
    EXPECT_TRUE(failed_with(co_await both.client.send_all(bytes), errc::reset)) << "and goes on failing";
  };
  on_.run(body(listen(), pattern(1 << 16)));
}

// What the peer hears is the kernel's business (a reset, or the end); that it hears of it is ours.
TEST_P(net_test, closing_with_bytes_unread_ends_the_peers_stream) {
  auto body = [](net::listener from, const std::string& bytes) -> task<void> {
    for (int round = 0; round < 100; ++round) {
      connection both = co_await connect_pair(from);
      EXPECT_TRUE(co_await both.client.send_all(bytes));
      if (round % 2 == 0) {
        const result<net::chunk> part = co_await both.server.recv();
        EXPECT_TRUE(part);
      }
      both.server.close();
      const result<std::string> rest = co_await receive_all(both.client);
      EXPECT_TRUE(rest ? rest->empty() : rest.error().code == errc::reset);
    }
  };
  on_.run(body(listen(), pattern(20'000)));
}

TEST_P(net_test, a_blocked_sender_hears_that_its_peer_has_gone) {
  auto closer = [](net::stream peer) -> task<void> {
    std::ignore = co_await delay_for(3ms);
    peer.close();
  };
  auto body = [](net::listener from, auto& close_later, const std::string& bytes) -> task<void> {
    connection both = co_await connect_pair(from);
    scope children(co_await this_context());
    children.spawn(close_later(std::move(both.server)));
    EXPECT_TRUE(failed_with(co_await both.client.send_all(bytes), errc::reset));
    EXPECT_TRUE(co_await children.join());
  };
  on_.run(body(listen(), closer, pattern(32 << 20)));
}

TEST_P(net_test, clients_that_nobody_accepted_hear_that_the_listener_has_gone) {
  auto body = [](net::listener from) -> task<void> {
    result<net::stream> client = co_await net::connect(from.local_address());
    EXPECT_TRUE(client);
    from.close();
    const result<std::string> got = co_await receive_all(*client);
    EXPECT_TRUE(got ? got->empty() : got.error().code == errc::reset);
  };
  on_.run(body(listen()));
}

// --- the loop itself ---------------------------------------------------------------------------------------------

class real_loop_test : public backend_test {};
INSTANTIATE_TEST_SUITE_P(backends, real_loop_test, ::testing::ValuesIn(real_backends()), backend_name);

// One turn for the timer, and a few for its way down the wheel: an idle loop must not spin.
TEST_P(real_loop_test, an_idle_loop_sleeps_in_the_kernel) {
  const instant until = on_.now() + 20ms;
  auto body = [](instant at) -> task<result<void>> { co_return co_await delay_until(at); };
  EXPECT_TRUE(on_.run(body(until)));
  EXPECT_GE(on_.now(), until);
  EXPECT_LE(on_.counters().turns, 12u);
}

// A wake from another thread ends the wait in the kernel, again and again.
TEST_P(real_loop_test, posts_from_another_thread_wake_it) {
  constexpr int posts = 2000;
  int ran = 0;
  auto body = [](const int& count, instant limit) -> task<void> {
    loop& on = *(co_await this_context()).on;
    while (count < posts && on.now() < limit) std::ignore = co_await delay_for(10ms);
  };
  std::jthread poster([this, &ran] {
    for (int i = 0; i < posts; ++i) on_.post([&ran] { ran++; });
  });
  on_.run(body(ran, on_.now() + 5s));
  EXPECT_EQ(ran, posts);
}

// Posted without any timer that could wake the loop instead: a lost wake would hang.
TEST_P(real_loop_test, a_post_is_enough_to_end_an_endless_wait) {
  auto body = [](loop& on) -> task<void> {
    for (int round = 0; round < 200; ++round) {
      scope waiting(co_await this_context());
      auto endless = []() -> task<void> { std::ignore = co_await delay_until(never); };
      waiting.spawn(endless());
      std::jthread poster([&on, &waiting] { on.post([&waiting] { waiting.cancel(cancel_reason::user); }); });
      EXPECT_TRUE(co_await waiting.join());
    }
  };
  on_.run(body(on_));
}

}  // namespace
}  // namespace assay
