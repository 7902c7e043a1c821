// A service on a bare epoll loop that tells how long the loop kept what became ready waiting: the instrument that the
// estimate of loop lag is compared with. What it does on which input is told in asyncio_service.py.
//
//   epoll_service --port N [--every N]
//
// The moment of a look is the return of epoll_wait, before anything of that turn is served.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bench/floor/common.hpp"

namespace assay::bench {
namespace {

constexpr std::array<std::int64_t, 2> burns_ns{10'000'000, 40'000'000};
constexpr std::int64_t last_switch = 1;  // smaller numbers are no moments

class service {
 public:
  service(std::uint16_t port, std::uint64_t every)
      : every_(every), listener_(listen_on(port)), poller_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poller_ < 0 || fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0) die("epoll_create1");
    watch(listener_);
    watch(STDIN_FILENO);
  }

  void run() {
    while (!ended_) turn();
    std::string text = "[";
    for (const std::int64_t lag : lags_ns_) text += (text.size() > 1 ? "," : "") + std::to_string(lag);
    std::puts((text + "]").c_str());
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  }

  void turn() {
    std::array<epoll_event, 64> events{};
    const int ready = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), -1);
    const std::int64_t now = now_ns();
    for (int i = 0; i < ready; ++i) {
      if (events.at(static_cast<std::size_t>(i)).data.fd == STDIN_FILENO) note_pings(now);
    }
    for (int i = 0; i < ready; ++i) {
      const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      if (fd == listener_) {
        if (const int made = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); made >= 0) watch(made);
      } else if (fd != STDIN_FILENO) {
        serve(fd);
      }
    }
  }

  void note_pings(std::int64_t now) {
    std::array<char, 65536> data;
    const ssize_t got = read(STDIN_FILENO, data.data(), data.size());
    if (got < 0 && errno == EAGAIN) return;
    ended_ = got <= 0;
    for (ssize_t at = 0; at + 8 <= got; at += 8) {
      std::int64_t number = 0;
      std::memcpy(&number, data.data() + at, sizeof number);
      if (number > last_switch) lags_ns_.push_back(now - number);
    }
  }

  // Requests are small and wait for their answers: what arrives at once is one.
  void serve(int fd) {
    std::array<char, 4096> data;
    const ssize_t got = recv(fd, data.data(), data.size(), 0);
    if (got <= 0) {
      close(fd);
      return;
    }
    if (!std::string_view(data.data(), static_cast<std::size_t>(got)).ends_with("\r\n\r\n")) return;
    ++served_;
    if (every_ > 0 && served_ % every_ == 0) burn(burns_ns.at(served_ / every_ % burns_ns.size()));
    const std::string_view answer = response_bytes();
    if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) close(fd);
  }

  static void burn(std::int64_t length_ns) {
    const std::int64_t until = now_ns() + length_ns;
    while (now_ns() < until) {
    }
  }

  std::uint64_t every_;
  std::uint64_t served_ = 0;
  int listener_;
  int poller_;
  bool ended_ = false;
  std::vector<std::int64_t> lags_ns_;  // of one run: tens of thousands at most
};

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay::bench;
  const arguments arguments(argc, argv, {"port", "every"});
  service(arguments.port(), static_cast<std::uint64_t>(arguments.number("every", 0))).run();
}
