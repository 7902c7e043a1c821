// A server of known latency, for the truth suite. One thread answers each request a chosen time after it arrived, any
// number of them concurrently. It sleeps while nothing is due: with client and server spinning on two CPUs, whatever
// else the machine has to do would interrupt one of them. usage: latency_server --port N and one of
//   --fixed 5ms                      every request
//   --bimodal 2ms:0.95,20ms:0.05     drawn for each request
//   --exponential 5ms                drawn for each request, of this mean
//   --freeze 300ms/3s                at once, but every 3 s the whole process stops for 300 ms
//   --serial 2ms:0.1                 one after the other, 2 ms each: a capacity of 500/s. After a fifth of a second
//                                    without work it is drawn anew, lognormal with this spread; 0: always the same
//   --refuse 1ms:0.55,50ms           drawn for each request: refused with 503 after 1 ms, or served after 50 ms, as
//                                    the first always is: who asks whether the server is up finds it so
//   --slow-start 50ms:2000           the first request waits 50 ms, each later one less; none from the 2000th on
//   --slow-connection 40ms,1ms       one connection 40 ms, the others 1 ms: the first, and after its end the next
// and, with any of them,
//   --answers-each 1                 then the connection is closed
// [--seed N]: the delays are a function of the seed and the number of the request alone, so that two clients
// which meet a newly started server each get the same sequence of delays, and differ by their own doing only.
// The first freeze begins half a period after the first request.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <functional>
#include <numbers>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/floor/common.hpp"

namespace assay::bench {
namespace {

std::pair<std::string, std::string> split(const std::string& text, char separator) {
  const std::size_t at = text.find(separator);
  errno = 0;
  if (at == std::string::npos) die("bad value: " + text);
  return {text.substr(0, at), text.substr(at + 1)};
}

// Uniform in [0, 1). This and the inverse transforms are spelled out because the standard leaves the sequence
// of its distributions to the library, and a seed should mean the same everywhere.
class uniform_draw {
 public:
  explicit uniform_draw(std::uint64_t seed) : engine_(seed) {}
  double operator()() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

double parse_number(std::string_view text) {
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) die("bad number: " + std::string(text));
  return number;
}

struct scripted_answer {
  std::int64_t delay_ns = 0;
  bool refused = false;
};

// What becomes of the next request.
using answer_source = std::function<scripted_answer()>;

answer_source refusals(const std::string& text, const uniform_draw& uniform) {
  const auto [refused, served] = split(text, ',');
  const auto [soon, refused_share] = split(refused, ':');
  return [draw = uniform, refused_ns = parse_duration_ns(soon), share = parse_number(refused_share),
          served_ns = parse_duration_ns(served), first = true]() mutable -> scripted_answer {
    if (!std::exchange(first, false) && draw() < share) return {.delay_ns = refused_ns, .refused = true};
    return {.delay_ns = served_ns};
  };
}

answer_source slow_start(const std::string& text) {
  const auto [first, count] = split(text, ':');
  const double slow_requests = parse_number(count);
  return [first_ns = static_cast<double>(parse_duration_ns(first)), slow_requests,
          number = 0.0]() mutable -> scripted_answer {
    const double left = std::max(0.0, 1 - number++ / slow_requests);
    return {.delay_ns = std::llround(first_ns * left)};
  };
}

answer_source make_answers(const arguments& arguments) {
  const uniform_draw uniform(static_cast<std::uint64_t>(arguments.number("seed", 1)));
  if (arguments.has("refuse")) return refusals(arguments.text("refuse", ""), uniform);
  if (arguments.has("slow-start")) return slow_start(arguments.text("slow-start", ""));
  if (arguments.has("fixed")) {
    return [delay_ns = parse_duration_ns(arguments.text("fixed", ""))] { return scripted_answer{delay_ns}; };
  }
  if (arguments.has("bimodal")) {
    const auto [first, second] = split(arguments.text("bimodal", ""), ',');
    const auto [fast, fast_share] = split(first, ':');
    return [draw = uniform, fast_ns = parse_duration_ns(fast), slow_ns = parse_duration_ns(split(second, ':').first),
            share = parse_number(fast_share)]() mutable { return scripted_answer{draw() < share ? fast_ns : slow_ns}; };
  }
  if (arguments.has("exponential")) {
    return [draw = uniform,
            mean_ns = static_cast<double>(parse_duration_ns(arguments.text("exponential", "")))]() mutable {
      return scripted_answer{std::llround(-mean_ns * std::log1p(-draw()))};
    };
  }
  return [] { return scripted_answer{}; };
}

// One server with a queue: when the answer to a request is due that comes now.
class serial_queue {
 public:
  explicit serial_queue(const arguments& arguments)
      : uniform_(static_cast<std::uint64_t>(arguments.number("seed", 1))) {
    if (!arguments.has("serial")) return;
    const auto [service, spread] = split(arguments.text("serial", ""), ':');
    service_ns_ = static_cast<double>(parse_duration_ns(service));
    spread_ = parse_number(spread);
  }

