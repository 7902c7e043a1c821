#include "tests/soak/calls.hpp"

#include <utility>
#include <vector>

#include "stack/guard/balance/checks.hpp"
#include "stack/guard/trace/layer.hpp"
#include "stack/http/settings.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr duration call_limit = 2s;
constexpr duration attempt_limit = 1s;
constexpr duration backoff = 5ms;
constexpr duration left_out_for = 100ms;  // a host that fails, or the circuit that is open
constexpr duration between_checks = 250ms;

guard::chain::client_options guards_of(const char* name, unsigned seed) {
  return {.observe = guard::trace::sending_layer(),
          .call = {.limit = call_limit},
          .bulkhead = guard::bulkhead::options{.name = name, .max_waiting = 16},
          .retry = {.base_backoff = backoff, .seed = seed},
          .breaker = {.open_for = left_out_for},
          .balance = {.base_ejection = left_out_for, .max_ejection = 10 * left_out_for, .seed = seed},
          .attempt = {.limit = attempt_limit}};
}

std::size_t held_by(const http::client& one) {
  const http::client_usage now = one.usage();
  return now.busy + now.idle + now.waiting;
}

}  // namespace

calls::calls(const socket_address& of_service, unsigned seed)
    : one_({.host = "one", .address = of_service}, guards_of("one", seed)),
      among_(http::or_refuse(guard::chain::client::make(guards_of("either", seed), {names.begin(), names.end()}))),
      seed_(seed) {
  std::vector<guard::exchange> exchanges;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const http::origin host{.host = names.at(i), .address = of_service};
    hosts_.at(i) = std::make_unique<http::client>(host);
    checkers_.at(i) = std::make_unique<http::client>(host, http::client_limits{.max_connections = 1});
    exchanges.push_back(guard::exchange_of(*hosts_.at(i)));
  }
  either_ = among_.around(std::move(exchanges));
}

task<result<http::client_response>> calls::ask_one() const { co_return co_await one_.ask({.target = inner_path}); }

task<result<http::client_response>> calls::ask_either() const { co_return co_await either_({.target = inner_path}); }

task<result<void>> calls::watch() const {
  std::vector<guard::exchange> checks;
  for (const auto& each : checkers_) checks.push_back(guard::exchange_of(*each));
  co_return co_await guard::balance::watch(
      among_.among, std::move(checks),
      {.target = inner_path, .every = between_checks, .timeout = between_checks, .seed = seed_});
}

std::size_t calls::held() const {
  std::size_t all = held_by(one_.connections());
  for (const auto& each : hosts_) all += held_by(*each);
  for (const auto& each : checkers_) all += held_by(*each);
  return all;
}

void calls::show_in(observe::mirror& numbers) const {
  show(numbers, one_, "one");
  show(numbers, among_, "either");
  for (std::size_t i = 0; i < names.size(); ++i) show(numbers, *hosts_.at(i), names.at(i));
}

}  // namespace assay::soak
