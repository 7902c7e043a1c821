#include "stack/http/websocket/handshake.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>

#include "stack/http/chars.hpp"
#include "stack/http/websocket/random.hpp"

namespace assay::websocket {
namespace {

constexpr std::string_view magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr std::size_t key_bytes = 16;
constexpr std::size_t key_text_bytes = 24;

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // and a NUL
  const int size =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

bool is_base64(char c) {
  return http::detail::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
}

// 16 bytes in base64: 22 digits, of which the last has only two bits to say, and two signs of padding.
bool is_key(std::string_view text) {
  constexpr std::string_view last_digits = "AQgw";
  return text.size() == key_text_bytes && text.ends_with("==") && last_digits.contains(text[21]) &&
         std::ranges::all_of(text.substr(0, 21), is_base64);
}

// The value of a field that must be there exactly once.
std::optional<std::string_view> only(const http::header_list& headers, std::string_view name) {
  return headers.count(name) == 1 ? headers.find(name) : std::nullopt;
}

// The elements of all fields of that name, each a token; nullopt when one is not.
std::optional<std::vector<std::string_view>> tokens(const http::header_list& headers, std::string_view name) {
  std::vector<std::string_view> all;
  for (const http::header_field& field : headers) {
    if (!http::equals_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      more = comma != std::string_view::npos;
      std::string_view each = rest.substr(0, comma);
      if (more) rest.remove_prefix(comma + 1);
      while (!each.empty() && http::detail::is_blank(each.front())) each.remove_prefix(1);
      while (!each.empty() && http::detail::is_blank(each.back())) each.remove_suffix(1);
      if (each.empty() || !std::ranges::all_of(each, http::detail::is_token)) return std::nullopt;
      all.push_back(each);
    }
  }
  return all;
}

// Upgrade is a list, of protocols that may have a version.
bool upgrades_to_websocket(const http::header_list& headers) {
  const auto protocols = tokens(headers, "upgrade");
  return protocols && std::ranges::any_of(*protocols, [](std::string_view each) {
           return http::equals_ignoring_case(each, "websocket");
         });
}

bool has_repetition(const std::vector<std::string_view>& names) {
  for (auto each = names.begin(); each != names.end(); ++each) {
    if (std::find(each + 1, names.end(), *each) != names.end()) return true;
  }
  return false;
}

}  // namespace

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key).append(magic);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  // SHA-1, because the protocol says so: it proves that the peer speaks it, and nothing else.
  if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) != 1) throw std::bad_alloc();
  return base64({reinterpret_cast<const char*>(digest.data()), size});
}

std::string random_key() {
  std::array<char, key_bytes> bytes;
  fill_random(bytes);
  return base64({bytes.data(), bytes.size()});
}

std::expected<asked_handshake, handshake_refusal> check_request(const http::request_head& head) {
  const auto refuse = [](int status, const char* why) { return std::unexpected(handshake_refusal{status, why}); };
  if (head.verb != http::method::get || !head.upgrade || !upgrades_to_websocket(head.headers)) {
    return refuse(426, "this address speaks WebSocket");
  }
  if (only(head.headers, "sec-websocket-version") != protocol_version) {
    return refuse(426, "the only version spoken here is 13");
  }
  if (head.body.kind != http::body_kind::none) return refuse(400, "a handshake has no body");
  asked_handshake asked;
  asked.key = only(head.headers, "sec-websocket-key").value_or(std::string_view());
  if (!is_key(asked.key)) return refuse(400, "one Sec-WebSocket-Key, of 16 bytes in base64");
  auto protocols = tokens(head.headers, "sec-websocket-protocol");
  if (!protocols || has_repetition(*protocols)) return refuse(400, "Sec-WebSocket-Protocol is a list of tokens");
  auto extensions = parse_extensions(head.headers);
  if (!extensions) return refuse(400, "Sec-WebSocket-Extensions is malformed");
  asked.protocols = std::move(*protocols);
  asked.extensions = std::move(*extensions);
  return asked;
}

bool same_origin(const http::request_head& head) {
  const std::size_t count = head.headers.count("origin");
  if (count != 1) return count == 0;
  const std::string_view origin = *head.headers.find("origin");
  const std::size_t scheme_end = origin.find("://");
  return scheme_end != std::string_view::npos && http::equals_ignoring_case(origin.substr(scheme_end + 3), head.host);
}

std::string_view choose_protocol(const std::vector<std::string>& ours, const std::vector<std::string_view>& offered) {
  const auto chosen = std::ranges::find_if(
      ours, [&offered](const std::string& each) { return std::ranges::find(offered, each) != offered.end(); });
  return chosen == ours.end() ? std::string_view() : std::string_view(*chosen);
}

std::expected<granted_handshake, const char*> check_answer(const http::response_head& head,
                                                           const handshake_offer& offer) {
  if (!head.upgrade || !upgrades_to_websocket(head.headers)) {
    return std::unexpected("the server switched to something else than WebSocket");
  }
  if (only(head.headers, "sec-websocket-accept") != accept_key(offer.key)) {
    return std::unexpected("the server's Sec-WebSocket-Accept does not answer our key");
  }
  granted_handshake granted;
  if (const std::size_t chosen = head.headers.count("sec-websocket-protocol"); chosen > 0) {
    granted.protocol = *head.headers.find("sec-websocket-protocol");
    if (chosen > 1 || std::ranges::find(offer.protocols, granted.protocol) == offer.protocols.end()) {
      return std::unexpected("the server chose a subprotocol that was not offered");
    }
  }
  const auto extensions = parse_extensions(head.headers);
  if (!extensions) return std::unexpected("the server's Sec-WebSocket-Extensions is malformed");
  const auto agreed = deflate_answer(*extensions, offer.deflate);
  if (!agreed) return std::unexpected(agreed.error());
  granted.deflate = *agreed;
  return granted;
}

}  // namespace assay::websocket
