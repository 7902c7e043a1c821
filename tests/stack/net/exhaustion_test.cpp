// Limits of the system reached on purpose: descriptors, and the loop's lent buffers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/stack/net/net_test_support.hpp"

namespace assay {
namespace {

using namespace testing_support;

// --- descriptors -------------------------------------------------------------------------------------------------

class descriptor_test : public backend_test {
 protected:
  ~descriptor_test() override { give_descriptors(); }

  // From here on the process gets no new descriptor.
  void take_descriptors() {
    if (sim_io* world = simulation()) {
      world->set_faults({.max_sockets = static_cast<unsigned>(world->open_sockets()) - 1});
      return;
    }
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int lowest_free = ::dup(STDERR_FILENO);
    ASSERT_GE(lowest_free, 0);
    ::close(lowest_free);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    taken_ = true;
  }
  void give_descriptors() {
    if (sim_io* world = simulation()) world->set_faults({});
    if (std::exchange(taken_, false)) ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0);
  }

 private:
  rlimit before_{};
  bool taken_ = false;
};
INSTANTIATE_TEST_SUITE_P(backends, descriptor_test, ::testing::ValuesIn(all_backends()), backend_name);

task<std::vector<net::stream>> connect_many(socket_address to, int count) {
  std::vector<net::stream> clients;
  for (int i = 0; i < count; ++i) {
    result<net::stream> client = co_await net::connect(to);
    EXPECT_TRUE(client);
    if (client) clients.push_back(std::move(*client));
  }
  co_return clients;
}

TEST_P(descriptor_test, accept_and_connect_say_so_and_recover) {
  auto without = [](net::listener& from) -> task<void> {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(failed_with(co_await from.accept(), errc::no_descriptors));
      EXPECT_TRUE(failed_with(co_await net::connect(from.local_address()), errc::no_descriptors));
    }
  };
  auto again = [](net::listener& from, std::size_t count) -> task<void> {
    for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(co_await from.accept());
  };
  net::listener from = listen();
  std::vector<net::stream> clients = on_.run(connect_many(from.local_address(), 3));
  take_descriptors();
  on_.run(without(from));
  give_descriptors();
  on_.run(again(from, clients.size()));
}

// --- lent buffers ------------------------------------------------------------------------------------------------

class lent_buffer_test : public backend_test {
 protected:
  lent_buffer_test() : backend_test(8) {}
};
INSTANTIATE_TEST_SUITE_P(backends, lent_buffer_test, ::testing::ValuesIn(all_backends()), backend_name);

constexpr int crowd = 64;

// Holds its buffer for a while, as a handler that waits for something else does.
task<result<void>> hold_and_answer(net::stream peer, duration held_for) {
  result<net::chunk> some = co_await peer.recv();
  if (!some) co_return std::unexpected(some.error());
  std::ignore = co_await delay_for(held_for);
  const result<void> sent = co_await peer.send_all(some->bytes());
  some->release();
  const result<std::string> rest = co_await receive_all(peer);
  EXPECT_TRUE(rest);
  co_return sent;
}

task<result<void>> ask_once(socket_address to, std::string question) {
  result<net::stream> peer = co_await net::connect(to);
  if (!peer) co_return std::unexpected(peer.error());
  if (const result<void> sent = co_await send_and_finish(*peer, question); !sent) co_return sent;
  const result<std::string> answer = co_await receive_all(*peer);
  if (!answer) co_return std::unexpected(answer.error());
  EXPECT_TRUE(!answer->empty() && question.starts_with(*answer));
  co_return result<void>{};
}

TEST_P(lent_buffer_test, more_holders_than_buffers_all_get_their_turn) {
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    scope servers(ctx);
    scope clients(ctx);
    for (int i = 0; i < crowd; ++i) clients.spawn(ask_once(from.local_address(), "question " + std::to_string(i)));
    for (int i = 0; i < crowd; ++i) {
      result<net::stream> peer = co_await from.accept();
      EXPECT_TRUE(peer);
      servers.spawn(hold_and_answer(std::move(*peer), 500us));
    }
    EXPECT_TRUE(co_await servers.join());
    EXPECT_TRUE(co_await clients.join());
  };
  on_.run(body(listen()));
}

task<result<void>> transfer(socket_address to, const std::string& bytes) {
  result<net::stream> peer = co_await net::connect(to);
  if (!peer) co_return std::unexpected(peer.error());
  scope sending(co_await this_context());
  sending.spawn(send_and_finish(*peer, bytes));
  const result<std::string> back = co_await receive_all(*peer);
  const result<void> sent = co_await sending.join();
  EXPECT_TRUE(back && *back == bytes);
  co_return sent;
}

