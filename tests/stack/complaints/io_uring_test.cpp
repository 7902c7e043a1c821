// What users of io_uring complain of, asked of the kernel itself.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "stack/http/server.hpp"
#include "tests/stack/net/net_test_support.hpp"

namespace assay {
namespace {

std::optional<std::uint32_t> number_in(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The rings of this process.
std::set<int> open_rings() {
  std::set<int> rings;
  DIR* const all = ::opendir("/proc/self/fd");
  while (const dirent* const each = ::readdir(all)) {
    std::array<char, 64> target{};
    if (::readlinkat(::dirfd(all), each->d_name, target.data(), target.size() - 1) < 0) continue;
    if (std::string_view(target.data()) != "anon_inode:[io_uring]") continue;
    rings.insert(static_cast<int>(number_in(each->d_name).value_or(0)));
  }
  ::closedir(all);
  return rings;
}

// What the kernel says to a thread that is not the ring's own; 0: it lets it in.
int enter_from_elsewhere(int ring, unsigned to_submit, unsigned flags) {
  int refused = 0;
  std::thread stranger([&] {
    if (::syscall(SYS_io_uring_enter, ring, to_submit, 0, flags, nullptr, 0) < 0) refused = errno;
  });
  stranger.join();
  return refused;
}

// A ring with these flags and nothing else; -1: this kernel has none.
int plain_ring(unsigned flags) {
  io_uring_params wanted{};
  wanted.flags = flags;
  return static_cast<int>(::syscall(SYS_io_uring_setup, 1, &wanted));
}

// A number that the kernel tells of a ring, as "SqTail" is.
std::optional<std::uint32_t> told_of(int ring, const std::string& name) {
  std::ifstream lines("/proc/self/fdinfo/" + std::to_string(ring));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":\t")) return number_in(std::string_view(line).substr(name.size() + 2));
  }
  return std::nullopt;
}

// Where io_uring does not serve there is nothing to complain of, and these tests are not there.
std::vector<testing_support::backend_kind> rings() {
  std::vector<testing_support::backend_kind> kinds = testing_support::real_backends();
  std::erase(kinds, testing_support::backend_kind::epoll);
  return kinds;
}

class io_uring_complaint : public ::testing::TestWithParam<testing_support::backend_kind> {
 protected:
  explicit io_uring_complaint(io_options with = {}) : with_(with) {}
  void SetUp() override {
    const std::set<int> before = open_rings();
    result<std::unique_ptr<io>> made = make_io_uring(with_);
    ASSERT_TRUE(made) << describe(made.error());
    for (const int each : open_rings()) ring_ = before.contains(each) ? ring_ : each;
    ASSERT_GE(ring_, 0) << "a descriptor of the ring";
    on_.emplace(std::move(*made));
  }

  io_options with_;
  int ring_ = -1;
  std::optional<loop> on_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(io_uring_complaint);
INSTANTIATE_TEST_SUITE_P(rings, io_uring_complaint, ::testing::ValuesIn(rings()), testing_support::backend_name);

// "Slower than linux-aio, with all flags": those that count are SINGLE_ISSUER and DEFER_TASKRUN. A ring that has them
// lets no other thread submit, and none look for completions.
TEST_P(io_uring_complaint, seastar_2089_the_ring_has_one_issuer_and_defers_its_work_to_it) {
  const int shared = plain_ring(0);
  ASSERT_GE(shared, 0);
  EXPECT_EQ(enter_from_elsewhere(shared, 1, 0), 0) << "else the kernel tells nothing by refusing";
  EXPECT_EQ(enter_from_elsewhere(shared, 0, IORING_ENTER_GETEVENTS), 0);
  ::close(shared);
  const int single = plain_ring(IORING_SETUP_SINGLE_ISSUER);
  ASSERT_GE(single, 0);
  EXPECT_EQ(enter_from_elsewhere(single, 1, 0), EEXIST);
  EXPECT_EQ(enter_from_elsewhere(single, 0, IORING_ENTER_GETEVENTS), 0);
  ::close(single);

  EXPECT_EQ(enter_from_elsewhere(ring_, 1, 0), EEXIST) << "IORING_SETUP_SINGLE_ISSUER";
  EXPECT_EQ(enter_from_elsewhere(ring_, 0, IORING_ENTER_GETEVENTS), EEXIST) << "IORING_SETUP_DEFER_TASKRUN";
}

struct traffic {
  std::uint32_t submitted = 0;
  std::uint32_t completed = 0;
  std::size_t received = 0;
};

constexpr int messages = 20;

// Bytes one by one, each waited for, on a connection that has received before.
task<void> receive_one_by_one(int ring, traffic* seen) {
  auto door = net::listener::open((co_await this_context()).on->backend(), *net::parse_address("127.0.0.1", 0));
  if (!door) co_return;
  const socket_address at = door->local_address();
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(peer, at.get(), at.size_bytes), 0);
  result<net::stream> here = co_await door->accept();
  EXPECT_TRUE(here);
  traffic before;
  for (int i = 0; here && i <= messages; ++i) {
    EXPECT_EQ(::send(peer, "x", 1, MSG_NOSIGNAL), 1);
    const result<net::chunk> some = co_await here->recv();
    if (!some) break;
    const std::uint32_t submitted = told_of(ring, "SqTail").value_or(0);
    const std::uint32_t completed = told_of(ring, "CqTail").value_or(0);
    if (i == 0) before = {.submitted = submitted, .completed = completed};
    *seen = {.submitted = submitted - before.submitted,
             .completed = completed - before.completed,
             .received = seen->received + some->bytes().size()};
  }
  ::close(peer);
}

