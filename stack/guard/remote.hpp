// Another service, with every guard around it: a client's connections, and the chain of chain/client.hpp in front.
//
//   guard::remote quotes(origin, {.call = {.limit = 2s}, .attempt = {.limit = 1s}});   // of one loop
//   const auto answer = co_await quotes.ask({.target = "/quotes/7"});                  // or why not
//   show(here.numbers(), quotes, "quotes");
//
// What is not said otherwise is as in chain::client_options: a deadline, retries within a budget, a breaker; and a
// request's ids are sent along. The deadline is that of producing a streamed request's body too. Several hosts of one
// service need a client for each, and chain::client::make().
//
// Misuse: making one while serving. Options that are wrong end the program, with a line for each, as http::or_refuse()
// does.
#pragma once

#include <string_view>

#include "stack/guard/chain/client.hpp"
#include "stack/http/client.hpp"

namespace assay::guard {

class remote {
 public:
  explicit remote(const http::origin& to, chain::client_options guards = {}, const http::client_limits& limits = {});
  remote(const remote&) = delete;
  remote& operator=(const remote&) = delete;

  // Fails as http::client::send() does, and with errc::limit where a guard refuses: the breaker is open, a line is
  // full.
  ASSAY_CORO_WRAPPER task<result<http::client_response>> ask(http::client_request request) const {
    return ask_(std::move(request));
  }

  const http::client& connections() const { return client_; }
  const chain::client& guards() const { return guards_; }

 private:
  http::client client_;
  chain::client guards_;
  exchange ask_;
};

// The numbers of both as metrics, for as long as it is there; `name` is the label that tells it from others.
void show(observe::mirror& in, const remote& of, std::string_view name);

}  // namespace assay::guard
