// A real server that answers "ok" to everything, for tests of the engines.
//
// Misuse: measuring anything with it; it shares the machine with what it answers.
#pragma once

#include <latch>
#include <string>
#include <thread>
#include <tuple>

#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {

// A server on its own thread, until destroyed.
class live_server {
 public:
  live_server()
      : thread_([this] {
          loop on(*make_io({.kind = io_kind::epoll}));
          http::server serves([](http::request&) -> task<http::response> { co_return http::response::text("ok"); }, {});
          result<net::listener> door = net::listener::open(on.backend(), *net::parse_address("127.0.0.1", 0));
          port_ = net::port_of(door->local_address());
          on_ = &on;
          serves_ = &serves;
          ready_.count_down();
          std::ignore = on.run(serves.run(std::move(*door)));
        }) {
    ready_.wait();
  }
  ~live_server() {
    on_->post([this] { serves_->drain(); });
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return "http://" + address() + "/"; }

 private:
  std::latch ready_{1};
  loop* on_ = nullptr;
  http::server* serves_ = nullptr;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace assay::load
