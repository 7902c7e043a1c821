// The Sec-WebSocket-Extensions field (RFC 6455 section 9.1) and the negotiation of permessage-deflate (RFC 7692 section
// 7.1), both sides. Strict: an unknown, repeated or malformed parameter declines an offer, and ends a client's
// handshake.
//
// Misuse: keeping the views of an extension beyond the head they point into.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/http/message.hpp"
#include "stack/http/websocket/deflate.hpp"

namespace assay::websocket {

struct extension {
  struct parameter {
    std::string_view name;
    std::optional<std::string_view> value;  // a token; its quotation marks are taken away
  };
  std::string_view name;
  std::vector<parameter> parameters;
};

// Of all such fields, in order; nullopt when one is malformed.
[[nodiscard]] std::optional<std::vector<extension>> parse_extensions(const http::header_list& headers);

struct accepted_deflate {
  deflate_agreement agreed;
  std::string answer;  // the value of the server's field
};

// A server's: the first offer that can be accepted; none when there is none, or compression is not enabled.
[[nodiscard]] std::optional<accepted_deflate> choose_deflate(const std::vector<extension>& offers,
                                                             const deflate_options& options);

// A client's: the value of its field.
[[nodiscard]] std::string deflate_offer(const deflate_options& options);

// What a server's answer to that offer means; nothing agreed on when `answer` is empty. An error, a sentence, when it
// holds what was not offered, or less than was asked for.
[[nodiscard]] std::expected<std::optional<deflate_agreement>, const char*> deflate_answer(
    const std::vector<extension>& answer, const deflate_options& options);

}  // namespace assay::websocket
