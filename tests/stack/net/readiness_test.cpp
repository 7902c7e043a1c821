// Waiting for descriptors that belong to somebody else, on every backend.
#include "stack/net/readiness.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "tests/stack/net/net_test_support.hpp"

namespace assay {
namespace {

using namespace testing_support;

class readiness_test : public backend_test {
 protected:
  readiness_test() { open_pair(); }
  ~readiness_test() override { close_pair(); }

  void open_pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()), 0); }
  void close_pair() {
    for (int& end : ends_) {
      if (end >= 0) ::close(end);
      end = -1;
    }
  }
  // A byte comes for the first end; under simulated I/O the script says so.
  void feed() {
    if (sim_io* world = simulation()) return world->set_ready(ends_[0], POLLIN | POLLOUT);
    EXPECT_EQ(::write(ends_[1], "x", 1), 1);
  }
  void start_writable() {
    if (sim_io* world = simulation()) world->set_ready(ends_[0], POLLOUT);
  }

  std::array<int, 2> ends_{-1, -1};
};
INSTANTIATE_TEST_SUITE_P(backends, readiness_test, ::testing::ValuesIn(all_backends()), backend_name);

using seen = std::optional<result<net::readiness>>;

task<void> wait_into(int fd, std::uint32_t events, seen& into) { into = co_await net::wait_ready(fd, events); }

task<void> feed_after(duration span, const std::function<void()>& feed) {
  std::ignore = co_await delay_for(span);
  feed();
}

TEST_P(readiness_test, what_is_ready_already_is_said_at_once) {
  start_writable();
  auto body = [](int fd) -> task<result<net::readiness>> {
    co_return co_await net::wait_ready(fd, net::want_read | net::want_write);
  };
  const result<net::readiness> got = on_.run(body(ends_[0]));
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_TRUE(got->writable);
  EXPECT_FALSE(got->readable);
}

TEST_P(readiness_test, a_byte_ends_the_wait_again_and_again_on_one_descriptor) {
  start_writable();
  const std::function<void()> feed_it = [this] { feed(); };
  auto body = [](int fd, const std::function<void()>& feed_it) -> task<void> {
    for (int round = 0; round < 3; ++round) {
      scope children(co_await this_context());
      seen got;
      children.spawn(wait_into(fd, net::want_read, got));
      children.spawn(feed_after(1ms, feed_it));
      EXPECT_TRUE(co_await children.join());
      EXPECT_TRUE(got && *got && (*got)->readable);
    }
  };
  on_.run(body(ends_[0], feed_it));
}

TEST_P(readiness_test, a_limit_ends_it_and_the_descriptor_may_be_closed_and_its_number_used_again) {
  auto body = [](int fd) -> task<void> {
    loop& on = *(co_await this_context()).on;
    EXPECT_TRUE(failed_with(co_await net::wait_ready(fd, net::want_read, on.now() + 2ms), errc::timed_out,
                            cancel_reason::deadline));
  };
  for (int round = 0; round < 3; ++round) {
    on_.run(body(ends_[0]));
    close_pair();
    open_pair();
  }
  if (simulation() != nullptr) return;
  feed();
  seen got;
  on_.run(wait_into(ends_[0], net::want_read, got));
  EXPECT_TRUE(got && *got && (*got)->readable);
}

// The wait was answered, its owner closed the descriptor, and another got the same number.
TEST_P(readiness_test, a_new_descriptor_of_an_old_number_is_waited_for_anew) {
  if (simulation() != nullptr) return;
  for (int round = 0; round < 3; ++round) {
    feed();
    seen got;
    on_.run(wait_into(ends_[0], net::want_read, got));
    EXPECT_TRUE(got && *got && (*got)->readable);
    close_pair();
    open_pair();
  }
}

TEST_P(readiness_test, cancelling_ends_it_once_also_in_the_turn_in_which_it_became_ready) {
  const std::function<void()> feed_it = [this] { feed(); };
  auto body = [](int fd, const std::function<void()>& feed_it) -> task<void> {
    scope children(co_await this_context());
    seen got;
    children.spawn(wait_into(fd, net::want_read, got));
    feed_it();
    children.cancel(cancel_reason::user);
    EXPECT_TRUE(co_await children.join());
    EXPECT_TRUE(got && (got->has_value() || failed_with(*got, errc::cancelled, cancel_reason::user)));
  };
  on_.run(body(ends_[0], feed_it));
}

TEST_P(readiness_test, the_end_of_the_peer_is_readiness) {
  if (simulation() != nullptr) return;
  ::close(std::exchange(ends_[1], -1));
  seen got;
  on_.run(wait_into(ends_[0], net::want_read, got));
  ASSERT_TRUE(got && *got);
  EXPECT_TRUE((*got)->readable);
}

TEST_P(readiness_test, no_descriptor_is_a_failure_and_no_wait) {
  if (simulation() != nullptr) return;
  seen got;
  on_.run(wait_into(-1, net::want_read, got));
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().system_errno, EBADF);
}

}  // namespace
}  // namespace assay
