// A service of guard::serve in this process, and a guest on its loop who asks it one thing after the other, and then
// the process to end. Misuse: two of them at once; SIGTERM is the whole process.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "stack/guard/serve.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::guard::testing {

using namespace std::chrono_literals;

// A port that was free a moment ago.
inline std::uint16_t free_port() {
  auto backend = make_io({.kind = io_kind::epoll});
  const auto held = net::listener::open(**backend, *net::parse_address("127.0.0.1", 0));
  return net::port_of(held->local_address());
}

// A client beside the service, on its loop: it asks one thing after the other, and then the process to end.
struct guest {
  std::vector<http::client_request> asks;
  std::vector<http::client_response> got = {};
  std::vector<http::client_response> got_late = {};  // of what was asked again after SIGTERM
  std::uint16_t port = free_port();
  bool asks_late = false;

  static task<void> ask(guest* self, std::vector<http::client_response>* into) {
    http::client client({.host = "127.0.0.1", .address = *net::parse_address("127.0.0.1", self->port)});
    for (const http::client_request& each : self->asks) {
      auto answer = co_await client.send(each);
      into->push_back(answer ? std::move(*answer) : http::client_response{});
    }
  }
  static task<result<void>> come(guest* self) {
    co_await ask(self, &self->got);
    ::kill(::getpid(), SIGTERM);
    if (self->asks_late) {
      co_await ask_once_it_drains(self);
      ::kill(::getpid(), SIGTERM);  // which does not wait for the delay
    }
    co_return result<void>{};
  }
  // The signal comes to a thread, and from there to the loop.
  static task<void> ask_once_it_drains(guest* self) {
    while (self->got_late.empty() || self->got_late.front().status == 200) {
      self->got_late.clear();
      co_await ask(self, &self->got_late);
      if (!co_await delay_for(1ms)) co_return;
    }
  }

  // The options of a service that this one visits.
  serve_options visited() {
    serve_options given;
    given.http.host = "127.0.0.1";
    given.http.port = port;
    given.http.background = [this] ASSAY_CORO_WRAPPER(unsigned) { return come(this); };
    given.guards.drain.delay = 10ms;
    return given;
  }

  std::vector<int> statuses() const {
    std::vector<int> all;
    for (const auto& each : got) all.push_back(each.status);
    return all;
  }
};

inline task<http::response> hello(http::request&) { co_return http::response::text("hello\n"); }

struct service_run {
  int exit_code = -1;
  std::string log;
};

template <class Handler>
service_run run(const Handler& what, serve_options given) {
  ::testing::internal::CaptureStderr();
  const int code = serve(what, std::move(given));
  return {.exit_code = code, .log = ::testing::internal::GetCapturedStderr()};
}

}  // namespace assay::guard::testing
