// Limits the rate in front of a handler, by a key of the request: 429 with Retry-After beyond it.
//
//   guard::rate_limit::layer(quota, guard::rate_limit::by_field("x-api-key"))
//
// Misuse: limiting by a field that a proxy in front sets and clients can set too: they choose their own key then.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "stack/guard/layer.hpp"
#include "stack/guard/rate_limit/policy.hpp"
#include "stack/guard/step.hpp"

namespace assay::guard::rate_limit {

// Whose bucket a request is taken from; a view of the request.
using key_function = std::function<std::string_view(const http::request&)>;

// The value of the first field of that name. Requests without it share one bucket.
key_function by_field(std::string name);
// One bucket for all.
key_function for_all();

handler_layer layer(std::shared_ptr<policy> quota, key_function key_of);

// The same, for a row of steps. Without a quota all pass.
class step : public decides_at_once {
 public:
  struct held {};
  step(std::shared_ptr<policy> quota, key_function key_of) : quota_(std::move(quota)), key_of_(std::move(key_of)) {}

  entry enter(passage& way, const held&) const { return quota_ ? take(way) : entry::passes; }
  static void leave(const passage&, const held&, const http::response&) {}

 private:
  entry take(passage& way) const;
  [[gnu::cold]] static entry refuse(passage& way, const verdict& told);

  std::shared_ptr<policy> quota_;
  key_function key_of_;
};

}  // namespace assay::guard::rate_limit
