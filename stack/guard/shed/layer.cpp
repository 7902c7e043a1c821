#include "stack/guard/shed/layer.hpp"

#include <string>
#include <utility>

namespace assay::guard::shed {
namespace {

http::response refusal_of(const options& given) {
  http::response refusal = http::response::refused(503, "overloaded");
  refusal.headers.emplace_back("retry-after", std::to_string(retry_after_seconds(given.retry_after)));
  return refusal;
}

}  // namespace

step::step(std::shared_ptr<policy> admission)
    : admission_(std::move(admission)),
      refusal_(admission_ ? std::make_shared<const http::response>(refusal_of(admission_->settings())) : nullptr) {}

entry step::enter(passage& way, held& mine) const {
  if (!admission_) return entry::passes;
  const door told = admission_->admit_at_once(way.ctx, mine);
  if (told == door::admitted) [[likely]]
    return entry::passes;
  return told == door::line ? entry::waits : refuse(way);
}

entry step::refuse(passage& way) const { return way.answered_with(*refusal_); }

task<entry> step::wait(passage& way, held& mine) const {
  result<place> admitted = co_await admission_->wait_in_line();
  if (admitted) {
    mine.emplace(std::move(*admitted));
    co_return entry::passes;
  }
  const bool overloaded = admitted.error().reason == cancel_reason::overload;
  co_return way.answered_with(overloaded ? *refusal_ : http::response::from(admitted.error()));
}

handler_layer layer(std::shared_ptr<policy> admission) { return steps(step(std::move(admission))); }

}  // namespace assay::guard::shed
