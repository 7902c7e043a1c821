#include "stack/http/parser.hpp"

#include "stack/http/chars.hpp"
#include "stack/http/field_lines.hpp"
#include "stack/http/request_target.hpp"
#include "stack/http/status.hpp"

namespace assay::http {
namespace {

using detail::field_facts;
using detail::is_digit;
using detail::reason_for;
using outcome = std::expected<void, parse_error>;

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t version_bytes = 8;  // "HTTP/1.1"

std::string_view between(const char* first, const char* last) noexcept {
  return {first, static_cast<std::size_t>(last - first)};
}

// The minor version of the "HTTP/1.x" at the start of `text`; what follows it is the caller's to judge.
std::expected<int, parse_error> read_version(std::string_view text) noexcept {
  if (text.size() < version_bytes || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return std::unexpected(parse_error::bad_version);
  }
  if (text[5] != '1' || text[7] > '1') return std::unexpected(parse_error::unsupported_version);
  return text[7] - '0';
}

// Fills the request line, moving `at` to the first field line.
outcome read_request_line(const char*& at, const char* last, std::size_t max_target_bytes, request_head& out) noexcept {
  const char* const method_start = at;
  while (detail::is_token(*at)) ++at;
  if (at == method_start || *at != ' ') return std::unexpected(reason_for(at, parse_error::bad_method));
  out.method_text = between(method_start, at);
  out.verb = method_from(out.method_text);

  const char* const target_start = ++at;
  while (detail::has_class(*at, detail::target_class)) ++at;
  out.target = between(target_start, at);
  if (out.target.size() > max_target_bytes) return std::unexpected(parse_error::target_too_long);
  if (*at == '\r' && at[1] == '\n' && !out.target.empty()) {
    return std::unexpected(parse_error::bad_version);  // "GET /", which is HTTP/0.9
  }
  if (*at != ' ' || out.target.empty()) return std::unexpected(reason_for(at, parse_error::bad_target));

  ++at;
  const auto minor = read_version(between(at, last));
  if (!minor) return std::unexpected(minor.error());
  out.version_minor = *minor;
  at += version_bytes;
  if (*at != '\r' || at[1] != '\n') return std::unexpected(reason_for(at, parse_error::bad_version));
  at += 2;
  return {};
}

// Fills the status line, moving `at` to the first field line.
outcome read_status_line(const char*& at, const char* last, response_head& out) noexcept {
  const auto minor = read_version(between(at, last));
  if (!minor) return std::unexpected(minor.error());
  out.version_minor = *minor;
  at += version_bytes;
  if (*at != ' ') return std::unexpected(reason_for(at, parse_error::bad_version));
  ++at;
  out.status = 0;
  for (int digit = 0; digit < 3; ++digit, ++at) {
    if (!is_digit(*at)) return std::unexpected(reason_for(at, parse_error::bad_status));
    out.status = out.status * 10 + (*at - '0');
  }
  if (out.status < 100) return std::unexpected(parse_error::bad_status);
  // The grammar wants a space here even before an empty phrase. Servers that have no phrase leave it out often enough,
  // and nothing but the end of the line can be meant, so this one deviation is harmless and accepted.
  if (*at == ' ') {
    ++at;
  } else if (*at != '\r') {
    return std::unexpected(reason_for(at, parse_error::bad_status));
  }
  const char* const reason_start = at;
  for (at = detail::find_control(at, last); *at == '\t';) at = detail::find_control(at + 1, last);
  if (*at != '\r' || at[1] != '\n') return std::unexpected(reason_for(at, parse_error::bad_reason));
  out.reason = between(reason_start, at);
  at += 2;
  return {};
}

bool keeps_alive(const field_facts& facts, int version_minor) noexcept {
  if (facts.connection_close) return false;
  return version_minor >= 1 || facts.connection_keep_alive;
}

// What both directions share of RFC 9112 section 6.3. Neither field gives body_kind::none.
std::expected<body_framing, parse_error> framing_of(const field_facts& facts, int version_minor) noexcept {
  if (facts.transfer_encodings == 0) {
    const std::uint64_t length = facts.content_length.value_or(0);
    return body_framing{.kind = length != 0 ? body_kind::length : body_kind::none, .length = length};
  }
  // A hop that speaks 1.0 forwards the field without understanding it (section 6.1).
  if (version_minor == 0) return std::unexpected(parse_error::transfer_encoding_in_http_1_0);
  if (facts.content_length) return std::unexpected(parse_error::content_length_and_transfer_encoding);
  if (facts.transfer_encodings != 1 || !facts.chunked) {
    return std::unexpected(parse_error::unknown_transfer_encoding);
  }
  return body_framing{.kind = body_kind::chunked, .length = 0};
}

outcome decide_host(const field_facts& facts, request_head& out) noexcept {
  if (facts.hosts > 1) return std::unexpected(parse_error::duplicate_host);
  if (facts.hosts == 0 && out.version_minor >= 1) return std::unexpected(parse_error::missing_host);
  // Empty is what a client sends when its target has no authority (section 3.2).
  if (!facts.host.empty() && !detail::is_authority(facts.host, detail::port_rule::optional)) {
    return std::unexpected(parse_error::bad_host);
  }
  const auto authority = detail::authority_of_target(out.verb, out.target);
  if (!authority) return std::unexpected(parse_error::bad_target);
  out.host = authority->empty() ? facts.host : *authority;
  return {};
}

// RFC 9112 section 6.3, rules 1 to 8, for a response.
outcome decide_response_body(const field_facts& facts, method request_method, response_head& out) noexcept {
  out.body = {};
  if (request_method == method::connect && out.status / 100 == 2) {
    out.keep_alive = false;  // a tunnel from here on; both fields are to be ignored
    return {};
  }
  const auto framing = framing_of(facts, out.version_minor);
  if (!framing) return std::unexpected(framing.error());
  if (request_method == method::head || status_forbids_body(out.status)) {
    // HEAD and 304 describe the body they leave out. 204 has none to describe: a server that claims one may
    // be about to send it, and then those bytes would pass for the next response.
    if (out.status == 204 && framing->kind != body_kind::none) out.keep_alive = false;
    return {};
  }
  out.body = *framing;
  if (out.body.kind == body_kind::none && !facts.content_length) {
    out.body.kind = body_kind::until_close;
    out.keep_alive = false;
  }
  return {};
}

}  // namespace

outcome parse_request_head(std::string_view head, const parse_limits& limits, request_head& out) noexcept {
  if (head.size() > limits.max_head_bytes) return std::unexpected(parse_error::head_too_large);
  for (std::size_t lines = 0; head.starts_with("\r\n"); ++lines) {
    if (lines == max_leading_empty_lines) return std::unexpected(parse_error::too_many_empty_lines);
    head.remove_prefix(2);
  }
  if (!head.ends_with(head_end)) return std::unexpected(parse_error::incomplete_head);
  const char* at = head.data();
  const char* const last = at + head.size();
  if (auto line = read_request_line(at, last, limits.max_target_bytes, out); !line) return line;

  field_facts facts;
  out.headers.clear();
  if (auto fields = detail::read_field_lines(at, last, limits.max_header_fields, out.headers, facts); !fields) {
    return fields;
  }
  const auto framing = framing_of(facts, out.version_minor);
  if (!framing) return std::unexpected(framing.error());
  out.body = *framing;
  out.keep_alive = keeps_alive(facts, out.version_minor);
  // HTTP/1.0 knows neither of these (RFC 9110 sections 7.8 and 10.1.1). Without a body there is nothing to wait for.
  out.expect_continue = facts.expects_continue && out.version_minor >= 1 && out.body.kind != body_kind::none;
  out.upgrade = facts.upgrade_field && facts.connection_upgrade && out.version_minor >= 1;
  return decide_host(facts, out);
}

outcome parse_response_head(std::string_view head, method request_method, const parse_limits& limits,
                            response_head& out) noexcept {
  if (!head.ends_with(head_end)) return std::unexpected(parse_error::incomplete_head);
  if (head.size() > limits.max_head_bytes) return std::unexpected(parse_error::head_too_large);
  const char* at = head.data();
  const char* const last = at + head.size();
  if (auto line = read_status_line(at, last, out); !line) return line;

  field_facts facts;
  out.headers.clear();
  if (auto fields = detail::read_field_lines(at, last, limits.max_header_fields, out.headers, facts); !fields) {
    return fields;
  }
  out.keep_alive = keeps_alive(facts, out.version_minor);
  out.upgrade = out.status == 101 && facts.upgrade_field && facts.connection_upgrade;
  return decide_response_body(facts, request_method, out);
}

}  // namespace assay::http
