// A service's life as http::serve leads it: starting, ready, draining, stopped.
#include <gtest/gtest.h>

#include <unistd.h>
#include <csignal>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "stack/guard/chain/service.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay::guard::chain {
namespace {

using namespace std::chrono_literals;

task<http::response> hello(http::request&) { co_return http::response::text("hello\n"); }

// A port that was free a moment ago.
std::uint16_t free_port() {
  auto backend = make_io({.kind = io_kind::epoll});
  const auto held = net::listener::open(**backend, *net::parse_address("127.0.0.1", 0));
  return net::port_of(held->local_address());
}

// What a client is told, and the end of it all.
struct witness {
  std::uint16_t port = free_port();
  std::vector<int> statuses = {};
  std::vector<drain::state> states = {};

  static task<int> status_of(http::client* from, std::string target) {
    const auto got = co_await from->send({.target = std::move(target)});
    co_return got ? got->status : 0;
  }
  static task<result<void>> look_on(witness* self, service_loop* here) {
    http::client client({.host = "service", .address = *net::parse_address("127.0.0.1", self->port)});
    for (const bool warm : {false, true}) {
      if (warm) here->ready();
      for (const char* target : {"/health/live", "/health/ready", "/a"}) {
        const int status = co_await status_of(&client, target);
        self->statuses.push_back(status);
      }
      self->states.push_back(here->state());
    }
    ::kill(::getpid(), SIGTERM);
    while (here->state() != drain::state::draining) {  // until the signal has come, or it has ended meanwhile
      const result<void> turned = co_await delay_for(1ms);
      if (!turned) break;
    }
    self->states.push_back(here->state());
    co_return result<void>{};
  }
};

TEST(service_life, is_refused_until_it_is_warm_and_stopped_once_its_door_is_closed) {
  witness sees;
  observe::registry metrics;
  service all(metrics);
  server_options wanted;
  wanted.drain = {.warms_up = true, .delay = 10ms};
  const auto make = [&](unsigned) -> http::handler {
    auto made = all.add_loop().around(hello, access_log::by_name("all"), wanted);
    EXPECT_TRUE(made) << made.error();
    return std::move(made.value());
  };
  http::serve_options options;
  options.host = "127.0.0.1";
  options.port = sees.port;
  all.join(options);
  options.background = [&] ASSAY_CORO_WRAPPER(unsigned index) { return witness::look_on(&sees, &all.loop(index)); };
  EXPECT_EQ(http::serve(make, options), 0);
  EXPECT_EQ(sees.statuses, (std::vector{200, 503, 503, 200, 200, 200}));
  EXPECT_EQ(sees.states, (std::vector{drain::state::starting, drain::state::ready, drain::state::draining}));
  EXPECT_EQ(all.loop(0).state(), drain::state::stopped);
}

task<result<void>> fail_beside() { co_return std::unexpected(error{.code = errc::refused, .what = "its redis"}); }

// A reporter has no state of its own.
std::promise<std::string>* told = nullptr;

TEST(service_life, what_fails_beside_the_server_is_told_while_it_serves_on) {
  std::promise<std::string> first;
  told = &first;
  const failure_reporter before = set_failure_reporter([](const unobserved_failure& lost) noexcept {
    std::exchange(told, nullptr)->set_value(std::string(lost.during) + ": " + describe(lost));
  });
  bool is_told = false;
  std::string text;
  std::thread onlooker([&, said = first.get_future()]() mutable {
    is_told = said.wait_for(20s) == std::future_status::ready;
    if (is_told) text = said.get();
    ::kill(::getpid(), SIGTERM);
  });
  http::serve_options options;
  options.host = "127.0.0.1";
  options.port = 0;
  options.background = [] ASSAY_CORO_WRAPPER(unsigned) { return fail_beside(); };
  EXPECT_EQ(http::serve(http::handler(hello), options), 1) << "not in good order";
  onlooker.join();
  set_failure_reporter(before);
  EXPECT_TRUE(is_told) << "before anybody ended the server";
  EXPECT_EQ(text, "what runs beside the server: its redis: refused");
}

}  // namespace
}  // namespace assay::guard::chain
