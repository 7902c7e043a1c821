// Fixture of the tests that run on every backend: simulated, epoll, and io_uring where the system allows it.
//
// Misuse: assuming real time or virtual time. Under simulated I/O a wait of a second costs nothing; on the others it is
// a second.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stack/net/address.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/frame_pool.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/sim_io.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay::testing_support {

enum class backend_kind { simulated, epoll, io_uring };

// ThreadSanitizer cannot see into a ring, and a container may refuse one (or ASSAY_IO=epoll decide): then the tests
// of io_uring are not there.
inline bool io_uring_serves() {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  return false;
#endif
#endif
  static const bool serves = [] {
    const result<std::unique_ptr<io>> chosen = make_io();
    return chosen && (*chosen)->name() == "io_uring";
  }();
  return serves;
}

inline std::vector<backend_kind> real_backends() {
  std::vector<backend_kind> kinds{backend_kind::epoll};
  if (io_uring_serves()) kinds.push_back(backend_kind::io_uring);
  return kinds;
}

inline std::vector<backend_kind> all_backends() {
  std::vector<backend_kind> kinds = real_backends();
  kinds.insert(kinds.begin(), backend_kind::simulated);
  return kinds;
}

inline std::string backend_name(const ::testing::TestParamInfo<backend_kind>& info) {
  switch (info.param) {
    case backend_kind::simulated:
      return "simulated";
    case backend_kind::epoll:
      return "epoll";
    case backend_kind::io_uring:
      return "io_uring";
  }
  return "";
}

inline std::unique_ptr<io> make_backend(backend_kind kind, unsigned buffer_count) {
  if (kind == backend_kind::simulated) {
    return std::make_unique<sim_io>(sim_options{
        .latency = std::chrono::microseconds(20),
        .faults = {.short_read = 0.2, .short_write = 0.2, .no_buffers = buffer_count < 64 ? 0.5 : 0, .deferred = 0.3}});
  }
  // `automatic`: it chose io_uring when the tests were listed. Under a tight locked-memory limit it may come to choose
  // epoll, with a line that says so, because a kernel may be late to give back what earlier rings were charged for.
  result<std::unique_ptr<io>> made = make_io(
      {.kind = kind == backend_kind::epoll ? io_kind::epoll : io_kind::automatic, .buffer_count = buffer_count});
  EXPECT_TRUE(made) << describe(made.error());
  return std::move(*made);
}

class backend_test : public ::testing::TestWithParam<backend_kind> {
 protected:
  explicit backend_test(unsigned buffer_count = 256) : on_(make_backend(GetParam(), buffer_count)) {}
  ~backend_test() override {
    EXPECT_EQ(detail::live_frames(), frames_before_) << "a coroutine frame leaked";
    EXPECT_EQ(on_.timers().size(), 0u) << "a timer stayed armed";
    if (sim_io* world = simulation()) {
      EXPECT_EQ(world->open_sockets(), 0u) << "a socket leaked";
      EXPECT_EQ(world->lent_buffers(), 0u) << "a lent buffer was not released";
    }
  }

  sim_io* simulation() { return dynamic_cast<sim_io*>(&on_.backend()); }
  net::listener listen(int backlog = 4096) {
    auto opened = net::listener::open(on_.backend(), *net::parse_address("127.0.0.1", 0), {.backlog = backlog});
    EXPECT_TRUE(opened) << describe(opened.error());
    return std::move(*opened);
  }

  std::size_t frames_before_ = detail::live_frames();
  loop on_;
};

struct connection {
  net::stream client;
  net::stream server;
};

// Both ends of one new connection.
inline task<connection> connect_pair(net::listener& from) {
  result<net::stream> client = co_await net::connect(from.local_address());
  EXPECT_TRUE(client) << describe(client.error());
  result<net::stream> server = co_await from.accept();
  EXPECT_TRUE(server) << describe(server.error());
  co_return connection{std::move(*client), std::move(*server)};
}

// Bytes that tell where in the stream they belong.
inline std::string pattern(std::size_t size_bytes, std::uint64_t seed = 1) {
  std::string text(size_bytes, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (char& each : text) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    each = static_cast<char>(state);
  }
  return text;
}

// Everything until the end of the stream.
inline task<result<std::string>> receive_all(net::stream& from) {
  std::string got;
  while (true) {
    result<net::chunk> some = co_await from.recv();
    if (!some) co_return std::unexpected(some.error());
    if (some->empty()) co_return got;
    got += some->bytes();
  }
}

inline task<result<void>> send_and_finish(net::stream& to, std::string_view bytes) {
  const result<void> sent = co_await to.send_all(bytes);
  if (sent) to.shutdown_write();
  co_return sent;
}

// Sends back what comes, until the end of the stream.
inline task<result<void>> echo(net::stream peer) {
  while (true) {
    const result<net::chunk> some = co_await peer.recv();
    if (!some) co_return std::unexpected(some.error());
    if (some->empty()) co_return result<void>{};
    const result<void> sent = co_await peer.send_all(some->bytes());
    if (!sent) co_return sent;
  }
}

}  // namespace assay::testing_support
