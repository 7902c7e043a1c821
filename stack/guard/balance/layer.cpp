#include "stack/guard/balance/layer.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/guard/evidence.hpp"
#include "stack/guard/hold.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::balance {
namespace {

struct shared {
  std::shared_ptr<policy> among;
  std::vector<exchange> hosts;
  key_function key_of;
};

// In this order: the turn ends before the policy may go.
struct held_turn {
  std::shared_ptr<policy> among;
  lease turn;
};

// Whom of ours earlier attempts of this request had.
std::vector<std::size_t> asked_of(const std::vector<http::asked_host>* all, const policy& by) {
  std::vector<std::size_t> ours;
  if (all == nullptr) return ours;
  for (const http::asked_host& each : *all) {
    if (each.chosen_by == &by) ours.push_back(each.host);
  }
  return ours;
}

task<result<http::client_response>> ask(std::shared_ptr<const shared> with, http::client_request request) {
  const context& ctx = co_await this_context();
  const instant begun = ctx.on->turn_time();
  const std::string_view key = with->key_of ? with->key_of(request) : std::string_view();
  result<lease> turn = with->among->choose(key, begun, asked_of(request.asked, *with->among));
  if (!turn) co_return std::unexpected(turn.error());
  if (request.asked != nullptr) request.asked->push_back({.chosen_by = with->among.get(), .host = turn->host()});
  const watched_producer producer(request);
  result<http::client_response> outcome = co_await with->hosts[turn->host()](std::move(request));
  const instant now = ctx.on->turn_time();
  const options& by = with->among->settings();
  if (producer.spoiled(outcome)) co_return outcome;
  switch (judge(outcome, {.count_5xx = by.count_5xx, .fair_wait = by.fair_wait}, ctx.deadline - begun)) {
    case evidence::success:
      turn->succeed(now);
      break;
    case evidence::failure:
      turn->fail(now);
      break;
    case evidence::none:
      break;
  }
  // A host that still sends is as busy as one that has not answered.
  if (outcome && outcome->source) hold_during_body(outcome, held_turn{.among = with->among, .turn = std::move(*turn)});
  co_return outcome;
}

}  // namespace

key_function by_field(std::string name) {
  return [name = std::move(name)](const http::client_request& request) {
    const auto found = std::ranges::find_if(
        request.headers, [&name](const auto& field) { return http::equals_ignoring_case(field.first, name); });
    return found == request.headers.end() ? std::string_view() : std::string_view(found->second);
  };
}

exchange over(std::shared_ptr<policy> among, std::vector<exchange> hosts, key_function key_of) {
  assert(hosts.size() == among->hosts() && "an exchange for each host");
  return
      [with = std::make_shared<const shared>(std::move(among), std::move(hosts), std::move(key_of))] ASSAY_CORO_WRAPPER(
          http::client_request request) { return ask(with, std::move(request)); };
}

}  // namespace assay::guard::balance