TEST_P(lent_buffer_test, many_transfers_share_few_buffers) {
  auto body = [](net::listener from, const std::string& bytes) -> task<void> {
    context& ctx = co_await this_context();
    scope servers(ctx);
    scope clients(ctx);
    for (int i = 0; i < crowd; ++i) clients.spawn(transfer(from.local_address(), bytes));
    for (int i = 0; i < crowd; ++i) {
      result<net::stream> peer = co_await from.accept();
      EXPECT_TRUE(peer);
      servers.spawn(echo(std::move(*peer)));
    }
    EXPECT_TRUE(co_await clients.join());
    EXPECT_TRUE(co_await servers.join());
  };
  on_.run(body(listen(), pattern(50'000)));
}

class burst_test : public backend_test {
 protected:
  burst_test() : backend_test(512) {}
};
INSTANTIATE_TEST_SUITE_P(backends, burst_test, ::testing::ValuesIn(all_backends()), backend_name);

task<result<void>> expect_word(net::stream& from, std::string word) {
  std::string got;
  while (got.size() < word.size()) {
    const result<net::chunk> some = co_await from.recv();
    if (!some) co_return std::unexpected(some.error());
    got += some->bytes();
  }
  EXPECT_EQ(got, word);
  co_return result<void>{};
}

// A ring holds some of the free buffers at first.
TEST_P(burst_test, more_receive_in_one_turn_than_ever_before) {
  auto body = [](net::listener from) -> task<void> {
    std::vector<connection> pairs;
    for (int i = 0; i < 400; ++i) pairs.push_back(co_await connect_pair(from));
    for (int round = 0; round < 3; ++round) {
      scope both(co_await this_context());
      for (std::size_t i = 0; i < pairs.size(); ++i) both.spawn(expect_word(pairs[i].server, std::to_string(i)));
      co_await yield();
      for (std::size_t i = 0; i < pairs.size(); ++i) EXPECT_TRUE(co_await pairs[i].client.send_all(std::to_string(i)));
      EXPECT_TRUE(co_await both.join());
    }
  };
  on_.run(body(listen()));
}

task<void> receive_in_time(net::stream& from, instant limit, int& late) {
  const result<net::chunk> got = co_await from.recv(limit);
  if (!got) late++;
}

task<void> send_word(net::stream& to) { EXPECT_TRUE(co_await to.send_all("word")); }

task<void> keep_thread_until(instant end) {
  loop& on = *(co_await this_context()).on;
  while (on.now() <= end) continue;
}

class late_thread_test : public burst_test {};
INSTANTIATE_TEST_SUITE_P(backends, late_thread_test, ::testing::ValuesIn(real_backends()), backend_name);

// Kernels hand over so much at a time, and so much as there are buffers.
TEST_P(late_thread_test, what_has_come_before_the_limit_is_no_timeout_however_much_it_is) {
  auto body = [](net::listener from) -> task<int> {
    context& ctx = co_await this_context();
    std::vector<connection> pairs;
    for (int i = 0; i < 200; ++i) pairs.push_back(co_await connect_pair(from));
    scope receiving(ctx);
    scope sending(ctx);
    int late = 0;
    const instant limit = ctx.on->now() + 50ms;
    for (connection& each : pairs) receiving.spawn(receive_in_time(each.server, limit, late));
    co_await yield();
    for (connection& each : pairs) sending.spawn(send_word(each.client));
    sending.spawn(keep_thread_until(limit));  // in the turn of the sends
    EXPECT_TRUE(co_await sending.join());
    EXPECT_TRUE(co_await receiving.join());
    co_return late;
  };
  EXPECT_EQ(on_.run(body(listen())), 0);
}

// A peer that sends without end to a connection nobody reads must not take the buffers from all others.
TEST_P(lent_buffer_test, bytes_that_nobody_reads_do_not_starve_other_connections) {
  auto body = [](net::listener from, const std::string& flood) -> task<void> {
    context& ctx = co_await this_context();
    connection flooded = co_await connect_pair(from);
    EXPECT_TRUE(co_await flooded.client.send_all("x"));
    EXPECT_TRUE(co_await flooded.server.recv());  // and never again
    scope flooding(ctx);
    flooding.spawn(send_and_finish(flooded.client, flood));
    std::ignore = co_await delay_for(2ms);
    connection other = co_await connect_pair(from);
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(co_await other.client.send_all("ping"));
      const result<net::chunk> got = co_await other.server.recv(ctx.on->now() + 5s);
      EXPECT_TRUE(got) << "round " << i;
      if (!got) break;
    }
    flooding.cancel(cancel_reason::user);
    std::ignore = co_await flooding.join();
  };
  on_.run(body(listen(), pattern(32 << 20)));
}

}  // namespace
}  // namespace assay
