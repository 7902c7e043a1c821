// Idempotency keys in front of a handler (draft-ietf-httpapi-idempotency-key-header).
//
// For POST and PATCH with an Idempotency-Key; every other method is idempotent by itself, and without a key nothing is
// promised. The first request is carried out, and to its end: a client that leaves, or whose time is over, does not
// stop it, since it will ask again under this key. options::work_limit does, and a shutdown waits for it. A repetition
// is answered with the same status, headers and body, marked "idempotent-replayed: true"; 409 while the first is in
// progress; 422 when method, target or body differ.
//
// A handler that answers 5xx says that nothing was done: the key is free, and a repetition is carried out. Where nobody
// knows (ending_of() says when; an exception as well), or the answer cannot be given again (a stream, or one beyond
// max_answer_bytes), a repetition is 409 until the ttl is over, and somebody has to look.
//
// The body is read before the handler is called, since it belongs to the fingerprint.
//
// Misuse: a scope that other callers share. Whoever knows a key of the same scope is given the answer; this layer may
// stand outside of the one that checks credentials. By default the scope is the Authorization field.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "stack/guard/idempotency/policy.hpp"
#include "stack/guard/layer.hpp"
#include "stack/guard/step.hpp"

namespace assay::guard::idempotency {

inline constexpr std::size_t max_key_bytes = 255;  // 400 beyond it

// To whom a key belongs; a view of the request.
using scope_function = std::function<std::string_view(const http::request&)>;
std::string_view authorization_of(const http::request& asked);

handler_layer layer(std::shared_ptr<policy> store, scope_function scope_of = authorization_of);

// The same, for a row of steps; without a store everybody passes, as does who has no key.
class step : public decides_at_once {
 public:
  struct held {};
  step(std::shared_ptr<policy> store, scope_function scope_of);

  entry enter(passage& way, held& mine) const;
  task<http::response> wrap(http::request& asked, http::handler rest) const;
  static void leave(const passage&, const held&, const http::response&) {}

 private:
  std::shared_ptr<policy> store_;
  scope_function scope_of_;
};

}  // namespace assay::guard::idempotency
