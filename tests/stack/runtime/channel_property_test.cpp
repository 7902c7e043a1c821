// Senders and receivers that are cancelled at random moments: every value is received exactly once, or its send failed.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "stack/runtime/channel.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class channel_property_test : public sim_test {};

struct ledger {
  std::multiset<int> sent;
  std::multiset<int> received;
};

task<void> sender(channel<int>& to, int value, duration at, ledger& books) {
  if (!co_await delay_for(at)) co_return;
  if (co_await to.send(value)) books.sent.insert(value);
}

task<void> receiver(channel<int>& from, duration at, ledger& books) {
  if (!co_await delay_for(at)) co_return;
  while (true) {
    const result<int> got = co_await from.receive();
    if (!got) co_return;
    books.received.insert(*got);
    co_await yield();
  }
}

task<void> canceller(scope& victims, duration at) {
  std::ignore = co_await delay_for(at);
  victims.cancel(cancel_reason::user);
}

task<void> one_round(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto moment = [&random] { return duration(std::uniform_int_distribution<int>(0, 40)(random)); };
  channel<int> numbers(std::uniform_int_distribution<std::size_t>(1, 4)(random));
  ledger books;
  context& ctx = co_await this_context();
  scope victims(ctx);
  scope survivors(ctx);
  scope clock(ctx);
  for (int i = 0; i < 40; ++i) {
    scope& where = random() % 2 == 0 ? victims : survivors;
    if (random() % 4 == 0) {
      where.spawn(receiver(numbers, moment(), books));
    } else {
      where.spawn(sender(numbers, i, moment(), books));
    }
  }
  clock.spawn(canceller(victims, moment()));
  EXPECT_TRUE(co_await victims.join());
  EXPECT_TRUE(co_await clock.join());
  std::ignore = co_await delay_for(1us);
  while (const std::optional<int> rest = numbers.try_receive()) {
    books.received.insert(*rest);
    co_await yield();
  }
  numbers.close();
  EXPECT_TRUE(co_await survivors.join());
  EXPECT_EQ(books.sent, books.received) << "seed " << seed;
}

TEST_F(channel_property_test, no_value_is_lost_or_doubled) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) on_.run(one_round(seed));
}

}  // namespace
}  // namespace assay
