// How many messages wait, told from bytes alone.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "stack/http/websocket/queue_meter.hpp"

namespace assay::websocket::testing {
namespace {

TEST(websocket_queue_meter, an_empty_queue_is_empty) {
  queue_meter meter(300);  // of the handshake's answer
  EXPECT_EQ(meter.queued(300), 0U);
  meter.on_append(10);
  EXPECT_EQ(meter.queued(310), 1U);
  EXPECT_EQ(meter.queued(10), 1U);
  EXPECT_EQ(meter.queued(0), 0U);
}

TEST(websocket_queue_meter, never_too_low_and_never_too_high_by_more_than_what_was_appended_since_the_mark) {
  std::mt19937 random(11);
  queue_meter meter(0);
  std::deque<std::size_t> truly_waiting;
  std::size_t pending = 0;
  std::uint64_t highest_excess = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (random() % 2 == 0) {
      const std::size_t size = 1 + random() % 100;
      meter.on_append(size);
      truly_waiting.push_back(size);
      pending += size;
    } else {
      std::size_t sent = std::min<std::size_t>(pending, random() % 120);
      pending -= sent;
      while (!truly_waiting.empty() && sent >= truly_waiting.front()) {
        sent -= truly_waiting.front();
        truly_waiting.pop_front();
      }
      if (!truly_waiting.empty()) truly_waiting.front() -= sent;
    }
    const std::uint64_t told = meter.queued(pending);
    ASSERT_GE(told, truly_waiting.size()) << i;
    highest_excess = std::max(highest_excess, told - truly_waiting.size());
    ASSERT_LE(told, 2 * truly_waiting.size() + 200) << i;
  }
  EXPECT_GT(highest_excess, 0U);  // the estimate is one
}

TEST(websocket_queue_meter, a_queue_that_moves_without_ever_being_empty_does_not_count_up) {
  queue_meter meter(0);
  meter.on_append(100);
  for (int i = 0; i < 10'000; ++i) {
    meter.on_append(100);
    ASSERT_LE(meter.queued(200), 4U);  // one leaves for each that comes
  }
}

}  // namespace
}  // namespace assay::websocket::testing
