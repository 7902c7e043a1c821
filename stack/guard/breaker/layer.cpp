#include "stack/guard/breaker/layer.hpp"

#include <utility>

#include "stack/guard/evidence.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::breaker {
namespace {

task<result<http::client_response>> ask(std::shared_ptr<policy> gate, exchange next, http::client_request request) {
  const context& ctx = co_await this_context();
  const instant begun = ctx.on->turn_time();
  result<pass> leave = gate->admit(begun);
  if (!leave) co_return std::unexpected(leave.error());
  const watched_producer producer(request);
  result<http::client_response> outcome = co_await next(std::move(request));
  const instant now = ctx.on->turn_time();
  const options& by = gate->settings();
  if (producer.spoiled(outcome)) co_return outcome;
  switch (judge(outcome, {.count_5xx = by.count_5xx, .fair_wait = by.fair_wait}, ctx.deadline - begun)) {
    case evidence::success:
      leave->succeed(now);
      break;
    case evidence::failure:
      leave->fail(now);
      break;
    case evidence::none:
      break;
  }
  co_return outcome;
}

}  // namespace

exchange_layer layer(std::shared_ptr<policy> gate) {
  return [gate = std::move(gate)](exchange next) -> exchange {
    return [gate, next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return ask(gate, next, std::move(request));
    };
  };
}

}  // namespace assay::guard::breaker
