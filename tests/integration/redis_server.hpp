// A private Redis for a test program: its own folder below /tmp, its own port on 127.0.0.1, nothing kept on disk. It
// dies with the test program.
//
// Misuse: counting on data after kill() and start(); it is empty then.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace assay::testing_support {

class redis_server {
 public:
  // Starts one; a failure is a test failure, and ok() false.
  redis_server();
  ~redis_server();
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;

  bool ok() const { return ok_; }
  std::string url() const;
  // With that password for the default user.
  std::string url(const std::string& password) const;
  // Both return when it is done: answering, ended. kill() is a crash: clients are told nothing but the end.
  void start();
  void kill();

 private:
  bool answers() const;

  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
  bool ok_ = false;
};

}  // namespace assay::testing_support
