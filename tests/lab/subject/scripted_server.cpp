#include "tests/lab/subject/scripted_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace assay::subject {
namespace {

constexpr int look_ms = 10;

bool readable(int socket, const std::stop_token& over) {
  while (!over.stop_requested()) {
    pollfd on = {.fd = socket, .events = POLLIN, .revents = 0};
    if (::poll(&on, 1, look_ms) > 0) return true;
  }
  return false;
}

std::size_t body_length(const std::string& head) {
  const std::size_t at = head.find("Content-Length: ");
  std::size_t length = 0;
  if (at != std::string::npos) std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
  return length;
}

}  // namespace

scripted_server::scripted_server(script answers, std::uint16_t port) : answers_(std::move(answers)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0) std::abort();
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](const std::stop_token& over) { serve(over); });
}

scripted_server::~scripted_server() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
}

void scripted_server::serve(const std::stop_token& over) {
  while (readable(listener_, over)) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    talk(connection, over);
    ::close(connection);
  }
}

void scripted_server::talk(int connection, const std::stop_token& over) {
  std::string bytes;
  while (true) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end != std::string::npos && bytes.size() >= end + 4 + body_length(bytes.substr(0, end))) {
      const std::size_t length = body_length(bytes.substr(0, end));
      requests_++;
      const auto answer = answers_({.head = bytes.substr(0, end), .body = bytes.substr(end + 4, length)});
      bytes.erase(0, end + 4 + length);
      if (!answer) continue;
      if (answer->empty()) return;  // closes without an answer
      std::ignore = ::send(connection, answer->data(), answer->size(), MSG_NOSIGNAL);
      continue;
    }
    std::array<char, 65536> piece{};
    const ssize_t got = readable(connection, over) ? ::read(connection, piece.data(), piece.size()) : 0;
    if (got <= 0) return;
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
}

std::string answer_text(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Some Reason\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + headers + "\r\n" + body;
}

}  // namespace assay::subject