// The kernel has multishot receives only into provided buffers: who submits once and receives often uses both.
TEST_P(io_uring_complaint, seastar_2089_one_submission_receives_again_and_again_into_provided_buffers) {
  ASSERT_TRUE(told_of(ring_, "SqTail") && told_of(ring_, "CqTail")) << "the kernel tells nothing of its rings";
  traffic seen;
  on_->run(receive_one_by_one(ring_, &seen));
  EXPECT_EQ(seen.received, messages + 1U);
  EXPECT_GE(seen.completed, static_cast<std::uint32_t>(messages)) << "else it was not the ring that received";
  EXPECT_EQ(seen.submitted, 0U);
}

constexpr unsigned few_buffers = 8;

class scarce_buffers_complaint : public io_uring_complaint {
 protected:
  scarce_buffers_complaint() : io_uring_complaint({.buffer_count = few_buffers}) {}
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(scarce_buffers_complaint);
INSTANTIATE_TEST_SUITE_P(rings, scarce_buffers_complaint, ::testing::ValuesIn(rings()), testing_support::backend_name);

struct dry_ring {
  std::string got;
  std::optional<error> failure;
  std::uint32_t submitted_in_vain = 0;
};

task<void> receive_into(net::stream* from, dry_ring* into) {
  const result<net::chunk> some = co_await from->recv();
  if (some) into->got = some->bytes();
  if (!some) into->failure = some.error();
}

// Each turn enters the kernel once.
task<void> let_it_turn() {
  const loop& on = *(co_await this_context()).on;
  const std::uint64_t until = on.counters().turns + 100;
  while (on.counters().turns < until) co_await yield();
}

// Keeps all buffers that there are, and receives on one connection more.
task<void> receive_with_no_buffer_left(int ring, dry_ring* seen) {
  context& ctx = co_await this_context();
  const auto at = *net::parse_address("127.0.0.1", 0);
  net::listener door = *net::listener::open(ctx.on->backend(), at);
  std::vector<testing_support::connection> pairs;
  std::vector<net::chunk> kept;
  for (unsigned i = 0; i < few_buffers; ++i) {
    pairs.push_back(co_await testing_support::connect_pair(door));
    EXPECT_TRUE(co_await pairs.back().client.send_all("x"));
    result<net::chunk> some = co_await pairs.back().server.recv();
    EXPECT_TRUE(some);
    if (some) kept.push_back(std::move(*some));
  }
  testing_support::connection one_more = co_await testing_support::connect_pair(door);
  scope receiving(ctx);
  receiving.spawn(receive_into(&one_more.server, seen));
  const std::uint32_t before = told_of(ring, "SqTail").value_or(0);
  co_await let_it_turn();
  EXPECT_TRUE(co_await one_more.client.send_all("late"));  // kernels differ in when they say that there is no buffer
  co_await let_it_turn();
  seen->submitted_in_vain = told_of(ring, "SqTail").value_or(0) - before;
  EXPECT_EQ(seen->got, "") << "there was a buffer left";
  kept.clear();
  EXPECT_TRUE(co_await receiving.join());
}

// "With an empty buffer ring a multishot receive fails, even where the socket has no data": nobody hears of it,
// it is not tried in vain again and again, and when a buffer has come back it is received.
TEST_P(scarce_buffers_complaint, liburing_1275_a_receive_that_finds_no_buffer_waits_for_one) {
  ASSERT_TRUE(told_of(ring_, "SqTail")) << "the kernel tells nothing of its rings";
  dry_ring seen;
  on_->run(receive_with_no_buffer_left(ring_, &seen));
  EXPECT_FALSE(seen.failure);
  EXPECT_EQ(seen.got, "late");
  EXPECT_LT(seen.submitted_in_vain, 10U);
}

// A peer that sends without end to a connection that nobody reads, and another that asks and is answered.
task<void> ask_beside_a_flood(int* answered) {
  context& ctx = co_await this_context();
  const auto at = *net::parse_address("127.0.0.1", 0);
  net::listener door = *net::listener::open(ctx.on->backend(), at);
  testing_support::connection flooded = co_await testing_support::connect_pair(door);
  EXPECT_TRUE(co_await flooded.client.send_all("x"));
  EXPECT_TRUE(co_await flooded.server.recv());  // from now on the kernel receives for it, and nobody takes it
  const std::string flood(32 << 20, 'x');
  scope flooding(ctx);
  flooding.spawn(testing_support::send_and_finish(flooded.client, flood));
  testing_support::connection other = co_await testing_support::connect_pair(door);
  for (; *answered < 20; ++*answered) {
    EXPECT_TRUE(co_await other.client.send_all("ping"));
    const result<net::chunk> got = co_await other.server.recv(ctx.on->now() + std::chrono::seconds(5));
    if (!got) break;
  }
  flooding.cancel(cancel_reason::user);
  std::ignore = co_await flooding.join();
}

// "One socket can take all buffers in one go."
TEST_P(scarce_buffers_complaint, liburing_758_a_flooded_connection_leaves_the_others_their_buffers) {
  int answered = 0;
  on_->run(ask_beside_a_flood(&answered));
  EXPECT_EQ(answered, 20);
}

// --- the end ---------------------------------------------------------------------------------------------------------

task<http::response> hello(http::request& asked) {
  if (asked.path() == "/waits") std::ignore = co_await delay_for(std::chrono::hours(1));
  co_return http::response::text("hello\n");
}

task<void> run_server(http::server* served, net::listener from) { std::ignore = co_await served->run(std::move(from)); }

// Clients that say nothing, that have been answered, that are in the middle of a head, and that wait for an answer.
task<void> serve_and_end(std::uint64_t* served_connections) {
  context& ctx = co_await this_context();
  http::server served(hello, {.drain_timeout = std::chrono::milliseconds(5)});
  net::listener door = *net::listener::open(ctx.on->backend(), *net::parse_address("127.0.0.1", 0));
  const socket_address at = door.local_address();
  scope running(ctx);
  running.spawn(run_server(&served, std::move(door)));
  std::vector<net::stream> clients;
  for (int i = 0; i < 38; ++i) {  // the last of them is answered: all have been accepted
    static constexpr std::array<std::string_view, 4> says = {"", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HT",
                                                             "GET /waits HTTP/1.1\r\nHost: a\r\n\r\n"};
    result<net::stream> made = co_await net::connect(at);
    EXPECT_TRUE(made);
    if (!made) break;
    EXPECT_TRUE(co_await made->send_all(says[static_cast<std::size_t>(i) % says.size()]));
    if (i % 4 == 1) EXPECT_TRUE(co_await made->recv());
    clients.push_back(std::move(*made));
  }
  served.drain();
  EXPECT_TRUE(co_await running.join());
  EXPECT_EQ(served.live_connections(), 0U);
  *served_connections += served.counters().connections;
}

// "With io_uring the server occasionally hangs during shutdown": it ends, whatever its connections are at. (That it was
// eight times slower there as well is what seastar_2089 and the benchmarks are about.)
TEST_P(io_uring_complaint, reactor_netty_3833_a_server_ends_whatever_its_connections_are_at) {
  std::uint64_t connections = 0;
  on_->run(serve_and_end(&connections));
  for (int round = 1; round < 10; ++round) {  // with a ring of its own each
    loop again(std::move(*make_io_uring({})));
    again.run(serve_and_end(&connections));
  }
  EXPECT_EQ(connections, 380U);
}

}  // namespace
}  // namespace assay
