#include "tests/integration/redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <vector>

namespace assay::testing_support {
namespace {

constexpr int patience_polls = 2000;  // of 10 ms

sockaddr_in local(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  return at;
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = local(0);
  socklen_t size = sizeof at;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  ::close(fd);
  return bound ? ntohs(at.sin_port) : std::uint16_t{0};
}

}  // namespace

redis_server::redis_server() : port_(free_port()) {
  std::string pattern = "/tmp/assay-redis-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    ADD_FAILURE() << "no directory below /tmp";
    return;
  }
  folder_ = pattern;
  ok_ = true;
  start();
}

redis_server::~redis_server() {
  kill();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string redis_server::url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

std::string redis_server::url(const std::string& password) const {
  return "redis://:" + password + "@127.0.0.1:" + std::to_string(port_);
}

bool redis_server::answers() const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = local(port_);
  std::array<char, 16> said{};
  constexpr std::string_view ping = "PING\r\n";
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  const bool answered = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
                        ::send(fd, ping.data(), ping.size(), MSG_NOSIGNAL) > 0 && ::poll(&readable, 1, 1000) == 1 &&
                        ::recv(fd, said.data(), said.size(), 0) > 0 && said[0] == '+';
  ::close(fd);
  return answered;
}

void redis_server::start() {
  std::vector<std::string> words{
      "setpriv", "--pdeathsig", "KILL", "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir",
      folder_,   "--save",      "",     "--appendonly", "no",     "--daemonize",         "no"};
  std::vector<char*> arguments;
  std::ranges::transform(words, std::back_inserter(arguments), [](std::string& word) { return word.data(); });
  arguments.push_back(nullptr);
  const std::string log = folder_ + "/log";
  process_ = ::fork();
  if (process_ == 0) {
    const int to = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(to, STDOUT_FILENO);
    ::dup2(to, STDERR_FILENO);
    ::setpgid(0, 0);  // an interrupt at the terminal is for the test, which then stops the server
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  for (int polls = 0; polls < patience_polls; ++polls) {
    if (answers()) return;
    if (::waitpid(process_, nullptr, WNOHANG) == process_) break;
    ::poll(nullptr, 0, 10);
  }
  process_ = -1;
  ok_ = false;
  ADD_FAILURE() << "Redis did not start (package redis-server), see " << log;
}

void redis_server::kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

}  // namespace assay::testing_support
