#include "stack/guard/chain/client.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/observe/mirror.hpp"

namespace assay::guard::chain {

checked check(const client_options& given) {
  option_check all("client");
  for (const auto& [name, limit] : {std::pair("call: ", given.call), std::pair("attempt: ", given.attempt)}) {
    if (const checked found = timeout::check(limit); !found) all.also(std::unexpected(name + found.error()));
  }
  if (given.cache) all.also(cache::check(*given.cache));
  if (given.bulkhead) all.also(bulkhead::check(*given.bulkhead));
  all.also(retry::check(given.retry)).also(breaker::check(given.breaker)).also(balance::check(given.balance));
  all.that(given.attempt.limit <= given.call.limit, "attempt.limit", to_text(given.attempt.limit),
           "up to call.limit, " + to_text(given.call.limit));
  all.that(given.balance.by != balance::method::sticky || given.sticky_key, "sticky_key", "empty",
           "what a request sticks to");
  return all.outcome();
}

std::expected<client, std::string> client::make(client_options given, std::vector<std::string> hosts) {
  option_check all("client");
  all.also(check(given)).number("hosts", hosts.size(), 1, balance::max_hosts);
  std::vector<std::string> sorted = hosts;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) all.that(false, "hosts", "\"" + *twice + "\" twice", "each host once");
  if (const checked found = all.outcome(); !found) return std::unexpected(found.error());
  return client(std::move(given), std::move(hosts));
}

client::client(client_options given, std::vector<std::string> hosts)
    : call(std::make_shared<timeout::policy>(given.call)),
      answers(given.cache ? std::make_shared<cache::policy>(*given.cache) : nullptr),
      wall(given.bulkhead ? std::make_shared<bulkhead::policy>(*given.bulkhead) : nullptr),
      again(std::make_shared<retry::policy>(given.retry)),
      gate(hosts.size() == 1 ? std::make_shared<breaker::policy>(given.breaker) : nullptr),
      among(hosts.size() > 1 ? std::make_shared<balance::policy>(given.balance, std::move(hosts)) : nullptr),
      attempt(std::make_shared<timeout::policy>(given.attempt)),
      observe_(std::move(given.observe)),
      sticky_key_(std::move(given.sticky_key)) {}

// From the innermost outwards.
exchange client::around(std::vector<exchange> hosts) const {
  assert(hosts.size() == (among ? among->hosts() : 1) && "an exchange for each host");
  for (exchange& each : hosts) each = timeout::attempt_layer(attempt)(std::move(each));
  exchange ask =
      among ? balance::over(among, std::move(hosts), sticky_key_) : breaker::layer(gate)(std::move(hosts.front()));
  ask = retry::layer(again)(std::move(ask));
  if (wall) ask = bulkhead::call_layer(wall)(std::move(ask));
  if (answers) ask = cache::call_layer(answers)(std::move(ask));
  ask = timeout::call_layer(call)(std::move(ask));
  return observe_ ? observe_(std::move(ask)) : ask;
}

void show(observe::mirror& in, const client& of, std::string_view name) {
  show(in, *of.call, name, "call");
  show(in, *of.attempt, name, "attempt");
  show(in, *of.again, name);
  if (of.answers) show(in, *of.answers, name);
  if (of.wall) show(in, *of.wall);
  if (of.gate) show(in, *of.gate, name);
  if (of.among) show(in, *of.among, name);
}

}  // namespace assay::guard::chain
