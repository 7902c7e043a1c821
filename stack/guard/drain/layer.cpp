#include "stack/guard/drain/layer.hpp"

#include <string>
#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::guard::drain {
namespace {

http::response health_of(bool good) {
  if (good) return http::response::json(R"({"status":"ok"})");
  http::response unready = http::response::json(R"({"status":"unavailable"})", 503);
  unready.reason = "not_ready";
  return unready;
}

// In JSON, as all else at these paths.
http::response not_allowed() {
  http::response refused = http::response::json(R"({"error":"method_not_allowed"})", 405);
  refused.reason = "method_not_allowed";
  refused.headers.emplace_back("allow", "GET, HEAD");
  return refused;
}

http::response refusal_of(const options& given) {
  http::response refusal = http::response::refused(503, "not_in_service", "not in service");
  refusal.headers.emplace_back("retry-after", std::to_string(retry_after_seconds(given.retry_after)));
  return refusal;
}

// An empty path is nobody's.
bool is_check(const http::request& asked, const std::string& path) { return !path.empty() && asked.path_is(path); }

}  // namespace

struct step::shared {
  std::shared_ptr<policy> gate;
  readiness_check readiness;
  http::response refusal;  // made once
};

step::step(std::shared_ptr<policy> gate, readiness_check readiness) {
  http::response refusal = refusal_of(gate->settings());
  with_ = std::make_shared<const shared>(std::move(gate), std::move(readiness), std::move(refusal));
}

entry step::enter(passage& way, held& mine) const {
  policy& gate = *with_->gate;
  const bool is_live_check = is_check(way.asked, gate.settings().live_path);
  if (is_live_check || is_check(way.asked, gate.settings().ready_path)) [[unlikely]]
    return enter_check(way, is_live_check);
  if (!gate.serves()) [[unlikely]]
    return refuse(way);
  mine.emplace(gate.enter());
  return entry::passes;
}

entry step::enter_check(passage& way, bool is_live_check) const {
  const state now_is = with_->gate->now_is();
  if (way.asked.verb() != http::method::get && way.asked.verb() != http::method::head) {
    return answered(way, not_allowed());
  }
  if (is_live_check) return answered(way, health_of(now_is != state::stopped));
  if (now_is == state::ready && with_->readiness) return entry::waits;
  return tell_ready(way, now_is == state::ready);
}

entry step::refuse(passage& way) const {
  with_->gate->on_refused();
  return answered(way, with_->refusal);
}

task<entry> step::wait(passage& way, held&) const {
  const policy& gate = *with_->gate;
  const instant limit = saturating_add(way.ctx.on->turn_time(), gate.settings().readiness_limit);
  const result<void> found = co_await with_deadline(limit, with_->readiness());
  // It may have begun to drain meanwhile.
  co_return tell_ready(way, found.has_value() && gate.now_is() == state::ready);
}

entry step::tell_ready(passage& way, bool ready) const {
  if (!ready) with_->gate->on_unready();
  return answered(way, health_of(ready));
}

// Its own answers end a connection as any other does.
entry step::answered(passage& way, http::response reply) const {
  close_if_drained(way, reply);
  return way.answered_with(std::move(reply));
}

void step::leave(const passage& way, const held&, http::response& reply) const { close_if_drained(way, reply); }

void step::close_if_drained(const passage& way, http::response& reply) const {
  // A connection that is taken out of HTTP is told by the server.
  if (!with_->gate->closes(way.ctx.on->turn_time()) || reply.close || reply.upgrade) [[likely]]
    return;
  reply.close = true;
  with_->gate->on_close();
}

handler_layer layer(std::shared_ptr<policy> gate, readiness_check readiness) {
  return steps(step(std::move(gate), std::move(readiness)));
}

}  // namespace assay::guard::drain
