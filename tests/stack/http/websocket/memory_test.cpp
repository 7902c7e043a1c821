// What an idle connection costs a server in memory of the program: at most 4 KiB, before and after it was used.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <thread>

#include "stack/http/server.hpp"
#include "stack/http/websocket/endpoint.hpp"
#include "stack/net/address.hpp"
#include "stack/net/readiness.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t connection_count = 400;
constexpr std::size_t bar_bytes = 4096;
constexpr std::size_t payload_bytes = 20'000;
constexpr duration patience = 20s;

std::size_t heap_bytes() {
  const struct mallinfo2 now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

// A client that needs no memory of the program.
class raw_client {
 public:
  explicit raw_client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The kernel's backlog answers: nobody has to accept meanwhile.
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  raw_client(raw_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  raw_client(const raw_client&) = delete;
  ~raw_client() {
    if (fd_ >= 0) ::close(fd_);
  }

  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  // Until `count` bytes are here.
  task<bool> receive(std::size_t count) const {
    const context& ctx = co_await this_context();
    const instant limit = ctx.on->turn_time() + patience;
    while (count > 0) {
      const result<net::readiness> ready = co_await net::wait_ready(fd_, net::want_read, limit);
      if (!ready) co_return false;
      std::array<char, 1024> bytes;
      const ssize_t got = ::recv(fd_, bytes.data(), std::min(count, bytes.size()), MSG_DONTWAIT);
      if (got <= 0) co_return false;
      count -= static_cast<std::size_t>(got);
    }
    co_return true;
  }

 private:
  int fd_;
};

constexpr std::string_view opening =
    "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    // As much as a browser sends, so that what a large head needs is seen to go.
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCache-Control: no-cache\r\n\r\n";

task<void> echo(connection& peer) {
  while (true) {
    const result<message> got = co_await peer.receive();
    if (!got) co_return;
    const result<void> sent = co_await peer.send(got->kind, got->payload);
    if (!sent) co_return;
  }
}

task<http::response> accept_echo(std::shared_ptr<const endpoint> at, http::request& asked) {
  co_return at->accept(asked, echo);
}

struct measured {
  std::size_t opened_bytes = 0;  // a connection
  std::size_t used_bytes = 0;    // after a message both ways
};

task<void> open_and_use(std::uint16_t port, std::vector<raw_client>* clients, measured* into) {
  constexpr std::size_t answer_bytes = 166;
  const auto open_one = [](std::vector<raw_client>* among, std::uint16_t at) -> task<bool> {
    among->emplace_back(at).send(opening);
    co_return co_await among->back().receive(answer_bytes);
  };
  for (int warm = 0; warm < 3; ++warm) EXPECT_TRUE(co_await open_one(clients, port));
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < connection_count; ++i) EXPECT_TRUE(co_await open_one(clients, port));
  std::ignore = co_await delay_for(10ms);  // the servers' sends complete
  into->opened_bytes = (heap_bytes() - before) / connection_count;

  std::string frame;
  append_frame(frame, {.what = opcode::binary, .masked = true}, std::string(payload_bytes, 'x'));
  for (const raw_client& each : *clients) {
    each.send(frame);
    EXPECT_TRUE(co_await each.receive(payload_bytes + 4));
  }
  std::ignore = co_await delay_for(10ms);
  std::string().swap(frame);
  into->used_bytes = (heap_bytes() - before) / connection_count;
}

task<result<void>> run_server(http::server* served, net::listener from) {
  co_return co_await served->run(std::move(from));
}

task<void> act(measured* into) {
  context& ctx = co_await this_context();
  const auto point = std::make_shared<const endpoint>(endpoint_options{});
  http::server served([point] ASSAY_CORO_WRAPPER(http::request & asked) { return accept_echo(point, asked); }, {});
  result<net::listener> door =
      net::listener::open(ctx.on->backend(), net::parse_address("127.0.0.1", 0).value(), {.backlog = 1024});
  const std::uint16_t port = net::port_of(door->local_address());
  scope serving(ctx);
  serving.spawn(run_server(&served, std::move(*door)));
  {
    std::vector<raw_client> clients;
    clients.reserve(connection_count + 3);
    co_await open_and_use(port, &clients, into);
  }
  served.drain();
  EXPECT_TRUE(co_await serving.join());
}

class websocket_memory : public ::testing::TestWithParam<io_kind> {};

void measure(io_kind kind, measured* into) {
  result<std::unique_ptr<io>> backend = make_io({.kind = kind});
  ASSERT_TRUE(backend);
  loop on(std::move(*backend));
  on.run(act(into));
  std::cout << on.backend().name() << ": " << into->opened_bytes << " bytes an idle connection, " << into->used_bytes
            << " after it was used\n";
}

TEST_P(websocket_memory, an_idle_connection_is_within_the_bar) {
  ::mallopt(M_ARENA_MAX, 1);  // mallinfo2() sees one arena
  measured seen;
  // A thread of its own: what an earlier measurement has left in a thread's store of frames would not be counted.
  std::thread(measure, GetParam(), &seen).join();
  ASSERT_GT(seen.opened_bytes, 1000U);
  EXPECT_LE(seen.opened_bytes, bar_bytes);
  EXPECT_LE(seen.used_bytes, bar_bytes);
}

// Where io_uring is refused, epoll is measured twice.
INSTANTIATE_TEST_SUITE_P(every_backend, websocket_memory, ::testing::Values(io_kind::epoll, io_kind::automatic));

}  // namespace
}  // namespace assay::websocket::testing
