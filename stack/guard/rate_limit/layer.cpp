#include "stack/guard/rate_limit/layer.hpp"

#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::guard::rate_limit {
namespace {

struct shared {
  std::shared_ptr<policy> quota;
  key_function key_of;
};

task<http::response> serve(std::shared_ptr<const shared> with, http::handler next, http::request& asked) {
  const context& ctx = co_await this_context();
  const verdict told = with->quota->take(with->key_of(asked), ctx.on->turn_time());
  if (told.allowed) co_return co_await next(asked);
  http::response refusal = http::response::refused(429, "rate_limited", "too many requests");
  refusal.headers.emplace_back("retry-after", std::to_string(retry_after_seconds(told.retry_after)));
  co_return refusal;
}

}  // namespace

key_function by_field(std::string name) {
  return [name = std::move(name)](const http::request& asked) {
    return asked.head().headers.find(name).value_or(std::string_view());
  };
}

key_function for_all() {
  return [](const http::request&) { return std::string_view(); };
}

handler_layer layer(std::shared_ptr<policy> quota, key_function key_of) {
  return [with = std::make_shared<const shared>(std::move(quota), std::move(key_of))](
             http::handler next) -> http::handler {
    return
        [with, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(with, next, asked); };
  };
}

}  // namespace assay::guard::rate_limit
