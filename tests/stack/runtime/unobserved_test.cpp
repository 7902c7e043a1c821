#include "stack/runtime/unobserved.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "stack/runtime/offload.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A reporter is a plain function, so that what it has heard is here.
std::mutex heard_mutex;
std::vector<std::string> heard;

void hear(const unobserved_failure& lost) noexcept {
  const std::lock_guard lock(heard_mutex);
  heard.push_back(describe(lost) + " at " + std::to_string(lost.where.line()));
}

class unobserved_test : public sim_test {
 protected:
  unobserved_test() {
    heard.clear();
    set_failure_reporter(&hear);
  }
  ~unobserved_test() override { set_failure_reporter(nullptr); }
};

task<result<void>> fails_after(duration span, errc code) {
  std::ignore = co_await delay_until((co_await this_context()).on->turn_time() + span);
  co_return std::unexpected(error{.code = code, .what = "child"});
}

// Not cancelled with its siblings: as one whose own failure came at the same moment.
task<result<void>> fails_at_once(errc code) { co_return std::unexpected(error{.code = code, .what = "child"}); }

task<void> throws_after(duration span, const char* what) {
  std::ignore = co_await delay_for(span);
  throw std::logic_error(what);
}

task<result<void>> two_fail(errc first, errc second, unsigned& line) {
  scope children(co_await this_context());
  children.spawn(fails_after(1ms, first));
  line = std::source_location::current().line() + 1;
  children.spawn(fails_after(1ms, second));
  co_return co_await children.join();
}

TEST_F(unobserved_test, a_second_failure_of_another_kind_is_reported_with_its_place) {
  unsigned line = 0;
  EXPECT_TRUE(failed_with(on_.run(two_fail(errc::reset, errc::protocol, line)), errc::reset));
  EXPECT_THAT(heard, ElementsAre("child: protocol at " + std::to_string(line)));
}

TEST_F(unobserved_test, the_same_failure_again_and_what_was_asked_to_stop_are_no_news) {
  unsigned line = 0;
  EXPECT_TRUE(failed_with(on_.run(two_fail(errc::reset, errc::reset, line)), errc::reset));
  EXPECT_TRUE(failed_with(on_.run(two_fail(errc::reset, errc::cancelled, line)), errc::reset));
  EXPECT_THAT(heard, ElementsAre());
}

task<void> two_throw() {
  scope children(co_await this_context());
  children.spawn(throws_after(1ms, "the first"));
  children.spawn(throws_after(1ms, "the second"));
  std::ignore = co_await children.join();
}

TEST_F(unobserved_test, a_second_exception_is_reported) {
  EXPECT_THROW(on_.run(two_throw()), std::logic_error);
  EXPECT_THAT(heard, ElementsAre(HasSubstr("the second")));
}

task<void> one_fails_and_one_throws(duration failure, duration exception) {
  scope children(co_await this_context());
  children.spawn(fails_after(failure, errc::closed));
  children.spawn(throws_after(exception, "a bug"));
  std::ignore = co_await children.join();
}

TEST_F(unobserved_test, a_failure_that_an_exception_hides_is_reported_in_either_order) {
  EXPECT_THROW(on_.run(one_fails_and_one_throws(1ms, 1ms)), std::logic_error);
  EXPECT_THAT(heard, ElementsAre(HasSubstr("child: closed")));
}

task<result<void>> one_of_one() {
  scope children(co_await this_context());
  children.spawn(fails_at_once(errc::closed));
  co_return co_await children.join();
}

TEST_F(unobserved_test, what_join_tells_is_not_reported) {
  EXPECT_TRUE(failed_with(on_.run(one_of_one()), errc::closed));
  EXPECT_THAT(heard, ElementsAre());
}

TEST_F(unobserved_test, an_exception_of_pool_work_whose_caller_has_gone_is_reported) {
  auto entered = std::make_shared<std::latch>(1);
  auto gone = std::make_shared<std::latch>(1);
  {
    offload_pool pool({.threads = 1});
    auto body = [](offload_pool& threads, std::shared_ptr<std::latch> in,
                   std::shared_ptr<std::latch> out) -> task<void> {
      auto call = [](offload_pool& on, std::shared_ptr<std::latch> a,
                     std::shared_ptr<std::latch> b) -> task<result<void>> {
        co_return co_await on.run([a, b] {
          a->count_down();
          b->wait();
          throw std::logic_error("too late");
        });
      };
      scope children(co_await this_context());
      children.spawn(call(threads, in, out));
      in->wait();
      children.cancel(cancel_reason::user);
      EXPECT_TRUE(failed_with(co_await children.join(), errc::cancelled, cancel_reason::user));
    };
    on_.run(body(pool, entered, gone));
    gone->count_down();
  }
  EXPECT_THAT(heard, ElementsAre(HasSubstr("too late")));
}

TEST(unobserved, is_said_on_stderr_when_nobody_has_taken_it_over) {
  testing::internal::CaptureStderr();
  report_unobserved(
      {.where = std::source_location::current(), .failure = error{.code = errc::reset, .what = "read"}, .thrown = {}});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("a task failed unobserved: read: reset; spawned at "));
}

}  // namespace
}  // namespace assay
