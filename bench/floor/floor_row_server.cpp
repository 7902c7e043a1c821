// The floor of a service that reads a row: what the kernel alone costs. It answers each CRLF CRLF with a fixed response
// once PostgreSQL has executed a prepared statement for it, and looks at nothing in the row.
// usage: floor_row_server --port N --database-port N [--database-socket PATH]
//
// User `bench`, database `postgres`, no password. One request at a time a connection of the database; who comes while
// all are busy waits in line.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/floor/common.hpp"
#include "bench/floor/ring.hpp"

namespace assay::bench {
namespace {

constexpr unsigned database_connections = 8;
constexpr char ready_for_query = 'Z';

// A message of PostgreSQL's protocol (version 3): its length counts itself, and not the type.
std::string message(std::string_view type, std::string_view content) {
  const std::uint32_t length = htonl(static_cast<std::uint32_t>(content.size() + 4));
  std::string made(type);
  made.append(reinterpret_cast<const char*>(&length), sizeof length);
  return made.append(content);
}

using namespace std::string_view_literals;

std::string startup() { return message("", "\0\3\0\0user\0bench\0database\0postgres\0\0"sv); }

std::string prepare() {
  return message("P", "row\0select id, name, price_cents from items where id = $1\0\0\0"sv) + message("S", "");
}

// One parameter as text, results as text.
std::string execute() {
  return message("B",
                 "\0row\0\0\0\0\1\0\0\0\2"
                 "42\0\0"sv) +
         message("E", "\0\0\0\0\0"sv) + message("S", "");
}

int connect_to_socket(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) die("--database-socket: too long a path");
  std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) die("connect to the database");
  return fd;
}

// Watches a reply go by until its last message.
class reply_end {
 public:
  // True when the chunk ends one. An error of the database ends the program.
  bool feed(std::string_view chunk) {
    pending_.append(chunk);
    std::size_t at = 0;
    bool ended = false;
    while (pending_.size() - at >= 5) {
      std::uint32_t length = 0;
      std::memcpy(&length, pending_.data() + at + 1, sizeof length);
      const std::size_t whole = 1 + std::size_t{ntohl(length)};
      if (pending_.size() - at < whole) break;
      errno = 0;
      if (pending_[at] == 'E') die("the database answered with an error: " + pending_.substr(at, whole));
      ended = ended || pending_[at] == ready_for_query;
      at += whole;
    }
    pending_.erase(0, at);
    return ended;
  }

 private:
  std::string pending_;
};

void converse(int fd, std::string_view request) {
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) die("send");
  reply_end end;
  std::vector<char> buffer(8192);
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) die("the database closed the connection");
    if (end.feed({buffer.data(), static_cast<std::size_t>(got)})) return;
  }
}

class floor_row_server {
 public:
  explicit floor_row_server(const arguments& given) : listener_(listen_on(given.port())), query_(execute()) {
    const std::string path = given.text("database-socket", "");
    const auto port = static_cast<std::uint16_t>(given.number("database-port", 0));
    for (unsigned i = 0; i < database_connections; ++i) {
      const int fd = path.empty() ? connect_to(port) : connect_to_socket(path);
      converse(fd, startup());
      converse(fd, prepare());
      databases_.push_back({.fd = fd});
      idle_.push_back(i);
      ring_.arm_receive(fd, tag(operation::reply, static_cast<int>(i)));
    }
  }

  [[noreturn]] void run() {
    arm_accept();
    for (;;) {
      ring_.turn([this](const io_uring_cqe& cqe) { handle(cqe); });
    }
  }

 private:
  enum class operation : std::uint32_t { accept, receive, send, close, reply, query };
  struct database {
    int fd = -1;
    int asked_by = -1;
    reply_end end = {};
  };

  static std::uint64_t tag(operation what, int of) {
    return std::uint64_t{static_cast<std::uint32_t>(what)} << 32 | static_cast<std::uint32_t>(of);
  }

  void arm_accept() { ring_.arm_accept(listener_, tag(operation::accept, listener_)); }

  void handle(const io_uring_cqe& cqe) {
    const int of = static_cast<int>(cqe.user_data & UINT32_MAX);
    switch (static_cast<operation>(cqe.user_data >> 32)) {
      case operation::accept:
        return accepted(cqe);
      case operation::receive:
        return received(of, cqe);
      case operation::reply:
        return replied(static_cast<unsigned>(of), cqe);
      // Only failures of sends arrive here.
      case operation::send:
        shutdown(of, SHUT_RDWR);
        return;
      case operation::query:
        errno = -cqe.res;
        die("send to the database");
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
      const unsigned requests = counters_[static_cast<std::size_t>(fd)].feed(ring_.received(cqe));
      ring_.recycle(cqe);
      for (unsigned i = 0; i < requests; ++i) waiting_.push_back(fd);
      ask();
    }
    if ((cqe.flags & IORING_CQE_F_MORE) != 0) return;
    if (cqe.res > 0 || cqe.res == -ENOBUFS) return ring_.arm_receive(fd, tag(operation::receive, fd));
    std::erase(waiting_, fd);
    for (database& each : databases_) {
      if (each.asked_by == fd) each.asked_by = -1;  // its answer is for nobody
    }
    ring_.close(fd, tag(operation::close, fd));
  }

  void ask() {
    while (!waiting_.empty() && !idle_.empty()) {
      database& on = databases_[idle_.back()];
      on.asked_by = waiting_.front();
      ring_.send(on.fd, query_, tag(operation::query, static_cast<int>(idle_.back())));
      waiting_.pop_front();
      idle_.pop_back();
    }
  }

  void replied(unsigned index, const io_uring_cqe& cqe) {
    database& from = databases_[index];
    errno = 0;
    if (cqe.res <= 0 && cqe.res != -ENOBUFS) die("the database closed the connection");
    if (cqe.res > 0) {
      const bool ended = from.end.feed(ring_.received(cqe));
      ring_.recycle(cqe);
      if (ended) {
        if (from.asked_by >= 0) ring_.send(from.asked_by, response_bytes(), tag(operation::send, from.asked_by));
        from.asked_by = -1;
        idle_.push_back(index);
        ask();
      }
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0)
      ring_.arm_receive(from.fd, tag(operation::reply, static_cast<int>(index)));
  }

  receive_ring ring_;
  int listener_;
  std::string query_;
  std::vector<database> databases_;
  std::vector<unsigned> idle_;             // of the databases
  std::deque<int> waiting_;                // descriptors, one for each request
  std::vector<request_counter> counters_;  // by descriptor
};

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  const assay::bench::arguments given(argc, argv, {"port", "database-port", "database-socket"});
  assay::bench::floor_row_server(given).run();
}
