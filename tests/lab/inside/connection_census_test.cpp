#include "lab/inside/connection_census.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

namespace assay::inside {
namespace {

constexpr int most_tries = 500;  // of a millisecond: the kernel's clock for this has ticks of up to ten

std::uint64_t inode_of(int descriptor) {
  struct stat status{};
  EXPECT_EQ(::fstat(descriptor, &status), 0);
  return status.st_ino;
}

class connected : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener_, any, size), 0);
    ASSERT_EQ(::listen(listener_, 1), 0);
    ASSERT_EQ(::getsockname(listener_, any, &size), 0);
    port_ = ntohs(address.sin_port);
    client_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(client_, any, size), 0);
    accepted_ = ::accept(listener_, nullptr, nullptr);
    ASSERT_GE(accepted_, 0);
  }
  void TearDown() override {
    for (const int each : {accepted_, client_, listener_}) {
      if (each >= 0) ::close(each);
    }
  }

  // Sends from one end until the census sees so many exchanges as open, on both sides.
  model::connection_look after_sending(int from, unsigned open) {
    const std::set<std::uint64_t> inodes{inode_of(listener_), inode_of(client_), inode_of(accepted_)};
    model::connection_look seen;
    for (int i = 0; i < most_tries; ++i) {
      EXPECT_EQ(::send(from, "x", 1, MSG_NOSIGNAL), 1);
      const auto look = census_.look(inodes, 3);
      EXPECT_TRUE(look);
      if (!look) break;
      seen = *look;
      if (seen.in_flight == open && seen.outgoing.size() == 1 && seen.outgoing[0].waiting == open) break;
      ::poll(nullptr, 0, 1);
    }
    return seen;
  }

  int listener_ = -1;
  int client_ = -1;
  int accepted_ = -1;
  std::uint16_t port_ = 0;
  connection_census census_;
};

TEST_F(connected, what_is_asked_waits_until_it_is_answered) {
  const auto asked = after_sending(client_, 1);
  EXPECT_EQ(asked.at_s, 3);
  EXPECT_EQ(asked.in_flight, 1U);
  ASSERT_EQ(asked.outgoing.size(), 1U);
  EXPECT_EQ(asked.outgoing[0].peer, fmt::format("127.0.0.1:{}", port_));
  EXPECT_EQ(asked.outgoing[0].open, 1U);
  EXPECT_EQ(asked.outgoing[0].waiting, 1U);
  const auto answered = after_sending(accepted_, 0);
  EXPECT_EQ(answered.in_flight, 0U);
  ASSERT_EQ(answered.outgoing.size(), 1U);
  EXPECT_EQ(answered.outgoing[0].waiting, 0U);
}

// Takes looks until `right` is, a second apart in their own time: what has no owner is asked for once in that.
template <typename Right>
model::connection_look looked_until(connection_census& census, const std::set<std::uint64_t>& inodes, Right right) {
  model::connection_look seen;
  for (int i = 0; i < most_tries; ++i) {
    const auto look = census.look(inodes, i);
    EXPECT_TRUE(look);
    if (!look) break;
    seen = *look;
    if (right(seen)) break;
    ::poll(nullptr, 0, 1);
  }
  return seen;
}

TEST_F(connected, a_connection_that_only_the_peer_has_closed_is_told_from_open_ones) {
  const std::set<std::uint64_t> inodes{inode_of(listener_), inode_of(client_)};
  ::close(std::exchange(accepted_, -1));
  const auto seen = looked_until(census_, inodes, [](const auto& look) { return look.states.contains("CLOSE_WAIT"); });
  ASSERT_TRUE(seen.states.contains("CLOSE_WAIT"));
  EXPECT_EQ(seen.states.at("CLOSE_WAIT"), 1U);
  EXPECT_EQ(seen.states.at("LISTEN"), 1U);
  ASSERT_EQ(seen.outgoing.size(), 1U);
  EXPECT_EQ(seen.outgoing[0].peer, fmt::format("127.0.0.1:{}", port_));
  EXPECT_EQ(seen.outgoing[0].close_wait, 1U);
  EXPECT_EQ(seen.outgoing[0].open, 0U);
  EXPECT_EQ(seen.outgoing[0].waiting, 0U);
}

TEST_F(connected, what_nobody_owns_any_more_is_known_by_the_port) {
  const std::set<std::uint64_t> inodes{inode_of(listener_)};
  ::close(std::exchange(accepted_, -1));
  ::close(std::exchange(client_, -1));
  const auto seen = looked_until(census_, inodes, [](const auto& look) { return look.states.contains("TIME_WAIT"); });
  ASSERT_TRUE(seen.states.contains("TIME_WAIT"));
  EXPECT_EQ(seen.states.at("TIME_WAIT"), 1U);
  const auto others = census_.look({}, 1'000'000);
  ASSERT_TRUE(others);
  EXPECT_TRUE(others->states.empty());
}

TEST_F(connected, bytes_that_nobody_reads_and_clients_that_nobody_accepts_are_seen) {
  const std::set<std::uint64_t> inodes{inode_of(listener_), inode_of(client_), inode_of(accepted_)};
  ASSERT_EQ(::send(client_, "12345", 5, MSG_NOSIGNAL), 5);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::getsockname(listener_, any, &size), 0);
  std::array<int, 2> queued{};  // one more than listen() has asked for is let in
  for (int& each : queued) {
    each = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(each, any, size), 0);
  }
  const auto seen =
      looked_until(census_, inodes, [](const auto& look) { return look.accept_queue == 2 && look.unread_bytes == 5; });
  EXPECT_EQ(seen.unread_bytes, 5U);
  EXPECT_EQ(seen.accept_queue, 2U);
  EXPECT_EQ(seen.accept_limit, 1U);
  EXPECT_EQ(seen.states.at("ESTABLISHED"), 4U) << "two with an owner, two in the queue";
  for (const int each : queued) ::close(each);
}

TEST_F(connected, sockets_of_others_are_not_counted) {
  const auto seen = census_.look({}, 0);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->in_flight, 0U);
  EXPECT_TRUE(seen->outgoing.empty());
}

}  // namespace
}  // namespace assay::inside
