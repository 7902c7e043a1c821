// Writes the head of a response. Internal to the server.
//
// Misuse: passing header values that hold CR, LF or NUL: that is response splitting. sendable() tells.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "stack/http/handler.hpp"

namespace assay::http::detail {

struct response_framing {
  bool keep = true;
  bool chunked = false;
  bool with_length = true;  // Content-Length from the body; neither this nor chunked: until the connection closes
  bool upgrade = false;     // the connection leaves HTTP: neither kept nor closed
  int version_minor = 1;    // of the request
  std::string_view date;    // a complete field line
};

// False when the status is not final, but for 101 with an upgrade, or a field cannot be written without changing the
// message's framing.
bool sendable(const response& reply);

void append_response_head(std::string& to, const response& reply, const response_framing& framing);

// "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" (RFC 9110 section 5.6.7)
std::string format_date_field(std::time_t seconds);

}  // namespace assay::http::detail
