#include "tests/integration/postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace assay::testing_support {
namespace {

constexpr int patience_polls = 3000;  // of 10 ms

// The newest of the installed servers.
std::string find_programs() {
  glob_t found{};
  std::string newest;
  if (::glob("/usr/lib/postgresql/*/bin/postgres", 0, nullptr, &found) == 0) {
    newest = std::filesystem::path(found.gl_pathv[found.gl_pathc - 1]).parent_path();
  }
  ::globfree(&found);
  return newest;
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  ::close(fd);
  return bound ? ntohs(at.sin_port) : std::uint16_t{0};
}

}  // namespace

postgres_server::postgres_server() : programs_(find_programs()), port_(free_port()) {
  if (programs_.empty()) {
    ADD_FAILURE() << "no PostgreSQL server: install the package postgresql";
    return;
  }
  std::string pattern = "/tmp/assay-postgres-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    ADD_FAILURE() << "no directory below /tmp";
    return;
  }
  folder_ = pattern;
  const passwd* const user = ::getuid() == 0 ? ::getpwnam("postgres") : nullptr;
  if (user != nullptr) EXPECT_EQ(::chown(folder_.c_str(), user->pw_uid, user->pw_gid), 0);
  ok_ = run({programs_ + "/initdb", "-D", folder_ + "/data", "-A", "trust", "-U", "shop", "-E", "UTF8", "--no-sync",
             "--locale=C"});
  EXPECT_TRUE(ok_) << "initdb failed";
  if (ok_) start();
}

postgres_server::~postgres_server() {
  stop();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string postgres_server::url() const {
  return "postgresql://shop@127.0.0.1:" + std::to_string(port_) + "/postgres";
}

pid_t postgres_server::spawn(std::vector<std::string> command) const {
  std::vector<std::string> words{"setpriv", "--pdeathsig", "QUIT"};
  if (::getuid() == 0) words.insert(words.end(), {"--reuid", "postgres", "--regid", "postgres", "--clear-groups"});
  words.insert(words.end(), command.begin(), command.end());
  std::vector<char*> arguments;
  std::ranges::transform(words, std::back_inserter(arguments), [](std::string& word) { return word.data(); });
  arguments.push_back(nullptr);
  const std::string log = folder_ + "/log";
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int to = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(to, STDOUT_FILENO);
  ::dup2(to, STDERR_FILENO);
  ::setpgid(0, 0);  // an interrupt at the terminal is for the test, which then stops the server
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

bool postgres_server::run(std::vector<std::string> command) const {
  const pid_t child = spawn(std::move(command));
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool postgres_server::accepts() const {
  return run({programs_ + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", std::to_string(port_)});
}

void postgres_server::start() {
  const std::string port = std::to_string(port_);
  process_ = spawn({programs_ + "/postgres", "-D", folder_ + "/data", "-p", port, "-c", "listen_addresses=127.0.0.1",
                    "-c", "unix_socket_directories=", "-c", "shared_buffers=16MB", "-c", "max_connections=60"});
  for (int polls = 0; polls < patience_polls; ++polls) {
    if (accepts()) return;
    if (::waitpid(process_, nullptr, WNOHANG) == process_) break;
    ::poll(nullptr, 0, 10);
  }
  process_ = -1;
  ok_ = false;
  ADD_FAILURE() << "PostgreSQL did not start, see " << folder_ << "/log";
}

void postgres_server::stop() {
  if (process_ <= 0) return;
  ::kill(process_, SIGINT);  // "fast": clients are disconnected
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

}  // namespace assay::testing_support
