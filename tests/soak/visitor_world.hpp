// What the visitors of a soak share: whom they visit, chance, and what they have seen. And those among them who have a
// file of their own: who come twice, and who know no manners. Internal to visitors.cpp.
//
// Misuse: on two loops; each visit() has its own.
#pragma once

#include <random>
#include <string>
#include <utility>

#include "stack/http/client.hpp"
#include "stack/runtime/task.hpp"
#include "tests/soak/visitors.hpp"

namespace assay::soak {

inline constexpr std::size_t most_wrong = 12;
inline constexpr std::size_t visitors_by_name = 40;  // more than the service remembers
// Of a request that is not given up: longer than anything the service may take.
inline constexpr duration patience = std::chrono::seconds(20);

struct world {
  world(const socket_address& to, const visit_options& options)
      : at(to),
        random(options.seed),
        shop({.host = "127.0.0.1", .address = to}, {.max_connections = 16, .wait_timeout = patience}) {}

  socket_address at;
  std::mt19937_64 random;
  http::client shop;
  instant end{};
  tally seen;

  std::size_t below(std::size_t bound) { return random() % bound; }
  http::origin origin() const { return {.host = "127.0.0.1", .address = at}; }
  // The request as one of a few whose rates are limited apart.
  http::client_request signed_by_one(http::client_request asked) {
    asked.headers.emplace_back("x-visitor", std::to_string(below(visitors_by_name)));
    return asked;
  }
  void saw(const std::string& what) { seen.outcomes[what]++; }
  void saw_wrong(std::string what) {
    if (seen.wrong.size() < most_wrong) seen.wrong.push_back(std::move(what));
  }
};

// The same POST twice under one key, at times before the first is answered, and from two connections: often two loops.
task<void> buy_twice(world* in);
// A connection of its own, which ends somewhere in the middle of the exchange.
task<void> leave_in_the_middle(world* in);
// Ends its half behind a request. The service takes that for a departure, unless it has answered by then.
task<void> close_half(world* in);
// What is no HTTP, or no longer any. It is refused at most, and the connection ends.
task<void> send_garbage(world* in);

}  // namespace assay::soak
