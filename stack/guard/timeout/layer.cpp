#include "stack/guard/timeout/layer.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::guard::timeout {
namespace {

using namespace std::chrono_literals;

constexpr error expired = {
    .code = errc::timed_out, .reason = cancel_reason::deadline, .what = "no time was left when it began"};

// One that is there came from further up; what is left now is less.
void tell_remaining(http::client_request& request, duration remaining) {
  std::erase_if(request.headers, [](const auto& field) { return http::equals_ignoring_case(field.first, field_name); });
  request.headers.emplace_back(field_name, std::to_string(remaining / 1ms));
}

task<result<http::client_response>> attempt(std::shared_ptr<policy> limit, exchange next,
                                            http::client_request request) {
  const context& ctx = co_await this_context();
  const instant now = ctx.on->turn_time();
  // What is produced is sent once: there is no other attempt to leave time for.
  const instant deadline = request.stream ? ctx.deadline : limit->deadline_of_attempt(now, ctx.deadline);
  if (deadline - now < 1ms) {
    limit->on_expired();
    co_return std::unexpected(expired);
  }
  tell_remaining(request, deadline - now);
  result<http::client_response> response = co_await with_deadline(deadline, next(std::move(request)));
  limit->on_end(ctx.on->turn_time(), deadline);
  co_return response;
}

task<result<http::client_response>> call(std::shared_ptr<policy> limit, exchange next, http::client_request request) {
  const context& ctx = co_await this_context();
  const instant deadline = limit->deadline_of_attempt(ctx.on->turn_time(), ctx.deadline);
  result<http::client_response> response = co_await with_deadline(deadline, next(std::move(request)));
  limit->on_end(ctx.on->turn_time(), deadline);
  co_return response;
}

}  // namespace

entry step::enter(passage& way, held&) const {
  if (!limit_) return entry::passes;
  const instant now = way.ctx.on->turn_time();
  way.deadline = std::min(way.deadline, limit_->deadline_of(now, way.asked.head().headers));
  if (way.deadline > now) return entry::passes;
  limit_->on_expired();
  return way.answered_with(http::response::from(expired));
}

void step::leave(const passage& way, const held&, const http::response&) const {
  if (limit_) limit_->on_end(way.ctx.on->turn_time(), way.deadline);
}

handler_layer layer(std::shared_ptr<policy> limit) { return steps(step(std::move(limit))); }

exchange_layer attempt_layer(std::shared_ptr<policy> limit) {
  return [limit = std::move(limit)](exchange next) -> exchange {
    return [limit, next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return attempt(limit, next, std::move(request));
    };
  };
}

exchange_layer call_layer(std::shared_ptr<policy> limit) {
  return [limit = std::move(limit)](exchange next) -> exchange {
    return [limit, next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return call(limit, next, std::move(request));
    };
  };
}

}  // namespace assay::guard::timeout
