// What a request holds (a place, a visit, a ticket) it holds until its stream has ended, where its answer has one.
//
// Misuse: members of Held in an order in which what it points into goes first.
#pragma once

#include <memory>
#include <utility>

#include "stack/http/handler.hpp"

namespace assay::guard {

// For the end of a handler: without a stream it is given back here.
template <class Held>
void hold_during_stream(http::response& reply, Held held) {
  if (!reply.stream) return;
  reply.stream = [held = std::make_shared<Held>(std::move(held)),
                  produce = std::move(reply.stream)] ASSAY_CORO_WRAPPER(http::body_sink & to) { return produce(to); };
}

}  // namespace assay::guard
