// The reference of the truth suite: a bare open-loop client which never sleeps. One thread spins on its
// schedule and on its sockets; arrivals are constant; due requests take the connection of one shared pool that is
// idle for longest or wait in order for the next; latency counts from the intended instant.
// usage: busy_client --port N --rate R --seconds S --connections N [--timeout-seconds S]
// Prints JSON with exact quantiles of response time (from intended), of that of the answers of a 2xx status alone,
// service time (from send) and send lag.
// Exits with status 1 when a request is unanswered --timeout-seconds after the last arrival.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <queue>
#include <string>
#include <vector>

#include "bench/floor/common.hpp"

namespace assay::bench {
namespace {

struct plan {
  double rate_rps;
  double seconds;
  std::size_t connections;
  double timeout_s;
};

class busy_client {
 public:
  busy_client(std::uint16_t port, const plan& plan)
      : request_(request_bytes(port)),
        interval_ns_(1e9 / plan.rate_rps),
        total_(static_cast<std::size_t>(plan.rate_rps * plan.seconds)),
        poller_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poller_ < 0) die("epoll_create1");
    if (plan.connections == 0 || total_ == 0) die("nothing to do: no connections or no requests");
    for (std::size_t i = 0; i < plan.connections; ++i) {
      connections_.push_back({.fd = connect_to(port)});
      idle_.push(i);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      if (epoll_ctl(poller_, EPOLL_CTL_ADD, connections_[i].fd, &event) < 0) die("epoll_ctl");
    }
    response_size_bytes_ = learn_response_size_bytes(connections_[0].fd, request_);
    for (auto* samples : {&response_ns_, &expected_ns_, &service_ns_, &lag_ns_}) samples->reserve(total_);
  }

  void run(double timeout_s) {
    start_ns_ = now_ns() + 1'000'000;
    const std::int64_t give_up_ns = intended_ns(total_) + static_cast<std::int64_t>(timeout_s * 1e9);
    while (response_ns_.size() < total_ && now_ns() < give_up_ns) {
      send_due();
      receive_ready();
    }
    finished_ns_ = now_ns();
  }

  [[nodiscard]] std::size_t unanswered() const { return total_ - response_ns_.size(); }

  void print() {
    const auto answered = response_ns_.size();
    const double took_s = static_cast<double>(finished_ns_ - start_ns_) / 1e9;
    fmt::print(R"({{"requests":{},"errors":{},"offered_rps":{:.3f},"achieved_rps":{:.3f},)"
               R"("response_time_us":{},"expected_response_time_us":{},"service_time_us":{},"send_lag_us":{}}})"
               "\n",
               answered, unanswered(), 1e9 / interval_ns_, static_cast<double>(answered) / took_s,
               summary_json(response_ns_), summary_json(expected_ns_), summary_json(service_ns_),
               summary_json(lag_ns_));
  }

 private:
  struct connection {
    int fd = -1;
    std::size_t missing_bytes = 0;
    bool expected = false;  // status 2xx
    std::int64_t intended_ns = 0;
    std::int64_t sent_ns = 0;
  };

  [[nodiscard]] std::int64_t intended_ns(std::size_t k) const {
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(k) * interval_ns_);
  }

  // The queue of due requests needs no container: they are the numbers from next_ to the last one due.
  void send_due() {
    while (next_ < total_ && !idle_.empty()) {
      const std::int64_t now = now_ns();
      const std::int64_t intended = intended_ns(next_);
      if (now < intended) return;
      connection& chosen = connections_[idle_.front()];
      idle_.pop();
      chosen.missing_bytes = response_size_bytes_;
      chosen.intended_ns = intended;
      chosen.sent_ns = now;
      const ssize_t sent = send(chosen.fd, request_.data(), request_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent != std::ssize(request_)) die("send");
      lag_ns_.push_back(now - intended);
      ++next_;
    }
  }

  void receive_ready() {
    std::array<epoll_event, 64> events{};
    const int ready = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), 0);
    if (ready < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < ready; ++i) receive(events[static_cast<std::size_t>(i)].data.u64);
  }

  void receive(std::size_t index) {
    connection& from = connections_[index];
    std::array<char, 4096> chunk{};
    errno = 0;
    const ssize_t received = recv(from.fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (received <= 0) die("the server closed a connection");
    if (static_cast<std::size_t>(received) > from.missing_bytes) die("a response of another size than the first");
    constexpr std::ptrdiff_t status_at = 9;  // behind "HTTP/1.1 "
    if (from.missing_bytes == response_size_bytes_) {
      if (received <= status_at) die("a response that begins with less than its status");
      from.expected = chunk[status_at] == '2';
    }
    from.missing_bytes -= static_cast<std::size_t>(received);
    if (from.missing_bytes != 0) return;
    const std::int64_t now = now_ns();
    response_ns_.push_back(now - from.intended_ns);
    if (from.expected) expected_ns_.push_back(now - from.intended_ns);
    service_ns_.push_back(now - from.sent_ns);
    idle_.push(index);
  }

  std::string request_;
  double interval_ns_;
  std::size_t total_;
  int poller_;
  std::size_t response_size_bytes_ = 0;
  std::vector<connection> connections_;
  std::queue<std::size_t> idle_;
  std::size_t next_ = 0;  // the next request of the schedule
  std::int64_t start_ns_ = 0;
  std::int64_t finished_ns_ = 0;
  std::vector<std::int64_t> response_ns_, expected_ns_, service_ns_, lag_ns_;
};

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay::bench;
  const arguments arguments(argc, argv, {"port", "rate", "seconds", "connections", "timeout-seconds"});
  const plan plan{.rate_rps = arguments.number("rate"),
                  .seconds = arguments.number("seconds", 10),
                  .connections = static_cast<std::size_t>(arguments.number("connections", 64)),
                  .timeout_s = arguments.number("timeout-seconds", 10)};
  busy_client client(arguments.port(), plan);
  client.run(plan.timeout_s);
  client.print();
  return client.unanswered() == 0 ? 0 : 1;
}
