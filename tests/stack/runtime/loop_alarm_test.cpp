// The alarm of a loop by a clock that is an hour ahead: what the timer is set to can be told to the minute, whatever
// the machine does meanwhile.
#include "stack/runtime/loop_alarm.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "stack/runtime/clock.hpp"
#include "stack/runtime/loop.hpp"

namespace assay {
namespace {

using namespace std::chrono_literals;

// From now on, rounded: tests are not that slow.
std::chrono::minutes goes_off_in(int fd) {
  itimerspec left{};
  ::timerfd_gettime(fd, &left);
  return std::chrono::round<std::chrono::minutes>(detail::to_duration(left.it_value));
}

TEST(loop_alarm, a_turn_puts_it_off_once_in_half_of_its_span) {
  loop_alarm alarm;
  const instant begin = detail::monotonic_now() + 1h;
  const result<int> fd = alarm.watch(2h);
  ASSERT_TRUE(fd);
  EXPECT_EQ(goes_off_in(*fd), 2h) << "before any turn: the loop may be about to work for long";
  alarm.on_turn(begin);
  EXPECT_EQ(goes_off_in(*fd), 3h);
  alarm.on_turn(begin + 59min);
  EXPECT_EQ(goes_off_in(*fd), 3h) << "there is time yet";
  alarm.on_turn(begin + 60min);
  EXPECT_EQ(goes_off_in(*fd), 4h);
}

TEST(loop_alarm, the_shorter_span_of_two_watchers_holds_until_one_ends) {
  loop_alarm alarm;
  const instant begin = detail::monotonic_now() + 1h;
  const result<int> fd = alarm.watch(2h);
  ASSERT_TRUE(fd);
  alarm.on_turn(begin);
  EXPECT_EQ(alarm.watch(1h), fd) << "they share it";
  alarm.on_turn(begin + 1min);
  EXPECT_EQ(goes_off_in(*fd), 2h + 1min) << "at once, and not when the longer one would have been put off";
  EXPECT_EQ(alarm.watch(2h), fd);
  alarm.on_turn(begin + 31min);
  EXPECT_EQ(goes_off_in(*fd), 2h + 31min);
  alarm.end_watch();
  alarm.on_turn(begin + 3h);
  EXPECT_EQ(goes_off_in(*fd), 2h + 31min) << "nobody's";
  EXPECT_EQ(alarm.watch(2h), fd) << "the other one has asked again";
  alarm.on_turn(begin + 4h);
  EXPECT_EQ(goes_off_in(*fd), 7h);
}

TEST(loop_alarm, a_loop_that_begins_no_turn_can_be_waited_for) {
  loop_alarm alarm;
  const result<int> fd = alarm.watch(1ms);
  ASSERT_TRUE(fd);
  pollfd waited{.fd = *fd, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&waited, 1, 20'000), 1);
}

TEST(loop_alarm, whoever_wants_to_is_told_of_each_loop_that_begins_and_of_a_watcher_that_goes) {
  const int told = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int other = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  ASSERT_GE(told, 0);
  ASSERT_GE(other, 0);
  const auto run = [] {
    auto nothing = []() -> task<void> { co_return; };
    auto backend = make_io();
    ASSERT_TRUE(backend);
    loop(std::move(*backend)).run(nothing());
  };
  tell_of_new_loops(told);
  tell_of_new_loops(other);
  run();
  run();
  tell_no_more_of_loops(other);
  tell_no_more_of_loops(told);
  run();
  eventfd_t count = 0;
  EXPECT_EQ(::eventfd_read(told, &count), 0);
  EXPECT_EQ(count, 3U);
  ::close(told);
  ::close(other);
}

}  // namespace
}  // namespace assay
