#include "stack/http/request_target.hpp"

#include <algorithm>

#include "stack/http/chars.hpp"

namespace assay::http::detail {
namespace {

bool is_port(std::string_view text, port_rule rule) noexcept {
  if (text.empty()) return rule == port_rule::optional;  // "host:" is in the grammar of RFC 3986
  if (text.size() > 5) return false;
  int port = 0;
  for (const char byte : text) {
    if (!is_digit(byte)) return false;
    port = port * 10 + (byte - '0');
  }
  return port <= 65535;
}

// The length of the registered name or IPv4 address at the start, 0 if there is none.
std::size_t reg_name_length(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (has_class(text[at], reg_name_class)) {
      ++at;
    } else if (text[at] == '%' && text.size() - at >= 3 && hex_value(text[at + 1]) >= 0 &&
               hex_value(text[at + 2]) >= 0) {
      at += 3;
    } else {
      break;
    }
  }
  return at;
}

// The length of "[address]" at the start, 0 if that is not what there is.
std::size_t bracketed_length(std::string_view text) noexcept {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos || close < 3) return 0;
  const std::string_view address = text.substr(1, close - 1);
  const bool plausible =
      std::ranges::all_of(address, [](char byte) { return hex_value(byte) >= 0 || byte == ':' || byte == '.'; });
  return plausible && address.find(':') != std::string_view::npos ? close + 1 : 0;
}

}  // namespace

bool is_authority(std::string_view text, port_rule port) noexcept {
  if (text.empty()) return false;
  const std::size_t host = text.front() == '[' ? bracketed_length(text) : reg_name_length(text);
  if (host == 0) return false;
  if (host == text.size()) return port == port_rule::optional;
  return text[host] == ':' && is_port(text.substr(host + 1), port);
}

std::optional<std::string_view> authority_of_target(method verb, std::string_view target) noexcept {
  if (verb == method::connect) {
    if (!is_authority(target, port_rule::required)) return std::nullopt;
    return target;
  }
  if (target.front() == '/') return std::string_view{};
  if (target == "*") return verb == method::options ? std::optional(std::string_view{}) : std::nullopt;
  // absolute-form, of the schemes this protocol serves. No userinfo: RFC 9110 section 4.2.4 says to treat it
  // as an error, "http://trusted@evil/" is all it is used for. is_authority() refuses the '@'.
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    if (is_authority(authority, port_rule::optional)) return authority;
  }
  return std::nullopt;
}

}  // namespace assay::http::detail
