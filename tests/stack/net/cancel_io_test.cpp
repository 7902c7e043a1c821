// Deadlines and cancellation of operations on every backend: each ends once, and nothing that arrived is lost.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/stack/net/net_test_support.hpp"

namespace assay {
namespace {

using namespace testing_support;

class cancel_io_test : public backend_test {};
INSTANTIATE_TEST_SUITE_P(backends, cancel_io_test, ::testing::ValuesIn(all_backends()), backend_name);

task<void> receive_into(net::stream& from, std::optional<result<std::string>>& into) {
  result<net::chunk> got = co_await from.recv();
  into = got ? result<std::string>(std::string(got->bytes())) : std::unexpected(got.error());
}

task<void> accept_into(net::listener& from, std::optional<result<net::stream>>& into) { into = co_await from.accept(); }

task<void> send_into(net::stream& to, std::string_view bytes, std::optional<result<void>>& into) {
  into = co_await to.send_all(bytes);
}

task<void> cancel_after(scope& victims, duration span) {
  std::ignore = co_await delay_for(span);
  victims.cancel(cancel_reason::user);
}

TEST_P(cancel_io_test, a_receive_ends_at_its_limit_and_the_stream_goes_on) {
  auto body = [](net::listener from) -> task<void> {
    connection both = co_await connect_pair(from);
    loop& on = *(co_await this_context()).on;
    const instant limit = on.now() + 2ms;
    EXPECT_TRUE(failed_with(co_await both.server.recv(limit), errc::timed_out, cancel_reason::deadline));
    EXPECT_GE(on.now(), limit);
    EXPECT_TRUE(co_await send_and_finish(both.client, "late"));
    EXPECT_EQ(co_await receive_all(both.server), "late");
  };
  on_.run(body(listen()));
}

TEST_P(cancel_io_test, the_deadline_of_the_context_counts_when_it_is_earlier) {
  auto receive = [](net::stream& from, instant limit) -> task<result<net::chunk>> {
    co_return co_await from.recv(limit);
  };
  auto body = [](net::listener listening, auto& recv) -> task<void> {
    connection both = co_await connect_pair(listening);
    const instant now = (co_await this_context()).on->now();
    EXPECT_TRUE(failed_with(co_await with_deadline(now + 1ms, recv(both.server, now + 1h)), errc::timed_out,
                            cancel_reason::deadline));
  };
  on_.run(body(listen(), receive));
}

TEST_P(cancel_io_test, a_cancelled_receive_loses_nothing_that_comes_later) {
  auto body = [](net::listener from) -> task<void> {
    connection both = co_await connect_pair(from);
    std::optional<result<std::string>> got;
    scope victims(co_await this_context());
    victims.spawn(receive_into(both.server, got));
    victims.cancel(cancel_reason::shutdown);
    EXPECT_TRUE(co_await victims.join());
    EXPECT_TRUE(got && failed_with(*got, errc::cancelled, cancel_reason::shutdown));
    EXPECT_TRUE(co_await send_and_finish(both.client, "still here"));
    EXPECT_EQ(co_await receive_all(both.server), "still here");
  };
  on_.run(body(listen()));
}

// Limits that expire while bytes pour in: some waits time out, some do not, and the bytes stay whole.
TEST_P(cancel_io_test, limits_that_race_with_arrivals_lose_nothing) {
  auto body = [](net::listener from, const std::string& bytes) -> task<int> {
    connection both = co_await connect_pair(from);
    loop& on = *(co_await this_context()).on;
    scope children(co_await this_context());
    children.spawn(send_and_finish(both.client, bytes));
    std::string got;
    int late = 0;
    for (unsigned i = 0;; ++i) {
      const result<net::chunk> some = co_await both.server.recv(on.now() + duration(i * 7919 % 60'000));
      if (!some) {
        EXPECT_TRUE(failed_with(some, errc::timed_out, cancel_reason::deadline));
        late++;
        continue;
      }
      if (some->empty()) break;
      got += some->bytes();
    }
    EXPECT_EQ(got, bytes);
    EXPECT_TRUE(co_await children.join());
    co_return late;
  };
  on_.run(body(listen(), pattern(1 << 20)));
}

TEST_P(cancel_io_test, a_receive_that_is_taken_back_leaves_what_comes_to_the_next_one) {
  struct bare_receive : recv_op {
    bare_receive() : recv_op([](ready_node& node) noexcept { static_cast<bare_receive&>(node).told = true; }) {}
    bool told = false;
  };
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    io& backend = ctx.on->backend();
    connection both = co_await connect_pair(from);
    bare_receive first;
    EXPECT_FALSE(backend.recv(both.server.socket(), first));
    EXPECT_TRUE(backend.withdraw(first));
    EXPECT_TRUE(co_await both.client.send_all("l"));
    const result<net::chunk> got = co_await both.server.recv();
    EXPECT_TRUE(got && got->bytes() == "l");
    EXPECT_FALSE(first.told);

    bare_receive second;
    EXPECT_FALSE(backend.recv(both.server.socket(), second));
    both.client.close();
    for (int waits = 0; waits < 10'000 && !second.told; ++waits) {
      EXPECT_TRUE(co_await delay_for(100us));
    }
    EXPECT_FALSE(backend.withdraw(second)) << "it has been told";
  };
  on_.run(body(listen()));
}

TEST_P(cancel_io_test, a_cancelled_accept_leaves_the_connection_for_the_next_one) {
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    std::optional<result<net::stream>> got;
    scope victims(ctx);
    victims.spawn(accept_into(from, got));
    victims.cancel(cancel_reason::user);
    EXPECT_TRUE(co_await victims.join());
    EXPECT_TRUE(got && failed_with(*got, errc::cancelled, cancel_reason::user));
    EXPECT_TRUE(failed_with(co_await from.accept(ctx.on->now() + 1ms), errc::timed_out, cancel_reason::deadline));
    connection both = co_await connect_pair(from);
    EXPECT_TRUE(co_await send_and_finish(both.server, "accepted"));
    EXPECT_EQ(co_await receive_all(both.client), "accepted");
  };
  on_.run(body(listen()));
}

TEST_P(cancel_io_test, a_send_to_a_peer_that_does_not_read_ends_at_its_limit) {
  auto body = [](net::listener from, const std::string& bytes) -> task<void> {
    connection both = co_await connect_pair(from);
    const instant limit = (co_await this_context()).on->now() + 5ms;
    EXPECT_TRUE(failed_with(co_await both.client.send_all(bytes, limit), errc::timed_out, cancel_reason::deadline));
  };
  on_.run(body(listen(), pattern(32 << 20)));
}

TEST_P(cancel_io_test, a_send_to_a_peer_that_does_not_read_can_be_cancelled) {
  auto body = [](net::listener from, const std::string& bytes) -> task<void> {
    connection both = co_await connect_pair(from);
    context& ctx = co_await this_context();
    std::optional<result<void>> sent;
    scope victims(ctx);
    scope clock(ctx);
    victims.spawn(send_into(both.client, bytes, sent));
    clock.spawn(cancel_after(victims, 2ms));
    EXPECT_TRUE(co_await victims.join());
    EXPECT_TRUE(co_await clock.join());
    EXPECT_TRUE(sent && failed_with(*sent, errc::cancelled, cancel_reason::user));
  };
  on_.run(body(listen(), pattern(32 << 20)));
}

TEST_P(cancel_io_test, nothing_is_started_under_a_cancelled_context) {
  auto attempts = [](net::listener& from, connection& both) -> task<void> {
    EXPECT_TRUE(failed_with(co_await both.client.send_all("x"), errc::cancelled, cancel_reason::shutdown));
    EXPECT_TRUE(failed_with(co_await both.client.recv(), errc::cancelled, cancel_reason::shutdown));
    EXPECT_TRUE(failed_with(co_await from.accept(), errc::cancelled, cancel_reason::shutdown));
    EXPECT_TRUE(failed_with(co_await net::connect(from.local_address()), errc::cancelled, cancel_reason::shutdown));
  };
  auto body = [](net::listener from, auto& all) -> task<void> {
    connection both = co_await connect_pair(from);
    cancel_scope stopped;
    stopped.cancel(cancel_reason::shutdown);
    context ctx = co_await this_context();
    ctx.cancel = &stopped;
    co_await with_context(ctx, all(from, both));
    both.client.close();
    EXPECT_EQ(co_await receive_all(both.server), "") << "nothing went out";
  };
  on_.run(body(listen(), attempts));
}

// Completed and cancelled in one turn: completed wins, and a stream or a buffer that came with it is not lost.
TEST_P(cancel_io_test, cancellation_races_with_arrivals) {
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    for (int round = 0; round < 200; ++round) {
      connection both = co_await connect_pair(from);
      std::optional<result<std::string>> received;
      std::optional<result<net::stream>> accepted;
      scope victims(ctx);
      scope clock(ctx);
      victims.spawn(receive_into(both.server, received));
      victims.spawn(accept_into(from, accepted));
      clock.spawn(cancel_after(victims, duration(round * 1000)));
      EXPECT_TRUE(co_await both.client.send_all("x"));
      const result<net::stream> second = co_await net::connect(from.local_address());
      EXPECT_TRUE(co_await victims.join());
      EXPECT_TRUE(co_await clock.join());
      if (received && !*received) {
        EXPECT_TRUE(failed_with(*received, errc::cancelled, cancel_reason::user));
        const result<net::chunk> later = co_await both.server.recv();
        EXPECT_TRUE(later && later->bytes() == "x");
      }
      if (accepted && !*accepted) EXPECT_TRUE(co_await from.accept());
    }
  };
  on_.run(body(listen()));
}

// --- connecting --------------------------------------------------------------------------------------------------

class slow_connect_test : public backend_test {};
INSTANTIATE_TEST_SUITE_P(backends, slow_connect_test, ::testing::ValuesIn(real_backends()), backend_name);

task<void> connect_into(socket_address to, instant limit, std::vector<result<net::stream>>& into) {
  into.push_back(co_await net::connect(to, limit));
}

// Linux drops connection requests once the backlog of a listener that does not accept is full.
TEST_P(slow_connect_test, connecting_ends_at_its_limit_and_can_be_cancelled) {
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    for (const bool by_limit : {true, false}) {
      std::vector<result<net::stream>> ended;
      scope victims(ctx);
      scope clock(ctx);
      const instant limit = by_limit ? ctx.on->now() + 20ms : never;
      for (int i = 0; i < 8; ++i) victims.spawn(connect_into(from.local_address(), limit, ended));
      if (!by_limit) clock.spawn(cancel_after(victims, 20ms));
      EXPECT_TRUE(co_await victims.join());
      EXPECT_TRUE(co_await clock.join());
      EXPECT_EQ(ended.size(), 8u);
      const result<net::stream>& last = ended.back();
      EXPECT_TRUE(by_limit ? failed_with(last, errc::timed_out, cancel_reason::deadline)
                           : failed_with(last, errc::cancelled, cancel_reason::user));
    }
  };
  on_.run(body(listen(1)));
}

class sim_connect_test : public sim_test {
 protected:
  sim_connect_test() : sim_test(sim_options{.latency = 10ms}) {}
};

TEST_F(sim_connect_test, connecting_ends_at_its_limit_and_can_be_cancelled) {
  auto body = [](io& backend) -> task<void> {
    context& ctx = co_await this_context();
    auto from = net::listener::open(backend, *net::parse_address("127.0.0.1", 80));
    const instant limit = ctx.on->now() + 5ms;
    EXPECT_TRUE(
        failed_with(co_await net::connect(from->local_address(), limit), errc::timed_out, cancel_reason::deadline));
    EXPECT_EQ(ctx.on->now(), limit);
    std::vector<result<net::stream>> ended;
    scope victims(ctx);
    victims.spawn(connect_into(from->local_address(), never, ended));
    victims.cancel(cancel_reason::user);
    EXPECT_TRUE(co_await victims.join());
    EXPECT_TRUE(failed_with(ended.front(), errc::cancelled, cancel_reason::user));
  };
  on_.run(body(world_));
}

}  // namespace
}  // namespace assay
