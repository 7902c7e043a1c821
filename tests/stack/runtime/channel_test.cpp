#include "stack/runtime/channel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class channel_test : public sim_test {};

task<void> send_all(channel<int>& to, int first, int count) {
  for (int i = 0; i < count; ++i) EXPECT_TRUE(co_await to.send(first + i));
}

task<void> receive_one(channel<int>& from, int receiver, std::vector<std::pair<int, int>>& log) {
  const result<int> got = co_await from.receive();
  if (got) log.emplace_back(receiver, *got);
}

TEST_F(channel_test, hands_values_over_in_order_through_a_small_buffer) {
  auto body = []() -> task<std::vector<int>> {
    channel<int> numbers(2);
    scope children(co_await this_context());
    children.spawn(send_all(numbers, 0, 100));
    EXPECT_EQ(numbers.size(), 2u) << "the sender waits for room";
    std::vector<int> got;
    for (int i = 0; i < 100; ++i) got.push_back((co_await numbers.receive()).value_or(-1));
    EXPECT_TRUE(co_await children.join());
    co_return got;
  };
  const std::vector<int> got = on_.run(body());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
}

TEST_F(channel_test, serves_waiting_receivers_first_come_first_served) {
  auto body = []() -> task<std::vector<std::pair<int, int>>> {
    std::vector<std::pair<int, int>> log;
    channel<int> numbers(4);
    scope children(co_await this_context());
    for (int receiver = 0; receiver < 3; ++receiver) children.spawn(receive_one(numbers, receiver, log));
    for (int value = 10; value < 13; ++value) EXPECT_TRUE(co_await numbers.send(value));
    EXPECT_TRUE(co_await children.join());
    co_return log;
  };
  EXPECT_EQ(on_.run(body()), (std::vector<std::pair<int, int>>{{0, 10}, {1, 11}, {2, 12}}));
}

TEST_F(channel_test, takes_from_waiting_senders_first_come_first_served) {
  auto body = []() -> task<std::vector<int>> {
    channel<int> numbers(1);
    scope children(co_await this_context());
    for (int sender = 0; sender < 4; ++sender) children.spawn(send_all(numbers, 10 * sender, 1));
    std::vector<int> got;
    for (int i = 0; i < 4; ++i) got.push_back((co_await numbers.receive()).value_or(-1));
    EXPECT_TRUE(co_await children.join());
    co_return got;
  };
  EXPECT_EQ(on_.run(body()), (std::vector<int>{0, 10, 20, 30}));
}

TEST_F(channel_test, what_was_queued_before_close_can_still_be_received) {
  auto body = []() -> task<void> {
    channel<int> numbers(2);
    EXPECT_TRUE(co_await numbers.send(1));
    numbers.close();
    EXPECT_TRUE(failed_with(co_await numbers.send(2), errc::closed));
    EXPECT_EQ(co_await numbers.receive(), 1);
    EXPECT_TRUE(failed_with(co_await numbers.receive(), errc::closed));
    int refused = 3;
    EXPECT_FALSE(numbers.try_send(refused));
  };
  on_.run(body());
}

TEST_F(channel_test, close_wakes_both_sides) {
  auto sender = [](channel<int>& to) -> task<void> { EXPECT_TRUE(failed_with(co_await to.send(2), errc::closed)); };
  auto receiver = [](channel<int>& from) -> task<void> {
    EXPECT_TRUE(failed_with(co_await from.receive(), errc::closed));
  };
  auto body = [](auto& send, auto& receive) -> task<void> {
    channel<int> full(1);
    channel<int> empty(1);
    EXPECT_TRUE(co_await full.send(1));
    scope children(co_await this_context());
    children.spawn(send(full));
    children.spawn(receive(empty));
    full.close();
    empty.close();
    EXPECT_TRUE(co_await children.join());
  };
  on_.run(body(sender, receiver));
}

TEST_F(channel_test, waiting_ends_at_the_deadline) {
  auto receive = [](channel<int>& from) -> task<result<int>> { co_return co_await from.receive(); };
  auto send = [](channel<int>& to) -> task<result<void>> { co_return co_await to.send(2); };
  auto body = [](auto& receiver, auto& sender, instant at) -> task<void> {
    channel<int> numbers(1);
    EXPECT_TRUE(failed_with(co_await with_deadline(at, receiver(numbers)), errc::timed_out, cancel_reason::deadline));
    EXPECT_TRUE(co_await numbers.send(1));
    EXPECT_TRUE(failed_with(co_await with_deadline(at, sender(numbers)), errc::timed_out, cancel_reason::deadline));
    EXPECT_EQ(numbers.size(), 1u) << "a send that failed has queued nothing";
    EXPECT_EQ(numbers.try_receive(), 1);
    EXPECT_EQ(numbers.try_receive(), std::nullopt);
  };
  on_.run(body(receive, send, after(5ms)));
}

// The value is handed to the receiver and the cancellation comes before it runs: the value must not vanish.
TEST_F(channel_test, a_value_handed_over_survives_a_cancellation_in_the_same_turn) {
  auto body = []() -> task<std::vector<std::pair<int, int>>> {
    std::vector<std::pair<int, int>> log;
    channel<int> numbers(1);
    scope children(co_await this_context());
    children.spawn(receive_one(numbers, 0, log));
    int value = 7;
    EXPECT_TRUE(numbers.try_send(value));
    children.cancel(cancel_reason::user);
    EXPECT_TRUE(co_await children.join());
    co_return log;
  };
  EXPECT_EQ(on_.run(body()), (std::vector<std::pair<int, int>>{{0, 7}}));
}

TEST_F(channel_test, a_cancelled_receiver_is_passed_over) {
  auto body = []() -> task<std::vector<std::pair<int, int>>> {
    std::vector<std::pair<int, int>> log;
    channel<int> numbers(1);
    scope first(co_await this_context());
    scope second(co_await this_context());
    first.spawn(receive_one(numbers, 1, log));
    second.spawn(receive_one(numbers, 2, log));
    first.cancel(cancel_reason::user);
    int value = 7;
    EXPECT_TRUE(numbers.try_send(value));
    EXPECT_TRUE(co_await first.join());
    EXPECT_TRUE(co_await second.join());
    co_return log;
  };
  EXPECT_EQ(on_.run(body()), (std::vector<std::pair<int, int>>{{2, 7}}));
}

TEST_F(channel_test, carries_values_that_can_only_be_moved) {
  auto body = []() -> task<int> {
    channel<std::unique_ptr<int>> pointers(1);
    EXPECT_TRUE(co_await pointers.send(std::make_unique<int>(5)));
    result<std::unique_ptr<int>> got = co_await pointers.receive();
    co_return got ? **got : -1;
  };
  EXPECT_EQ(on_.run(body()), 5);
}

using channel_death_test = channel_test;

TEST_F(channel_death_test, a_channel_must_not_go_while_somebody_waits) {
  auto body = []() -> task<void> {
    std::vector<std::pair<int, int>> log;
    scope children(co_await this_context());
    auto doomed = std::make_unique<channel<int>>(1);
    children.spawn(receive_one(*doomed, 0, log));
    doomed.reset();
  };
  EXPECT_DEATH(on_.run(body()), "an intrusive list was destroyed with nodes in it");
}

}  // namespace
}  // namespace assay
