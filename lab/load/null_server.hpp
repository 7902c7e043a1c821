// A server that does nothing, on a thread of its own: what is measured against it is the machine and the generator.
//
// Misuse: taking it for the fastest there is. It is the stack's own server, answers two bytes, and shares the machine.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <thread>

#include "stack/runtime/io.hpp"

namespace assay::load {

class null_server {
 public:
  // On a free port of 127.0.0.1. The error is one line.
  static std::expected<std::unique_ptr<null_server>, std::string> start(const io_options& how, unsigned connections);
  ~null_server();
  null_server(const null_server&) = delete;
  null_server& operator=(const null_server&) = delete;

  std::string url() const;

 private:
  struct state;
  explicit null_server(std::unique_ptr<state> serving);

  std::unique_ptr<state> state_;
};

}  // namespace assay::load
