// A third-party HTTP service with a given latency and error behaviour, on a thread of its own: what a candidate calls
// in place of the real one.
//
// It answers every GET with `reply`, in which "{n}" stands for the last whole number of the path (0 without one) and
// "{n*A%B}" for that number times A modulo B: an answer that differs from path to path and can be checked.
//
// Misuse: giving it work; it is there to be slow as told, not to be slow by itself.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "lab/fault/latency.hpp"

namespace assay::fault {

struct http_service_options {
  lognormal_latency latency;
  double error_share = 0;  // of the requests, answered with 503 after the same latency
  std::string reply = R"({"value": {n}})";
  std::uint64_t seed = 1;
};

// What stands for the reply of `path`; pure.
std::string render_reply(const std::string& reply, std::string_view path);

class http_service {
 public:
  // Listens on 127.0.0.1, a port the system chooses. The error is one line.
  static std::expected<std::unique_ptr<http_service>, std::string> start(http_service_options options);
  ~http_service();
  http_service(const http_service&) = delete;
  http_service& operator=(const http_service&) = delete;

  std::uint16_t port() const;
  std::uint64_t requests() const;

 private:
  struct state;
  explicit http_service(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

}  // namespace assay::fault
