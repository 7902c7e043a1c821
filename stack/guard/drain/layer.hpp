// The outermost layer of a server: answers health checks, and sees a server out.
//
//   const auto gate = std::make_shared<guard::drain::policy>(guard::drain::options{});
//   http::serve_options options;
//   options.on_stop = [gate](unsigned, instant now) { return gate->drain(now); };
//   options.on_end = [gate](unsigned) { gate->stop(); };
//   http::serve([&](unsigned) { return guard::drain::layer(gate)(hello); }, options);
//
// GET and HEAD of live_path and ready_path are answered here, so that no limit further in can refuse them; with JSON,
// {"status":"ok"} or 503 and {"status":"unavailable"}; other methods there are 405. A service that is alive and cannot
// serve, for want of its database or because its loop is late, says so in `readiness`; that has readiness_limit, and is
// not asked while it drains.
//
// One gate for each loop, as ever: on_stop is called on the thread of each.
//
// Misuse: a readiness that checks what all instances share. When that fails they all leave, and nobody is left to
// answer.
#pragma once

#include <memory>
#include <optional>

#include "stack/guard/drain/policy.hpp"
#include "stack/guard/layer.hpp"
#include "stack/guard/step.hpp"

namespace assay::guard::drain {

// Whether the service could serve now.
using readiness_check = task_function<task<result<void>>()>;

// A request is in flight until its handler has ended, and its stream when there is one.
handler_layer layer(std::shared_ptr<policy> gate, readiness_check readiness = {});

// The same, for a row of steps: the first of them.
class step {
 public:
  using held = std::optional<visit>;
  explicit step(std::shared_ptr<policy> gate, readiness_check readiness = {});

  entry enter(passage& way, held& mine) const;
  task<entry> wait(passage& way, held& mine) const;  // for `readiness`
  void leave(const passage& way, const held& mine, http::response& reply) const;

 private:
  struct shared;
  // Apart, so that whoever passes pays for none of their locals.
  [[gnu::cold]] entry enter_check(passage& way, bool is_live_check) const;
  [[gnu::cold]] entry refuse(passage& way) const;
  entry tell_ready(passage& way, bool ready) const;
  entry answered(passage& way, http::response reply) const;
  void close_if_drained(const passage& way, http::response& reply) const;

  std::shared_ptr<const shared> with_;
};

}  // namespace assay::guard::drain
