// What a request holds (a place, a visit, a ticket) it holds until its stream has ended, where its answer has one: that
// of a server until it is produced, that of a client until its source goes.
//
// Misuse: members of Held in an order in which what it points into goes first.
#pragma once

#include <memory>
#include <utility>

#include "stack/http/client.hpp"
#include "stack/http/handler.hpp"

namespace assay::guard {

// For the end of a handler: without a stream it is given back here.
template <class Held>
void hold_during_stream(http::response& reply, Held held) {
  if (!reply.stream) return;
  reply.stream = [held = std::make_shared<Held>(std::move(held)),
                  produce = std::move(reply.stream)] ASSAY_CORO_WRAPPER(http::body_sink & to) { return produce(to); };
}

// For the end of an exchange: without a response that is read in pieces it is given back here.
template <class Held>
void hold_during_body(result<http::client_response>& got, Held held) {
  struct holding {
    Held held;
    std::shared_ptr<http::body_source> inner;  // goes first
  };
  if (!got || !got->source) return;
  const auto both = std::make_shared<holding>(std::move(held), std::move(got->source));
  got->source = std::shared_ptr<http::body_source>(both, both->inner.get());
}

}  // namespace assay::guard
