// The floor of a server: what the kernel alone costs. It answers each CRLF CRLF with a fixed response and
// knows nothing else of HTTP. usage: floor_server --port N
//
// A client that pipelines without reading is disconnected once its window is full (see receive_ring::send).
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/floor/common.hpp"
#include "bench/floor/ring.hpp"

namespace assay::bench {
namespace {

class floor_server {
 public:
  explicit floor_server(std::uint16_t port) : listener_(listen_on(port)) {
    for (unsigned i = 0; i < most_answers_at_once; ++i) answers_ += response_bytes();
  }

  [[noreturn]] void run() {
    arm_accept();
    for (;;) {
      ring_.turn([this](const io_uring_cqe& cqe) { handle(cqe); });
    }
  }

 private:
  enum class operation : std::uint32_t { accept, receive, send, close };
  static constexpr unsigned most_answers_at_once = 64;

  static std::uint64_t tag(operation what, int fd) {
    return std::uint64_t{static_cast<std::uint32_t>(what)} << 32 | static_cast<std::uint32_t>(fd);
  }

  void arm_accept() { ring_.arm_accept(listener_, tag(operation::accept, listener_)); }

  void handle(const io_uring_cqe& cqe) {
    const int fd = static_cast<int>(cqe.user_data & UINT32_MAX);
    switch (static_cast<operation>(cqe.user_data >> 32)) {
      case operation::accept:
        return accepted(cqe);
      case operation::receive:
        return received(fd, cqe);
      // Only failures arrive here. The receive then ends, and closes: one owner of the descriptor.
      case operation::send:
        shutdown(fd, SHUT_RDWR);
        return;
      case operation::close:
        return;
    }
  }

  void accepted(const io_uring_cqe& cqe) {
    if (cqe.res >= 0) {
      const auto fd = static_cast<std::size_t>(cqe.res);
      if (counters_.size() <= fd) counters_.resize(fd + 1);
      counters_[fd] = {};
      ring_.arm_receive(cqe.res, tag(operation::receive, cqe.res));
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) arm_accept();
  }

  void received(int fd, const io_uring_cqe& cqe) {
    if (cqe.res > 0) {
      unsigned requests = counters_[static_cast<std::size_t>(fd)].feed(ring_.received(cqe));
      ring_.recycle(cqe);
      for (; requests > 0; requests -= std::min(requests, most_answers_at_once)) {
        answer(fd, std::min(requests, most_answers_at_once));
      }
    }
    if ((cqe.flags & IORING_CQE_F_MORE) != 0) return;
    if (cqe.res > 0 || cqe.res == -ENOBUFS) return ring_.arm_receive(fd, tag(operation::receive, fd));
    ring_.close(fd, tag(operation::close, fd));
  }

  void answer(int fd, unsigned requests) {
    const std::string_view bytes = std::string_view(answers_).substr(0, requests * response_bytes().size());
    ring_.send(fd, bytes, tag(operation::send, fd));
  }

  receive_ring ring_;
  int listener_;
  std::string answers_;
  std::vector<request_counter> counters_;  // by descriptor
};

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  const assay::bench::arguments arguments(argc, argv, {"port"});
  assay::bench::floor_server(arguments.port()).run();
}
