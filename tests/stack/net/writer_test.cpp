#include "stack/net/writer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/stack/net/net_test_support.hpp"

namespace assay {
namespace {

using namespace testing_support;

class writer_test : public backend_test {};
INSTANTIATE_TEST_SUITE_P(backends, writer_test, ::testing::ValuesIn(all_backends()), backend_name);

task<void> receive_everything(net::stream& from, result<std::string>& into) { into = co_await receive_all(from); }

TEST_P(writer_test, messages_arrive_in_the_order_they_were_appended) {
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    result<std::string> got;
    std::string expected;
    scope reading(ctx);
    reading.spawn(receive_everything(both.client, got));
    {
      net::writer out(*ctx.on, both.server, nullptr);
      for (int i = 0; i < 500; ++i) {
        const std::string message = pattern(static_cast<std::size_t>(i * 13 % 700), static_cast<std::uint64_t>(i));
        expected += message;
        out.append(message);
        out.kick(ctx.on->now() + 5s);
        if (i % 50 == 0) EXPECT_TRUE(co_await out.flushed());
      }
      EXPECT_TRUE(co_await out.flushed());
      EXPECT_EQ(out.pending_bytes(), 0u);
      EXPECT_FALSE(out.in_flight());
    }
    both.server.shutdown_write();
    EXPECT_TRUE(co_await reading.join());
    EXPECT_EQ(got, expected);
  };
  on_.run(body(listen()));
}

TEST_P(writer_test, flushed_is_the_backpressure_of_a_large_message) {
  auto body = [](net::listener from, const std::string& large) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    net::writer out(*ctx.on, both.server, nullptr);
    out.append(large);
    out.kick(ctx.on->now() + 20s);
    EXPECT_TRUE(out.in_flight()) << "the peer does not read yet";
    out.append("tail");
    out.kick(ctx.on->now() + 20s);
    EXPECT_GE(out.pending_bytes(), 4u);
    result<std::string> got;
    scope reading(ctx);
    reading.spawn(receive_everything(both.client, got));
    EXPECT_TRUE(co_await out.flushed());
    out.shrink(1024);
    EXPECT_LE(out.buffer().capacity(), 1024u);
    both.server.shutdown_write();
    EXPECT_TRUE(co_await reading.join());
    EXPECT_EQ(got, large + "tail");
  };
  on_.run(body(listen(), pattern(16 << 20)));
}

TEST_P(writer_test, a_peer_that_does_not_read_fails_it_at_the_deadline) {
  auto body = [](net::listener from, const std::string& large) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    int failures = 0;
    net::writer out(*ctx.on, both.server, [&failures] { failures++; });
    out.append(large);
    out.kick(ctx.on->now() + 5ms);
    EXPECT_TRUE(failed_with(co_await out.flushed(), errc::timed_out, cancel_reason::deadline));
    EXPECT_TRUE(out.failed());
    EXPECT_EQ(failures, 1);
    EXPECT_EQ(out.pending_bytes(), 0u) << "what cannot be sent is not kept";
    out.append("more");
    out.kick(ctx.on->now() + 1s);
    EXPECT_FALSE(out.in_flight()) << "nothing is sent after a failure";
    EXPECT_EQ(failures, 1);
  };
  on_.run(body(listen(), pattern(32 << 20)));
}

TEST_P(writer_test, a_peer_that_goes_fails_it) {
  auto body = [](net::listener from, const std::string& part) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    int failures = 0;
    net::writer out(*ctx.on, both.server, [&failures] { failures++; });
    both.client.close();
    for (int i = 0; i < 100 && !out.failed(); ++i) {
      out.append(part);
      out.kick(ctx.on->now() + 5s);
      std::ignore = co_await out.flushed();
      std::ignore = co_await delay_for(100us);
    }
    EXPECT_TRUE(out.failed() && out.failure()->code == errc::reset);
    EXPECT_EQ(failures, 1);
  };
  on_.run(body(listen(), pattern(1 << 16)));
}

