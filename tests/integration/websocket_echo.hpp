// What our two sides of the WebSocket tests share: the session that echoes, and how connections are set up for it.
//
// Misuse: another spelling of a mode, which is compressed without a kept context.
#pragma once

#include <string_view>

#include "stack/http/websocket/connection.hpp"

namespace assay::websocket::testing {

// `mode` is "plain"; "fresh", compressed without a kept context; or "kept", compressed with one.
inline settings settings_of(std::string_view mode) {
  settings to;
  to.deflate.enabled = mode != "plain";
  to.deflate.context_takeover = mode == "kept";
  return to;
}

// For messages of 16 MiB, which is as large as any in the Autobahn suite.
inline settings large_settings_of(std::string_view mode) {
  constexpr std::size_t largest = 16 * 1024 * 1024;
  settings to = settings_of(mode);
  to.messages = {.max_frame_bytes = largest, .max_message_bytes = largest};
  to.max_queued_bytes = 2 * largest;
  return to;
}

// Until the peer has closed, or broken the protocol; or has asked for a Close of its own choice of words.
inline task<void> echo_all(connection& peer) {
  while (true) {
    const result<message> got = co_await peer.receive();
    if (!got) co_return;
    if (got->payload == "please close") co_return peer.close(static_cast<close_code>(4321), "as you wish");
    const result<void> sent = co_await peer.send(got->kind, got->payload);
    if (!sent) co_return;
  }
}

}  // namespace assay::websocket::testing
