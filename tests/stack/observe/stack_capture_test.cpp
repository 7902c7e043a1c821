// Asking another thread for its stack, and naming what is on it.
#include "stack/observe/stack_capture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <thread>

#include "stack/observe/symbols.hpp"

namespace assay::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

[[gnu::noinline]] int named_by_its_symbol(int number) { return number + 1; }

TEST(stack_capture, a_thread_that_does_not_answer_is_not_waited_for) {
  std::promise<void> blocked;
  std::promise<void> asked;
  std::thread deaf([&blocked, told = asked.get_future()] {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    blocked.set_value();
    told.wait();
  });
  blocked.get_future().wait();
  const result<captured_stack> seen = capture_stack(deaf.native_handle(), 20ms);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, errc::timed_out);
  const result<captured_stack> mine = capture_stack(::pthread_self(), 1s);
  ASSERT_TRUE(mine) << "and does not stand in the way of others: " << describe(mine.error());
  EXPECT_GT(mine->frame_count, 3U);
  EXPECT_FALSE(mine->spawned) << "no loop runs here";
  asked.set_value();
  deaf.join();
}

TEST(symbolizer, names_functions_that_are_not_exported) {
  symbolizer names;
  EXPECT_THAT(names.describe(reinterpret_cast<std::uintptr_t>(&named_by_its_symbol)),
              HasSubstr("named_by_its_symbol(int)+0x0 ("));
  EXPECT_THAT(names.describe(reinterpret_cast<std::uintptr_t>(&::getpid)), HasSubstr("getpid"));
  EXPECT_EQ(names.describe(3), "0x3");
}

}  // namespace
}  // namespace assay::observe
