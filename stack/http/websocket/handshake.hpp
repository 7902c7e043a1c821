// The opening handshake (RFC 6455 section 4), both sides, as pure functions on heads.
//
// Misuse: taking a request for a handshake because it has an Upgrade field. check_request() looks at all of it; a page
// of another site can make a browser send one with your user's cookies, and only the Origin field tells.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/http/message.hpp"
#include "stack/http/websocket/extension.hpp"

namespace assay::websocket {

inline constexpr std::string_view protocol_version = "13";

// The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key.
[[nodiscard]] std::string accept_key(std::string_view key);

// A fresh Sec-WebSocket-Key: 16 random bytes, in base64.
[[nodiscard]] std::string random_key();

// What a client asks for; views into its head.
struct asked_handshake {
  std::string_view key;
  std::vector<std::string_view> protocols;  // in the client's order of preference
  std::vector<extension> extensions;
};

struct handshake_refusal {
  int status = 400;
  const char* why = "";
};

// 426 when it is no WebSocket handshake, or one of another version; 400 when it is malformed.
[[nodiscard]] std::expected<asked_handshake, handshake_refusal> check_request(const http::request_head& head);

// True when there is no Origin field (no browser sent it), or when it names the host that was asked.
[[nodiscard]] bool same_origin(const http::request_head& head);

// The first of `ours` that the client offers; empty when none.
[[nodiscard]] std::string_view choose_protocol(const std::vector<std::string>& ours,
                                               const std::vector<std::string_view>& offered);

struct handshake_offer {
  std::string key = {};
  std::vector<std::string> protocols = {};
  deflate_options deflate = {};
};

struct granted_handshake {
  std::string protocol = {};
  std::optional<deflate_agreement> deflate = {};
};

// What a server's answer of status 101 grants; an error is a sentence.
[[nodiscard]] std::expected<granted_handshake, const char*> check_answer(const http::response_head& head,
                                                                         const handshake_offer& offer);

}  // namespace assay::websocket
