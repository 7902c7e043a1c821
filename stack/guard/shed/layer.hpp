// Sheds in front of a handler: 503 with Retry-After for what is not admitted. A layer is called when a request's head
// has been parsed, so an idle connection holds no place and a refused body is not read.
//
// Misuse: a layer outside of this one that reads bodies or asks a database: it would work for what is then refused.
#pragma once

#include <memory>
#include <optional>

#include "stack/guard/layer.hpp"
#include "stack/guard/shed/policy.hpp"
#include "stack/guard/step.hpp"

namespace assay::guard::shed {

// A place is held until the handler has ended, and its stream when there is one.
handler_layer layer(std::shared_ptr<policy> admission);

// The same, for a row of steps; without a policy everybody passes.
class step {
 public:
  using held = std::optional<place>;
  explicit step(std::shared_ptr<policy> admission);

  entry enter(passage& way, held& mine) const;
  task<entry> wait(passage& way, held& mine) const;
  static void leave(const passage&, const held&, const http::response&) {}

 private:
  [[gnu::cold]] entry refuse(passage& way) const;

  std::shared_ptr<policy> admission_;
  // Made once: under overload a refusal is to cost a copy of a few bytes.
  std::shared_ptr<const http::response> refusal_;
};

}  // namespace assay::guard::shed
