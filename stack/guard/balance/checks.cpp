#include "stack/guard/balance/checks.hpp"

#include <cassert>
#include <random>
#include <utility>

#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::guard::balance {
namespace {

using namespace std::chrono_literals;

struct rounds {
  std::shared_ptr<policy> among;
  std::vector<exchange> hosts;
  check_options by;
  std::mt19937_64 random;

  duration between(duration least, duration most) {
    return duration(std::uniform_int_distribution<duration::rep>(least.count(), most.count())(random));
  }
};

bool is_well(const result<http::client_response>& got) { return got && got->status >= 200 && got->status < 300; }

task<void> watch_one(rounds& all, std::size_t host) {
  const context& ctx = co_await this_context();
  duration pause = all.between(0ns, all.by.every);
  while (true) {
    const result<void> waited = co_await delay_for(pause);
    if (!waited) co_return;  // cancelled
    const instant limit = saturating_add(ctx.on->turn_time(), all.by.timeout);
    const auto got = co_await with_deadline(limit, all.hosts[host]({.target = all.by.target}));
    if (ctx.cancel->cancelled()) co_return;
    if (got || got.error().code != errc::limit) all.among->on_check(host, is_well(got));
    pause = all.between(all.by.every * 4 / 5, all.by.every * 6 / 5);
  }
}

}  // namespace

checked check(const check_options& given) {
  return option_check("balance.checks")
      .that(given.target.starts_with('/'), "target", "\"" + given.target + "\"", "a path")
      .span("every", given.every, 10ms, 1h)
      .span("timeout", given.timeout, 1ms, given.every)
      .outcome();
}

task<result<void>> watch(std::shared_ptr<policy> among, std::vector<exchange> hosts, check_options by) {
  assert(check(by) && "options are checked before they are used");
  assert(hosts.size() == among->hosts() && "an exchange for each host");
  const std::uint64_t seed = by.seed ? *by.seed : std::random_device{}();
  rounds all{
      .among = std::move(among), .hosts = std::move(hosts), .by = std::move(by), .random = std::mt19937_64(seed)};
  scope watching(co_await this_context());
  for (std::size_t host = 0; host < all.hosts.size(); ++host) watching.spawn(watch_one(all, host));
  co_return co_await watching.join();
}

}  // namespace assay::guard::balance
