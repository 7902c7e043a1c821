// A server of a few lines for tests: each connection carries requests, a function of the request makes the bytes that
// are sent back.
//
// Misuse: answers without a Content-Length; the client would wait for the end of the connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace assay::subject {

struct seen_request {
  std::string head;  // with the request line
  std::string body;
  bool begins(const std::string& line) const { return head.starts_with(line); }
};

class scripted_server {
 public:
  // Nothing: it never answers, and keeps the connection.
  using script = std::function<std::optional<std::string>(const seen_request&)>;

  explicit scripted_server(script answers, std::uint16_t port = 0);
  ~scripted_server();
  std::uint16_t port() const { return port_; }
  int requests() const { return requests_; }

 private:
  void serve(const std::stop_token& over);
  void talk(int connection, const std::stop_token& over);

  script answers_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> requests_ = 0;
  std::jthread thread_;
};

std::string answer_text(int status, const std::string& body, const std::string& headers = "");

}  // namespace assay::subject
