#include "stack/guard/chain/server.hpp"

#include <algorithm>
#include <utility>

#include "stack/guard/step.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::chain {
namespace {

template <class Policy, class Options>
std::shared_ptr<Policy> made_of(const std::optional<Options>& wanted) {
  return wanted ? std::make_shared<Policy>(*wanted) : nullptr;
}

std::shared_ptr<idempotency::policy> keys_of(const server_options& given) {
  if (!given.idempotency) return nullptr;
  if (given.idempotency_keys) return std::make_shared<idempotency::policy>(given.idempotency_keys);
  return std::make_shared<idempotency::policy>(*given.idempotency);
}

std::vector<std::shared_ptr<bulkhead::policy>> walls_of(const std::vector<part>& parts) {
  std::vector<std::shared_ptr<bulkhead::policy>> walls;
  for (const part& each : parts) walls.push_back(std::make_shared<bulkhead::policy>(each.wall));
  return walls;
}

void check_parts(const server_options& given, option_check& into) {
  for (std::size_t i = 0; i < given.bulkheads.size(); ++i) {
    const auto& [path, wall] = given.bulkheads[i];
    into.also(bulkhead::check(wall));
    const std::string name = "bulkheads(" + wall.name + ")";
    into.that(path.starts_with('/') && !path.contains('?'), name + ".path", "\"" + path + "\"", "a path");
    const auto earlier = given.bulkheads.begin() + static_cast<std::ptrdiff_t>(i);
    const bool is_new =
        std::none_of(given.bulkheads.begin(), earlier, [&](const part& other) { return other.wall.name == wall.name; });
    into.that(is_new, name + ".name", "there already", "a name of its own");
    // Who waits for a place of the part holds one of the server's.
    const std::size_t takes = wall.max_in_flight + wall.max_waiting;
    if (!given.shed) continue;
    into.that(takes < given.shed->max_in_flight, name + ".max_in_flight + max_waiting", std::to_string(takes),
              "less than shed.max_in_flight, " + std::to_string(given.shed->max_in_flight));
  }
}

}  // namespace

checked check(const server_options& given) {
  option_check all("server");
  all.also(drain::check(given.drain));
  if (given.shed) all.also(shed::check(*given.shed));
  if (given.timeout) all.also(timeout::check(*given.timeout));
  if (given.rate_limit) all.also(rate_limit::check(*given.rate_limit));
  if (given.idempotency) all.also(idempotency::check(*given.idempotency));
  if (given.cache) all.also(cache::check(*given.cache));
  if (given.adaptive) {
    all.also(adaptive::check(*given.adaptive));
    const std::size_t most = given.shed ? given.shed->max_in_flight : 0;
    all.that(given.adaptive->max_limit <= most, "adaptive.max_limit", std::to_string(given.adaptive->max_limit),
             given.shed ? "up to shed.max_in_flight, " + std::to_string(most) : "with shed, whose limit it finds");
  }
  check_parts(given, all);
  return all.outcome();
}

std::expected<server, std::string> server::make(server_options given) {
  if (const checked found = check(given); !found) return std::unexpected(found.error());
  return server(std::move(given));
}

server::server(server_options given)
    : gate(std::make_shared<drain::policy>(given.drain)),
      admission(made_of<shed::policy>(given.shed)),
      quota(made_of<rate_limit::policy>(given.rate_limit)),
      limit(made_of<timeout::policy>(given.timeout)),
      walls(walls_of(given.bulkheads)),
      keys(keys_of(given)),
      answers(made_of<cache::policy>(given.cache)),
      concurrency(made_of<adaptive::policy>(given.adaptive)),
      options_(std::move(given)) {}

// From the innermost outwards. Each row of steps is one coroutine; what the service itself observes by, auth and cache
// are none, and divide it.
http::handler server::around(http::handler innermost) const {
  const drain::step door(gate, options_.readiness);
  const shed::step places(admission);
  const rate_limit::step share(quota, options_.rate_key);
  const timeout::step time(limit);
  const bulkhead::step parts(walls_with_paths());
  const idempotency::step once(keys, options_.idempotency_scope);
  const adaptive::step measured(concurrency, admission);
  if (!options_.auth && !answers) {
    if (!options_.observe) return steps(door, places, share, time, parts, once, measured)(std::move(innermost));
    innermost = options_.observe(steps(places, share, time, parts, once, measured)(std::move(innermost)));
    return steps(door)(std::move(innermost));
  }
  if (concurrency) innermost = steps(measured)(std::move(innermost));
  if (answers) innermost = cache::layer(answers)(std::move(innermost));
  if (options_.auth) innermost = options_.auth(std::move(innermost));
  innermost = steps(places, share, time, parts, once)(std::move(innermost));
  if (options_.observe) innermost = options_.observe(std::move(innermost));
  return steps(door)(std::move(innermost));
}

std::vector<bulkhead::wall> server::walls_with_paths() const {
  std::vector<bulkhead::wall> all;
  for (std::size_t i = 0; i < walls.size(); ++i) {
    all.push_back({.part = walls[i], .belongs = bulkhead::under(options_.bulkheads[i].path)});
  }
  return all;
}

void show(observe::mirror& in, const server& of) {
  show(in, *of.gate);
  if (of.admission) show(in, *of.admission);
  if (of.limit) show(in, *of.limit, "", "request");
  for (const auto& wall : of.walls) show(in, *wall);
  if (of.quota) show(in, *of.quota);
  if (of.keys) show(in, *of.keys);
  if (of.answers) show(in, *of.answers, "");
  if (of.concurrency) show(in, *of.concurrency);
}

}  // namespace assay::guard::chain
