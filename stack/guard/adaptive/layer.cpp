#include "stack/guard/adaptive/layer.hpp"

#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::guard::adaptive {
namespace {

void tell(ticket& mine, int status, instant now) {
  if (status < 400) mine.done(now);
  if (status == 499 || status == 504) mine.cut(now);
}

}  // namespace

step::step(std::shared_ptr<policy> limit, std::shared_ptr<shed::policy> admission)
    : limit_(std::move(limit)), admission_(std::move(admission)) {
  if (limit_) admission_->limit_to(limit_->limit());
}

void step::begin(const passage& way, held& mine) const { mine.emplace(limit_->begin(way.ctx.on->turn_time())); }

void step::end(const passage& way, ticket& mine, const http::response& reply) const {
  tell(mine, reply.status, way.ctx.on->turn_time());
  if (const std::size_t now_is = limit_->limit(); now_is != admission_->limit()) admission_->limit_to(now_is);
}

handler_layer layer(std::shared_ptr<policy> limit, std::shared_ptr<shed::policy> admission) {
  return steps(step(std::move(limit), std::move(admission)));
}

}  // namespace assay::guard::adaptive
