// Receives that tell when their bytes came, and completions that nobody minds to hear late.
#include "tests/stack/net/net_test_support.hpp"

namespace assay {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class stamps_test : public backend_test {
 protected:
  bool stamps() const { return GetParam() == backend_kind::io_uring; }
};
INSTANTIATE_TEST_SUITE_P(backends, stamps_test, ::testing::ValuesIn(all_backends()), backend_name);

// The loop does not run meanwhile.
void stall(loop& on, duration span) {
  for (const instant until = on.now() + span; on.now() < until;) {
  }
}

// Until the kernel has begun to stamp.
task<void> wait_for_stamps(connection& both) {
  loop& on = *(co_await this_context()).on;
  for (const instant limit = on.now() + 20s; on.now() < limit;) {
    EXPECT_TRUE(co_await both.client.send_all("x"));
    const result<net::chunk> got = co_await both.server.recv();
    EXPECT_TRUE(got);
    if (!got || got->received_at() != lent_buffer::unknown) co_return;
  }
  ADD_FAILURE() << "no stamp within 20 s";
}

TEST_P(stamps_test, the_kernel_says_when_bytes_came_however_late_they_are_read) {
  auto body = [](net::listener from, bool stamps) -> task<void> {
    connection both = co_await connect_pair(from);
    EXPECT_EQ(both.server.stamp_received(), stamps);
    if (stamps) co_await wait_for_stamps(both);
    loop& on = *(co_await this_context()).on;
    for (int round = 0; round < 3; ++round) {
      const instant before = on.now();
      EXPECT_TRUE(co_await both.client.send_all("x"));
      const instant after = on.now();
      if (stamps) stall(on, 20ms);
      const result<net::chunk> got = co_await both.server.recv();
      EXPECT_TRUE(got && got->bytes() == "x");
      if (!got || !stamps) continue;
      // The two clocks are read one after the other.
      EXPECT_GE(got->received_at(), before - 1ms);
      EXPECT_LE(got->received_at(), after + 1ms);
      EXPECT_GE(on.now() - got->received_at(), 18ms);
    }
  };
  on_.run(body(listen(), stamps()));
}

TEST_P(stamps_test, where_nobody_asked_nothing_is_told) {
  auto body = [](net::listener from) -> task<void> {
    connection both = co_await connect_pair(from);
    EXPECT_TRUE(co_await both.client.send_all("x"));
    const result<net::chunk> got = co_await both.server.recv();
    EXPECT_TRUE(got && got->received_at() == lent_buffer::unknown);
  };
  on_.run(body(listen()));
}

task<void> transfer_stamped(net::listener from, const std::string& bytes) {
  connection both = co_await connect_pair(from);
  std::ignore = both.server.stamp_received();
  scope sending(co_await this_context());
  sending.spawn(send_and_finish(both.client, bytes));
  std::ignore = co_await delay_for(2ms);  // more comes than anybody reads
  const result<std::string> got = co_await receive_all(both.server);
  EXPECT_TRUE(got && *got == bytes) << "every byte, in order, and the end";
  EXPECT_TRUE(co_await sending.join());
}

TEST_P(stamps_test, a_stamped_stream_carries_the_same_bytes) { on_.run(transfer_stamped(listen(), pattern(300'000))); }

class few_buffers_test : public backend_test {
 protected:
  few_buffers_test() : backend_test(8) {}
};
INSTANTIATE_TEST_SUITE_P(backends, few_buffers_test, ::testing::ValuesIn(all_backends()), backend_name);

TEST_P(few_buffers_test, stamped_bytes_that_wait_go_to_the_heap_and_come_back_whole) {
  auto body = [](net::listener from, const std::string& bytes) -> task<void> {
    connection flooded = co_await connect_pair(from);
    std::ignore = flooded.server.stamp_received();
    scope flooding(co_await this_context());
    EXPECT_TRUE(co_await flooded.client.send_all("x"));
    EXPECT_TRUE(co_await flooded.server.recv());
    flooding.spawn(send_and_finish(flooded.client, bytes));
    std::ignore = co_await delay_for(2ms);
    connection other = co_await connect_pair(from);
    for (int i = 0; i < 20; ++i) {  // which need buffers while those bytes lie there
      EXPECT_TRUE(co_await other.client.send_all("ping"));
      EXPECT_TRUE(co_await other.server.recv());
    }
    const result<std::string> got = co_await receive_all(flooded.server);
    EXPECT_TRUE(got && *got == bytes);
    EXPECT_TRUE(co_await flooding.join());
  };
  on_.run(body(listen(), pattern(200'000)));
}

task<result<void>> send(net::stream& to, std::string_view bytes) { co_return co_await to.send_all(bytes); }

task<result<void>> receive_one(net::stream& from) {
  const result<net::chunk> got = co_await from.recv();
  if (!got) co_return std::unexpected(got.error());
  co_return result<void>{};
}

TEST_P(stamps_test, what_is_held_back_is_told_in_time) {
  auto body = [](net::listener from, bool stamps) -> task<void> {
    connection both = co_await connect_pair(from);
    std::ignore = both.server.stamp_received();
    if (stamps) co_await wait_for_stamps(both);
    loop& on = *(co_await this_context()).on;
    const instant until = on.now() + 30ms;
    scope sending(co_await this_context());
    sending.spawn(send(both.client, "y"));
    on.backend().hold_back(until);
    const result<net::chunk> got = co_await both.server.recv();
    EXPECT_TRUE(got && got->bytes() == "y");
    if (stamps) EXPECT_GE(on.now(), until) << "it had come before, and woke nobody";
    if (got && stamps) EXPECT_LE(got->received_at(), on.now());
    // And that was once.
    EXPECT_TRUE(co_await both.client.send_all("z"));
    EXPECT_TRUE(co_await both.server.recv(on.now() + 20s));
    EXPECT_TRUE(co_await sending.join());
  };
  on_.run(body(listen(), stamps()));
}

TEST_P(few_buffers_test, many_completions_end_a_wait_that_is_held_back) {
  auto body = [](net::listener from) -> task<void> {
    loop& on = *(co_await this_context()).on;
    std::vector<connection> all;
    for (int i = 0; i < 4; ++i) all.push_back(co_await connect_pair(from));
    const instant began = on.now();
    on.backend().hold_back(began + 600s);
    scope at_once(co_await this_context());
    for (connection& each : all) {
      at_once.spawn(receive_one(each.server));
      at_once.spawn(send(each.client, "x"));
    }
    EXPECT_TRUE(co_await at_once.join());
    EXPECT_LT(on.now(), began + 600s);
  };
  on_.run(body(listen()));
}

}  // namespace
}  // namespace assay
