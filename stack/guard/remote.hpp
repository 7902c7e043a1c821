// Another service, with every guard around it: a client's connections, and the chain of chain/client.hpp in front.
//
//   guard::remote quotes(origin, {.call = {.limit = 2s}, .attempt = {.limit = 1s}});   // of one loop
//   const auto answer = co_await quotes.ask({.target = "/quotes/7"});                  // or why not
//   show(here.numbers(), quotes, "quotes");
//
// What is not said otherwise is as in chain::client_options: a deadline, retries within a budget, a breaker; and a
// request's ids are sent along. The deadline is that of producing a streamed request's body too. Of several hosts each
// request goes to one, by chain::client_options::balance, and a retry to another one where there is one.
//
// Misuse: making one while serving. Options that are wrong end the program, with a line for each, as http::or_refuse()
// does.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/guard/chain/client.hpp"
#include "stack/http/client.hpp"

namespace assay::guard {

class remote {
 public:
  explicit remote(const http::origin& to, chain::client_options guards = {}, const http::client_limits& limits = {})
      : remote(std::vector{to}, std::move(guards), limits) {}
  // Hosts of one service; `limits` are of each.
  explicit remote(const std::vector<http::origin>& hosts, chain::client_options guards = {},
                  const http::client_limits& limits = {});
  remote(const remote&) = delete;
  remote& operator=(const remote&) = delete;

  // Fails as http::client::send() does, and with errc::limit where a guard refuses: the breaker is open, a line is
  // full.
  ASSAY_CORO_WRAPPER task<result<http::client_response>> ask(http::client_request request) const {
    return ask_(std::move(request));
  }

  const chain::client& guards() const { return guards_; }
  // In their order.
  std::size_t hosts() const { return clients_.size(); }
  const http::client& connections(std::size_t host = 0) const { return *clients_[host]; }
  const std::string& name_of(std::size_t host) const { return names_[host]; }

 private:
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<http::client>> clients_;
  chain::client guards_;
  exchange ask_;
};

// The numbers of all as metrics, for as long as it is there; `name` is the label that tells it from others. Of several
// hosts the connections have labels of their own, such as "quotes a.internal:80".
void show(observe::mirror& in, const remote& of, std::string_view name);

}  // namespace assay::guard