TEST_P(writer_test, stop_gives_up_what_is_in_flight) {
  auto body = [](net::listener from, const std::string& large) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    int failures = 0;
    net::writer out(*ctx.on, both.server, [&failures] { failures++; });
    out.append(large);
    out.kick(ctx.on->now() + 1h);
    EXPECT_TRUE(out.in_flight());
    co_await out.stop();
    EXPECT_FALSE(out.in_flight());
    EXPECT_EQ(failures, 0) << "its owner asked for it";
    co_await out.stop();
  };
  on_.run(body(listen(), pattern(32 << 20)));
}

TEST_P(writer_test, what_a_large_message_took_goes_with_it_also_when_asked_before_it_has_left) {
  auto body = [](net::listener from, const std::string& large) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    net::writer out(*ctx.on, both.server, nullptr);
    result<std::string> got;
    scope reading(ctx);
    reading.spawn(receive_everything(both.client, got));
    for (const std::string& each : {std::string("small"), large}) {
      out.append(each);
      out.kick(ctx.on->now() + 20s);
      out.shrink(4096);
      EXPECT_TRUE(co_await out.flushed());
      EXPECT_LE(out.memory_bytes(), 2 * 4096u);
    }
    both.server.shutdown_write();
    EXPECT_TRUE(co_await reading.join());
    EXPECT_EQ(got, "small" + large);
  };
  on_.run(body(listen(), pattern(300'000)));
}

// A message that went at once is told of with whatever comes next; here nothing else comes but who waits for it.
TEST_P(writer_test, whoever_waits_for_one_message_or_has_another_to_send_is_not_kept_waiting) {
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    net::writer out(*ctx.on, both.server, nullptr);
    for (int i = 0; i < 3; ++i) {
      out.append("first");
      out.kick(never);
      out.append("second");  // takes the end of the first one
      out.kick(never);
      EXPECT_TRUE(co_await out.flushed());
      EXPECT_EQ(out.pending_bytes(), 0u);
    }
    out.append("last");
    out.kick(never);
    EXPECT_TRUE(co_await delay_for(1ms));
    EXPECT_FALSE(out.in_flight()) << "told at the end of any wait";
  };
  on_.run(body(listen()));
}

// Also to an answer of many buffers, at which the receive is stopped and begun again.
TEST_P(writer_test, its_end_is_told_before_the_answer_to_it) {
  auto answer = [](net::stream& peer, const std::string& with) -> task<void> {
    const result<net::chunk> asked = co_await peer.recv();
    EXPECT_TRUE(asked && asked->bytes() == "p");
    EXPECT_TRUE(co_await peer.send_all(with));
    peer.shutdown_write();
  };
  auto body = [](net::listener from, auto& reply, const std::string& with) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    scope serving(ctx);
    serving.spawn(reply(both.server, with));
    net::writer out(*ctx.on, both.client, nullptr);
    out.append("p");
    out.kick(never);
    const result<net::chunk> first = co_await both.client.recv();
    EXPECT_TRUE(first && !first->empty());
    EXPECT_FALSE(out.in_flight()) << "its connection may be used again";
    EXPECT_TRUE(co_await receive_all(both.client));
    EXPECT_TRUE(co_await serving.join());
  };
  for (const std::size_t bytes : {1U, 40'000U}) on_.run(body(listen(), answer, pattern(bytes)));
}

using writer_death_test = writer_test;

TEST_P(writer_death_test, a_writer_must_not_go_with_a_send_in_flight) {
  auto body = [](net::listener from, const std::string& large) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    net::writer out(*ctx.on, both.server, nullptr);
    out.append(large);
    out.kick(never);
  };
  EXPECT_DEATH(on_.run(body(listen(), pattern(32 << 20))), "stop\\(\\) the writer before it goes");
}

TEST_P(writer_death_test, flushing_without_kick_is_refused) {
  auto body = [](net::listener from) -> task<void> {
    context& ctx = co_await this_context();
    connection both = co_await connect_pair(from);
    net::writer out(*ctx.on, both.server, nullptr);
    out.append("forgotten");
    std::ignore = co_await out.flushed();
  };
  EXPECT_DEATH(on_.run(body(listen())), "kick\\(\\) before flushed\\(\\)");
}
INSTANTIATE_TEST_SUITE_P(backends, writer_death_test, ::testing::Values(backend_kind::simulated), backend_name);

}  // namespace
}  // namespace assay
