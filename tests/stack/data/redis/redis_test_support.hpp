// A Redis of a few commands in virtual time, and a fixture that runs a test against it.
//
//   run({}, [](pool& cache, fake_server& peer) -> task<void> {
//     const auto got = co_await cache.command("ECHO", "seven");
//     EXPECT_EQ(got->text, "seven");
//     EXPECT_EQ(peer.accepted, 1U);
//   });
//
// Misuse: a test body that captures; it is a coroutine, and is given what it needs.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "stack/data/redis/redis.hpp"
#include "stack/net/address.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay::data::redis::testing {

using namespace assay::testing_support;
using words = std::vector<std::string>;

inline constexpr std::uint16_t port = 6379;
inline const std::string url = "redis://127.0.0.1:6379";

inline std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
inline std::string aggregate(char type, const words& parts) {
  std::string bytes = type + std::to_string(parts.size()) + "\r\n";
  for (const std::string& each : parts) bytes += bulk(each);
  return bytes;
}

// What a command is answered with when the test says nothing else.
inline std::string usual_answer(const words& command) {
  if (command[0] == "HELLO") return "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n";
  if (command[0] == "PING") return "+PONG\r\n";
  if (command[0] == "ECHO") return bulk(command.at(1));
  if (command[0] == "AUTH" || command[0] == "SELECT" || command[0] == "MULTI") return "+OK\r\n";
  if (command[0].ends_with("subscribe")) return ">3\r\n" + bulk(command[0]) + bulk(command.at(1)) + ":1\r\n";
  return "-ERR unknown command\r\n";
}

class fake_server {
 public:
  // By command; `usual_answer` for what it leaves empty. "" there: no answer at all.
  using answerer = std::function<std::optional<std::string>(std::size_t connection, const words& command)>;
  answerer answer;
  duration pause{};  // before each answer
  std::vector<words> commands;
  std::size_t accepted = 0;
  std::size_t open = 0;

  // Out of turn, on a connection counted from 0.
  void say(std::size_t connection, const std::string& bytes) { send_to(connection, bytes); }
  // Ends all connections there are, in good order.
  void close_all() {
    for (const auto& each : peers_) each->cut.cancel(cancel_reason::user);
  }
  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(commands, [name](const words& each) { return each[0] == name; }));
  }

  task<void> serve(sim_io& network) {
    result<net::listener> door = net::listener::open(network, *net::parse_address("127.0.0.1", port));
    scope serving(co_await this_context());
    while (true) {
      result<net::stream> opened = co_await door->accept();
      if (!opened) break;
      accepted++;
      open++;
      peers_.push_back(std::make_unique<peer>(serving.child_context(), std::move(*opened)));
      serving.spawn(serve_one(*peers_.back(), accepted - 1));
    }
    std::ignore = co_await serving.join();
  }

 private:
  struct peer {
    peer(context& parent, net::stream opened) : stream(std::move(opened)), cut(*parent.cancel), ctx(parent) {
      ctx.cancel = &cut;
    }
    net::stream stream;
    cancel_scope cut;
    context ctx;
    channel<std::string> outgoing{10'000};
  };

  void send_to(std::size_t connection, std::string bytes) {
    EXPECT_TRUE(peers_.at(connection)->outgoing.try_send(bytes));
  }

  task<void> serve_one(peer& on, std::size_t number) {
    scope sending(on.ctx);
    sending.spawn(send_all(on));
    co_await with_context(on.ctx, receive_all(on, number));
    sending.cancel(cancel_reason::user);
    std::ignore = co_await sending.join();
    on.stream.close();
    open--;
  }

  static task<void> send_all(peer& on) {
    while (true) {
      const result<std::string> next = co_await on.outgoing.receive();
      if (!next) co_return;
      const result<void> sent = co_await on.stream.send_all(*next);
      if (!sent) co_return;
    }
  }

  task<void> receive_all(peer& on, std::size_t number) {
    reply_reader reader;
    while (true) {
      result<net::chunk> some = co_await on.stream.recv();
      if (!some || some->empty()) co_return;
      std::string copy(some->bytes());
      some->release();
      std::string_view bytes = copy;
      while (!bytes.empty()) {
        auto next = reader.read(bytes);
        EXPECT_TRUE(next) << "what was sent is no command";
        if (!next) co_return;
        if (*next && !co_await obey(on, number, **next)) co_return;
      }
    }
  }

  task<bool> obey(peer& on, std::size_t number, const reply& said) {
    words command;
    for (const reply& each : said.elements) command.push_back(each.text);
    commands.push_back(command);
    if (pause > duration::zero() && !co_await delay_for(pause)) co_return false;
    std::optional<std::string> bytes = answer ? answer(number, command) : std::nullopt;
    if (!bytes) bytes = usual_answer(command);
    if (!bytes->empty()) EXPECT_TRUE(on.outgoing.try_send(*bytes));
    co_return true;
  }

  std::vector<std::unique_ptr<peer>> peers_;
};

class redis_test : public sim_test {
 protected:
  explicit redis_test(sim_options options = {}) : sim_test(options) {}

  static pool_options usual() { return {.url = url, .seed = 1}; }

  template <class Test>
  void run(pool_options with, Test test) {
    on_.run(staged(world_, peer_, std::move(with), test));
    EXPECT_EQ(peer_.open, 0U);
  }

  fake_server peer_;

 private:
  template <class Test>
  static task<void> staged(sim_io& network, fake_server& peer, pool_options with, Test test) {
    scope serving(co_await this_context());
    serving.spawn(peer.serve(network));
    {
      pool cache(std::move(with));
      co_await test(cache, peer);
      EXPECT_EQ(cache.usage().waiting, 0U);
    }
    serving.cancel(cancel_reason::shutdown);
    std::ignore = co_await serving.join();
  }
};

// One command, and what came of it.
struct outcome {
  redis_result<reply> got = std::unexpected(from_wait({.code = errc::system, .what = "never ended"}));
  duration took{};
};

inline task<void> echo_into(pool& cache, std::string text, outcome& into) {
  const loop& on = *(co_await this_context()).on;
  const instant began = on.turn_time();
  into.got = co_await cache.command("ECHO", text);
  into.took = on.turn_time() - began;
}

inline task<void> echo_until(pool& cache, std::string text, duration patience, outcome& into) {
  const context& ctx = co_await this_context();
  co_await with_deadline(ctx.on->turn_time() + patience, echo_into(cache, std::move(text), into));
}

template <class T>
::testing::AssertionResult failed_as(const redis_result<T>& got, redis_condition condition, errc code) {
  if (got) return ::testing::AssertionFailure() << "it succeeded";
  if (got.error().condition == condition && got.error().code == code) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "it failed with: " << describe(got.error());
}

}  // namespace assay::data::redis::testing