  bool used() const { return service_ns_ > 0; }

  std::int64_t due_at(std::int64_t now) {
    constexpr std::int64_t pause_ns = ns_per_s / 5;
    if (now > free_at_ns_ + pause_ns) drawn_ns_ = std::llround(service_ns_ * std::exp(-spread_ * normal()));
    free_at_ns_ = std::max(now, free_at_ns_) + drawn_ns_;
    return free_at_ns_;
  }

 private:
  // Box and Muller, Annals of Mathematical Statistics 29, 1958.
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform_()));
    return radius * std::cos(2 * std::numbers::pi * uniform_());
  }

  uniform_draw uniform_;
  double service_ns_ = 0;
  double spread_ = 0;
  std::int64_t drawn_ns_ = 0;
  std::int64_t free_at_ns_ = -ns_per_s;
};

// One slow connection among fast ones.
class slow_connection {
 public:
  explicit slow_connection(const arguments& arguments) : used_(arguments.has("slow-connection")) {
    if (!used_) return;
    const auto [slow, fast] = split(arguments.text("slow-connection", ""), ',');
    slow_ns_ = parse_duration_ns(slow);
    fast_ns_ = parse_duration_ns(fast);
  }

  bool used() const { return used_; }
  void accepted(int fd) {
    if (slow_fd_ == none) slow_fd_ = fd;
  }
  void closed(int fd) {
    if (slow_fd_ == fd) slow_fd_ = none;
  }
  std::int64_t delay_ns(int fd) const { return fd == slow_fd_ ? slow_ns_ : fast_ns_; }

 private:
  static constexpr int none = -1;
  bool used_;
  int slow_fd_ = none;
  std::int64_t slow_ns_ = 0;
  std::int64_t fast_ns_ = 0;
};

// The times at which the process stops; none when no freeze is asked for.
class freezer {
 public:
  explicit freezer(const arguments& arguments) {
    if (!arguments.has("freeze")) return;
    const auto [length, period] = split(arguments.text("freeze", ""), '/');
    length_ns_ = parse_duration_ns(length);
    period_ns_ = parse_duration_ns(period);
  }

  void first_request(std::int64_t now) {
    if (period_ns_ != 0 && next_ns_ == 0) next_ns_ = now + period_ns_ / 2;
  }

  void freeze_if_due(std::int64_t now) {
    if (next_ns_ == 0 || now < next_ns_) return;
    const std::int64_t until_ns = next_ns_ + length_ns_;
    timespec until{};
    until.tv_sec = until_ns / ns_per_s;
    until.tv_nsec = until_ns % ns_per_s;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
    next_ns_ += period_ns_;
  }

 private:
  std::int64_t length_ns_ = 0;
  std::int64_t period_ns_ = 0;
  std::int64_t next_ns_ = 0;  // 0: not begun
};

