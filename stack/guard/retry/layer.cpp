#include "stack/guard/retry/layer.hpp"

#include <utility>
#include <vector>

#include "stack/guard/evidence.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::retry {
namespace {

task<result<http::client_response>> ask(std::shared_ptr<policy> again, exchange next, http::client_request request) {
  const context& ctx = co_await this_context();
  const bool repeatable = http::may_resend(request);
  const watched_producer producer(request);
  std::vector<http::asked_host> asked;
  if (repeatable && request.asked == nullptr) request.asked = &asked;  // else there is somebody further out
  for (unsigned number = 1;; ++number) {
    // What is sent once is not copied.
    http::client_request sent = repeatable ? request : std::exchange(request, {});
    result<http::client_response> outcome = co_await next(std::move(sent));
    if (producer.spoiled(outcome)) co_return outcome;  // it takes nothing from the budget of the others
    const instant now = ctx.on->turn_time();
    const std::optional<duration> pause =
        again->pause_after(outcome, {.number = number, .repeatable = repeatable, .now = now, .deadline = ctx.deadline});
    if (!pause) co_return outcome;
    outcome = result<http::client_response>{};  // its connection is not to wait along
    const result<void> waited = co_await delay_until(now + *pause);
    if (!waited) co_return std::unexpected(waited.error());
  }
}

}  // namespace

exchange_layer layer(std::shared_ptr<policy> again) {
  return [again = std::move(again)](exchange next) -> exchange {
    return [again, next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return ask(again, next, std::move(request));
    };
  };
}

}  // namespace assay::guard::retry
