// Narrows the deadline in the context of what comes next, by a limit and by what the caller has left.
//
//   guard::timeout::layer(std::make_shared<guard::timeout::policy>(guard::timeout::options{.limit = 2s}))
//
// A handler under it fails in its waits with errc::timed_out and answers response::from() of that: 504. What has no
// time left is answered 504 without a handler. A handler that answers late all the same keeps its answer, since what it
// did it did; it is counted. A stream is bound by the server's write_timeout and not by this: its head has been sent.
//
// Misuse: a handler that waits under a context of its own making. It does not inherit the deadline.
#pragma once

#include <memory>
#include <utility>

#include "stack/guard/layer.hpp"
#include "stack/guard/step.hpp"
#include "stack/guard/timeout/policy.hpp"

namespace assay::guard::timeout {

handler_layer layer(std::shared_ptr<policy> limit);

// The same, for a row of steps; without a policy everybody passes.
class step : public decides_at_once {
 public:
  struct held {};
  explicit step(std::shared_ptr<policy> limit) : limit_(std::move(limit)) {}

  entry enter(passage& way, held& mine) const;
  void leave(const passage& way, const held& mine, const http::response& reply) const;

 private:
  std::shared_ptr<policy> limit_;
};

// The same around one attempt of a client, which is told in request-timeout-ms what it has left. Fails with
// errc::timed_out, and nothing is sent, when that is less than a millisecond.
exchange_layer attempt_layer(std::shared_ptr<policy> limit);

// Around a call with all of its attempts and the pauses between them.
exchange_layer call_layer(std::shared_ptr<policy> limit);

}  // namespace assay::guard::timeout
