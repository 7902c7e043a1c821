// The server's side: where a WebSocket is opened.
//
//   const websocket::endpoint chat({.protocols = {"chat.v2"}});      // once, at the start
//
//   task<http::response> answer(http::request& asked) {
//     if (asked.path() == "/chat") co_return chat.accept(asked, talk);    // task<void> talk(websocket::connection&)
//     ...
//   }
//
// accept() gives the response that switches protocols, or the one that refuses: 426 to what is no handshake of version
// 13, 400 when it is malformed, 403 to a foreign origin. What the session needs of the request goes by value:
//
//   [user] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return talk(user, peer); }
//
// A server that drains sends 1001 to each connection and lets it answer; who has not by drain_timeout is cut.
//
// Misuse: an allows() that says yes to everyone where cookies say who somebody is. Any page could then speak to this
// endpoint in the name of its visitor: browsers send cookies along, and ask nobody.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stack/http/handler.hpp"
#include "stack/http/websocket/connection.hpp"

namespace assay::websocket {

struct endpoint_options {
  std::vector<std::string> protocols = {};  // subprotocols, the best first; a client that offers none of them gets none
  // Asked about each handshake; false is a 403.
  std::function<bool(const http::request_head&)> allows = same_origin;
  settings connections = {};
};

class endpoint {
 public:
  explicit endpoint(endpoint_options options);

  http::response accept(const http::request& asked, session talk) const;

 private:
  endpoint_options options_;
  std::shared_ptr<const settings> settings_;  // of connections that may outlive the endpoint
};

}  // namespace assay::websocket
