// A private PostgreSQL for a test program: its own data directory below /tmp, its own port on 127.0.0.1, no password.
// The server refuses root, so a test that runs as root starts it as the user `postgres`. It dies with the test program.
//
// Misuse: more than one at a time without need; initialising one takes a second.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace assay::testing_support {

class postgres_server {
 public:
  // Initialises and starts one; a failure is a test failure, and ok() false.
  postgres_server();
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  bool ok() const { return ok_; }
  std::string url() const;
  // Both return when it is done: accepting connections, ended.
  void start();
  void stop();

 private:
  bool run(std::vector<std::string> command) const;
  pid_t spawn(std::vector<std::string> command) const;
  bool accepts() const;

  std::string programs_;
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
  bool ok_ = false;
};

}  // namespace assay::testing_support
