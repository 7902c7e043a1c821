#include "stack/guard/shed/layer.hpp"

#include <string>
#include <utility>

#include "stack/guard/hold.hpp"

namespace assay::guard::shed {
namespace {

// In this order: the place goes back before the policy may go.
struct held_place {
  std::shared_ptr<policy> admission;
  place in;
};

// The stream runs after the handler has ended, and is as much in flight.
task<http::response> serve(std::shared_ptr<policy> admission, http::handler next,
                           std::shared_ptr<const http::response> refusal, http::request& asked) {
  result<place> admitted = co_await admission->admit();
  if (!admitted && admitted.error().reason == cancel_reason::overload) co_return *refusal;
  if (!admitted) co_return http::response::from(admitted.error());
  held_place held{.admission = std::move(admission), .in = std::move(*admitted)};
  http::response reply = co_await next(asked);
  hold_during_stream(reply, std::move(held));
  co_return reply;
}

}  // namespace

handler_layer layer(std::shared_ptr<policy> admission) {
  http::response refusal = http::response::refused(503, "overloaded");
  const auto seconds = retry_after_seconds(admission->settings().retry_after);
  refusal.headers.emplace_back("retry-after", std::to_string(seconds));
  // Made once: under overload a refusal is to cost a copy of a few bytes.
  return [admission = std::move(admission),
          refusal = std::make_shared<const http::response>(std::move(refusal))](http::handler next) -> http::handler {
    return [admission, refusal, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) {
      return serve(admission, next, refusal, asked);
    };
  };
}

}  // namespace assay::guard::shed
