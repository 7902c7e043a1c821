#include "stack/guard/remote.hpp"

#include <utility>

#include "stack/guard/trace/layer.hpp"
#include "stack/http/settings.hpp"

namespace assay::guard {
namespace {

chain::client_options with_ids(chain::client_options given) {
  if (!given.observe) given.observe = trace::sending_layer();
  return given;
}

}  // namespace

remote::remote(const http::origin& to, chain::client_options guards, const http::client_limits& limits)
    : client_(to, limits),
      guards_(http::or_refuse(chain::client::make(with_ids(std::move(guards)), {to.host}))),
      ask_(guards_.around({exchange_of(client_)})) {}

void show(observe::mirror& in, const remote& of, std::string_view name) {
  show(in, of.connections(), name);
  show(in, of.guards(), name);
}

}  // namespace assay::guard
