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
  void SetUp() override {
    const std::set<int> before = open_rings();
    result<std::unique_ptr<io>> made = make_io_uring({});
    ASSERT_TRUE(made) << describe(made.error());
    for (const int each : open_rings()) ring_ = before.contains(each) ? ring_ : each;
    ASSERT_GE(ring_, 0) << "a descriptor of the ring";
    on_.emplace(std::move(*made));
  }

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

}  // namespace
}  // namespace assay
