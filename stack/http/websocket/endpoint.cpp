#include "stack/http/websocket/endpoint.hpp"

#include <cassert>
#include <utility>

namespace assay::websocket {
namespace {

http::response refused(const handshake_refusal& why) {
  http::response reply = http::response::text(std::string(why.why) + "\n", why.status);
  if (why.status == 426) {
    reply.headers.emplace_back("upgrade", "websocket");
    reply.headers.emplace_back("sec-websocket-version", protocol_version);
  }
  return reply;
}

}  // namespace

endpoint::endpoint(endpoint_options options)
    : options_(std::move(options)), settings_(std::make_shared<const settings>(options_.connections)) {
  assert(check(*settings_) && options_.allows && "check() the settings first");
}

http::response endpoint::accept(const http::request& asked, session talk) const {
  auto handshake = check_request(asked.head());
  if (!handshake) return refused(handshake.error());
  if (!options_.allows(asked.head())) return refused({.status = 403, .why = "not from this origin"});
  http::response reply;
  reply.status = 101;
  reply.headers.emplace_back("upgrade", "websocket");
  reply.headers.emplace_back("sec-websocket-accept", accept_key(handshake->key));
  granted_handshake granted;
  granted.protocol = choose_protocol(options_.protocols, handshake->protocols);
  if (!granted.protocol.empty()) reply.headers.emplace_back("sec-websocket-protocol", granted.protocol);
  if (auto deflate = choose_deflate(handshake->extensions, settings_->deflate)) {
    granted.deflate = deflate->agreed;
    reply.headers.emplace_back("sec-websocket-extensions", std::move(deflate->answer));
  }
  auto with = std::make_shared<const opened>(settings_, std::move(granted), std::move(talk));
  reply.upgrade = [with = std::move(with)] ASSAY_CORO_WRAPPER(http::upgraded & raw) {
    return run_session(raw, role::server, with);
  };
  return reply;
}

}  // namespace assay::websocket
