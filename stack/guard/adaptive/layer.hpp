// Measures the handler that it stands around, and tells a shed layer further out how many to let in.
//
//   const auto admission = std::make_shared<guard::shed::policy>(guard::shed::options{});
//   const auto limit = std::make_shared<guard::adaptive::policy>(guard::adaptive::options{});
//   compose({guard::shed::layer(admission), ..., guard::adaptive::layer(limit, admission)}, handler)
//
// Innermost, so that nothing is measured but the service: what a rate limit refuses, or a cache gives, takes no time.
// An answer below 400 is a measure; 499 and 504 say that it would have taken longer; other failures say nothing. Of a
// stream the time to its head counts, and it is in flight to its end.
//
// Misuse: a shed layer with a max_in_flight below adaptive's: shed's holds, and this goes on hoping for more.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "stack/guard/adaptive/policy.hpp"
#include "stack/guard/layer.hpp"
#include "stack/guard/shed/policy.hpp"
#include "stack/guard/step.hpp"

namespace assay::guard::adaptive {

handler_layer layer(std::shared_ptr<policy> limit, std::shared_ptr<shed::policy> admission);

// The same, for a row of steps: the last of them. Without a limit everybody passes, unmeasured.
class step : public decides_at_once {
 public:
  using held = std::optional<ticket>;
  step(std::shared_ptr<policy> limit, std::shared_ptr<shed::policy> admission);

  entry enter(passage& way, held& mine) const {
    if (limit_) begin(way, mine);
    return entry::passes;
  }
  void leave(const passage& way, held& mine, const http::response& reply) const {
    if (limit_) end(way, *mine, reply);
  }

 private:
  void begin(const passage& way, held& mine) const;
  void end(const passage& way, ticket& mine, const http::response& reply) const;

  std::shared_ptr<policy> limit_;
  std::shared_ptr<shed::policy> admission_;
};

}  // namespace assay::guard::adaptive
