// The client's side: opens a WebSocket, runs a session on it, and closes it.
//
//   const result<void> ended = co_await websocket::connect({.host = "shop.internal", .address = *address},
//                                                          {.target = "/prices"}, listen);
//
// `listen` is a session as on the server, see connection.hpp. connect() comes back when the session has returned and
// the connection is closed: success, whatever became of it meanwhile (the session has seen that), or why it never
// began.
//
// Misuse: connecting again in a loop without a pause when the server refuses. Wait longer each time, by chance as well
// (stack/guard/retry has the arithmetic), or a server that comes back is met by all of its clients at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stack/http/client.hpp"
#include "stack/http/websocket/connection.hpp"

namespace assay::websocket {

struct client_options {
  std::string target = "/";
  std::vector<std::string> protocols = {};  // subprotocols, the best first
  // More fields, such as Origin or Authorization; without those of framing and of the handshake.
  std::vector<std::pair<std::string, std::string>> headers = {};
  settings connections = {};
  http::parse_limits parse = {};  // of the server's answer
  duration connect_timeout = std::chrono::seconds(5);
  duration handshake_timeout = std::chrono::seconds(10);  // from the request's first byte to the answer's last
};

// errc::invalid_argument: a target, field or subprotocol that cannot be sent; errc::permission: answered with 401 or
// 403; errc::limit: with 429 or 503; errc::refused: with another status, or nobody listens; errc::protocol: the answer
// is no handshake; errc::timed_out, errc::closed, errc::reset as the network says.
task<result<void>> connect(http::origin to, client_options options, session talk);

}  // namespace assay::websocket
