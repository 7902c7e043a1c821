#include "stack/guard/bulkhead/layer.hpp"

#include <utility>

#include "stack/guard/hold.hpp"

namespace assay::guard::bulkhead {
namespace {

struct shared {
  std::shared_ptr<policy> part;
  selection belongs;
  http::response refusal;  // made once
};

// In this order: the place goes back before the policy may go.
struct held_place {
  std::shared_ptr<const shared> with;
  permit place;
};

struct held_part {
  std::shared_ptr<policy> part;
  permit place;
};

task<http::response> serve(std::shared_ptr<const shared> with, http::handler next, http::request& asked) {
  result<permit> place = with->part->enter_at_once();
  if (!*place) place = co_await with->part->wait_in_line();
  if (!place && place.error().code == errc::limit) co_return with->refusal;
  if (!place) co_return http::response::from(place.error());
  held_place held{.with = with, .place = std::move(*place)};
  http::response reply = co_await next(asked);
  hold_during_stream(reply, std::move(held));
  co_return reply;
}

task<result<http::client_response>> ask(std::shared_ptr<policy> part, exchange next, http::client_request request) {
  result<permit> place = co_await part->enter();
  if (!place) co_return std::unexpected(place.error());
  result<http::client_response> outcome = co_await next(std::move(request));
  if (outcome && outcome->source) hold_during_body(outcome, held_part{.part = part, .place = std::move(*place)});
  co_return outcome;
}

}  // namespace

selection under(std::string path) {
  return [path = std::move(path)](const http::request& asked) {
    const std::string_view of = asked.path();
    return of.starts_with(path) && (of.size() == path.size() || path.ends_with('/') || of[path.size()] == '/');
  };
}

handler_layer layer(std::shared_ptr<policy> part, selection belongs) {
  http::response refusal = http::response::refused(503, "bulkhead_full", part->settings().name + " is busy");
  const auto seconds = retry_after_seconds(part->settings().retry_after);
  refusal.headers.emplace_back("retry-after", std::to_string(seconds));
  return [with = std::make_shared<const shared>(std::move(part), std::move(belongs), std::move(refusal))](
             http::handler next) -> http::handler {
    return [with, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) {
      if (with->belongs && !with->belongs(asked)) return next(asked);  // and costs it no frame
      return serve(with, next, asked);
    };
  };
}

exchange_layer call_layer(std::shared_ptr<policy> part) {
  return [part = std::move(part)](exchange next) -> exchange {
    return [part, next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return ask(part, next, std::move(request));
    };
  };
}

}  // namespace assay::guard::bulkhead
