// The floor of a closed-loop generator: N connections, one request in flight on each, responses counted by
// their size alone, no latency measured. usage: floor_client --port N --connections N --seconds S
// Prints {"requests":..,"seconds":..,"cpu_ns_per_request":..}; the CPU time is that of the loop alone.
#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/floor/common.hpp"
#include "bench/floor/ring.hpp"

namespace assay::bench {
namespace {

class floor_client {
 public:
  floor_client(std::uint16_t port, std::size_t connections) : request_(request_bytes(port)) {
    for (std::size_t i = 0; i < connections; ++i) connections_.push_back({connect_to(port), 0});
    if (connections == 0) die("--connections must be at least 1");
    response_size_bytes_ = learn_response_size_bytes(connections_[0].fd, request_);
  }

  void run(double seconds) {
    // The deadline is a completion like any other: the loop never reads a clock.
    __kernel_timespec length{};
    length.tv_sec = static_cast<std::int64_t>(seconds);
    length.tv_nsec = std::llround((seconds - std::floor(seconds)) * 1e9);
    const std::int64_t started_ns = now_ns();
    const std::int64_t cpu_started_ns = process_cpu_ns();
    io_uring_prep_timeout(ring_.next(deadline), &length, 0, 0);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      ring_.arm_receive(connections_[i].fd, i);
      send(i);
    }
    while (!finished_) {
      ring_.turn([this](const io_uring_cqe& cqe) { handle(cqe); });
    }
    const double cpu_ns = static_cast<double>(process_cpu_ns() - cpu_started_ns);
    const double took_s = static_cast<double>(now_ns() - started_ns) / 1e9;
    fmt::print(R"({{"requests":{},"seconds":{:.6f},"cpu_ns_per_request":{:.1f}}})"
               "\n",
               requests_, took_s, requests_ == 0 ? 0 : cpu_ns / static_cast<double>(requests_));
  }

 private:
  struct connection {
    int fd;
    std::size_t missing_bytes;  // of the response under way
  };
  static constexpr std::uint64_t deadline = UINT64_MAX;
  static constexpr std::uint64_t failed_send = UINT64_MAX - 1;

  void send(std::size_t index) {
    connections_[index].missing_bytes = response_size_bytes_;
    ring_.send(connections_[index].fd, request_, failed_send);
  }

  void handle(const io_uring_cqe& cqe) {
    if (cqe.user_data == deadline) {
      finished_ = true;
      return;
    }
    errno = -cqe.res;
    if (cqe.user_data == failed_send) die("send");
    if (cqe.res <= 0 && cqe.res != -ENOBUFS) die("the server closed a connection");
    const std::size_t index = cqe.user_data;
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) ring_.arm_receive(connections_[index].fd, index);
    if (cqe.res <= 0) return;
    const auto received_bytes = static_cast<std::size_t>(cqe.res);
    ring_.recycle(cqe);
    errno = 0;
    if (received_bytes > connections_[index].missing_bytes) die("a response of another size than the first");
    connections_[index].missing_bytes -= received_bytes;
    if (connections_[index].missing_bytes != 0) return;
    ++requests_;
    send(index);
  }

  receive_ring ring_;
  std::string request_;
  std::size_t response_size_bytes_ = 0;
  std::vector<connection> connections_;
  std::uint64_t requests_ = 0;
  bool finished_ = false;
};

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  const assay::bench::arguments arguments(argc, argv, {"port", "connections", "seconds"});
  const auto connections = static_cast<std::size_t>(arguments.number("connections", 64));
  assay::bench::floor_client(arguments.port(), connections).run(arguments.number("seconds", 5));
}
