// How a loop of the soaked service asks that service itself, as it would ask another one: with deadlines, retries and a
// wall; once as one host behind a breaker, once as two that it balances over and checks.
//
//   calls inner(address);                                     // of one loop
//   const auto got = co_await inner.ask_one();                // or ask_either()
//
// Each answer is to close its connection, a refusal as well: so a client that nobody uses any more keeps none, and an
// idle service has no clients.
//
// Misuse: destroying it before watch() has ended.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "stack/guard/chain/client.hpp"
#include "stack/guard/remote.hpp"
#include "stack/http/client.hpp"

namespace assay::soak {

inline constexpr const char* inner_path = "/inner";  // one of eight answers is 502

class calls {
 public:
  calls(const socket_address& of_service, unsigned seed);
  calls(const calls&) = delete;
  calls& operator=(const calls&) = delete;

  task<result<http::client_response>> ask_one() const;
  task<result<http::client_response>> ask_either() const;

  // The health checks of both hosts; until it is cancelled.
  task<result<void>> watch() const;

  // Connections of its clients, and who waits for one: none once everybody has been answered.
  std::size_t held() const;
  void show_in(observe::mirror& numbers) const;

 private:
  static constexpr std::array<const char*, 2> names = {"first", "second"};

  guard::remote one_;
  std::array<std::unique_ptr<http::client>, names.size()> hosts_;
  std::array<std::unique_ptr<http::client>, names.size()> checkers_;  // their own: a busy host is no ill one
  guard::chain::client among_;
  guard::exchange either_;
  unsigned seed_;
};

}  // namespace assay::soak