class latency_server {
 public:
  explicit latency_server(const arguments& arguments)
      : answers_(make_answers(arguments)),
        queue_(arguments),
        slow_(arguments),
        freezer_(arguments),
        answers_each_(static_cast<unsigned>(arguments.number("answers-each", 0))),
        listener_(listen_on(arguments.port())),
        poller_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poller_ < 0) die("epoll_create1");
    watch(listener_);
  }

  [[noreturn]] void run() {
    for (;;) {
      poll(pause());
      const std::int64_t now = now_ns();
      freezer_.freeze_if_due(now);
      while (!due_.empty() && due_.top().at_ns <= now) {
        answer(due_.top());
        due_.pop();
      }
    }
  }

 private:
  struct answer_due {
    std::int64_t at_ns;
    int fd;
    std::uint32_t generation;  // of the descriptor: a later connection may have the same number
    bool refused;
    bool operator>(const answer_due& other) const { return at_ns > other.at_ns; }
  };
  struct connection {
    request_counter counter;
    std::uint32_t generation = 0;
    unsigned answers = 0;
  };

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  }

  // How long to sleep for requests: until shortly before the next answer, and the rest is spun.
  timespec pause() const {
    constexpr std::int64_t spun_ns = 300'000;  // a sleeper's lateness is less
    const std::int64_t next_ns = due_.empty() ? ns_per_s : due_.top().at_ns - now_ns() - spun_ns;
    return {.tv_sec = 0, .tv_nsec = std::clamp<std::int64_t>(next_ns, 0, ns_per_s - 1)};
  }

  void poll(timespec limit) {
    std::array<epoll_event, 64> events{};
    const int ready = epoll_pwait2(poller_, events.data(), static_cast<int>(events.size()), &limit, nullptr);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener_) {
        accept_one();
      } else {
        receive(fd);
      }
    }
  }

  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    if (connections_.size() <= static_cast<std::size_t>(fd)) {
      connections_.resize(static_cast<std::size_t>(fd) + 1);
    }
    slow_.accepted(fd);
    watch(fd);
  }

  void receive(int fd) {
    connection& from = connections_[static_cast<std::size_t>(fd)];
    std::array<char, 4096> chunk{};
    const ssize_t received = recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (received <= 0) {
      from = {.counter = {}, .generation = from.generation + 1, .answers = 0};
      slow_.closed(fd);
      close(fd);
      return;
    }
    const std::int64_t now = now_ns();
    const unsigned requests = from.counter.feed({chunk.data(), static_cast<std::size_t>(received)});
    for (unsigned i = 0; i < requests; ++i) {
      freezer_.first_request(now);
      const scripted_answer next = script(fd, now);
      due_.push({.at_ns = now + next.delay_ns, .fd = fd, .generation = from.generation, .refused = next.refused});
    }
  }

  scripted_answer script(int fd, std::int64_t now) {
    if (queue_.used()) return {.delay_ns = queue_.due_at(now) - now};
    if (slow_.used()) return {.delay_ns = slow_.delay_ns(fd)};
    return answers_();
  }

  void answer(const answer_due& due) {
    connection& to = connections_[static_cast<std::size_t>(due.fd)];
    if (to.generation != due.generation) return;
    const std::string_view bytes = due.refused ? refusal_bytes() : response_bytes();
    // A failure closes nothing here: the next receive on the descriptor sees it.
    [[maybe_unused]] const ssize_t sent = send(due.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (++to.answers == answers_each_) shutdown(due.fd, SHUT_WR);
  }

  answer_source answers_;
  serial_queue queue_;
  slow_connection slow_;
  freezer freezer_;
  unsigned answers_each_;  // 0: any number
  int listener_;
  int poller_;
  std::vector<connection> connections_;  // by descriptor
  std::priority_queue<answer_due, std::vector<answer_due>, std::greater<>> due_;
};

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay::bench;
  const arguments arguments(argc, argv,
                            {"port", "fixed", "bimodal", "exponential", "freeze", "serial", "refuse", "slow-start",
                             "slow-connection", "answers-each", "seed"});
  latency_server(arguments).run();
}
