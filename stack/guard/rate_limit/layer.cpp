#include "stack/guard/rate_limit/layer.hpp"

#include <string>
#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::guard::rate_limit {

entry step::take(passage& way) const {
  const verdict told = quota_->take(key_of_(way.asked), way.ctx.on->turn_time());
  return told.allowed ? entry::passes : refuse(way, told);
}

entry step::refuse(passage& way, const verdict& told) {
  http::response refusal = http::response::refused(429, "rate_limited", "too many requests");
  refusal.headers.emplace_back("retry-after", std::to_string(retry_after_seconds(told.retry_after)));
  return way.answered_with(std::move(refusal));
}

key_function by_field(std::string name) {
  return [name = std::move(name)](const http::request& asked) {
    return asked.head().headers.find(name).value_or(std::string_view());
  };
}

key_function for_all() {
  return [](const http::request&) { return std::string_view(); };
}

handler_layer layer(std::shared_ptr<policy> quota, key_function key_of) {
  return steps(step(std::move(quota), std::move(key_of)));
}

}  // namespace assay::guard::rate_limit
