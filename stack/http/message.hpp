// The head of an HTTP/1.x message as the parser leaves it: who asks for what (or which status came back), the
// header fields, and the one decision everything after depends on: how the body is framed.
//
// Every string_view points into the bytes the caller parsed. Nothing is copied, nothing is owned.
//
// Misuse: keeping a view past the buffer it points into. The typical form is to start the next read into the
// same buffer while a handler still looks at the head:
//
//     parse_request_head(buffer.view(), limits, head);
//     buffer.consume(head_bytes);              // or: co_await socket.read(buffer)
//     route(head.target);                      // dangling: the bytes may be gone or overwritten
//
// Copy what must outlive the buffer (std::string(head.target)) before the buffer changes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "stack/runtime/precondition.hpp"

namespace assay::http {

// The methods of RFC 9110 section 9.3 and PATCH (RFC 5789); every other token is `other`, its text is kept.
enum class method : std::uint8_t { get, head, post, put, delete_, connect, options, trace, patch, other };

// Case-sensitive, as RFC 9110 section 9.1 says: "get" is `other`. Whether the text is a token is not checked.
[[nodiscard]] method method_from(std::string_view text) noexcept;

// The text on the wire. `other` has none of its own and gives "OTHER": a metric label, never to be sent.
[[nodiscard]] std::string_view to_string_view(method verb) noexcept;

// ASCII only, independent of the locale: field names and tokens compare this way, other bytes must be equal.
[[nodiscard]] bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;

// The capacity of a header_list. More fields than this in one head is an attack or a defect: 431.
inline constexpr std::size_t max_header_fields = 64;

struct header_field {
  std::string_view name;   // a token, in the sender's spelling
  std::string_view value;  // without the whitespace around it; may be empty
};

// The header fields in the order received, duplicates included. Fixed capacity, so parsing never allocates.
class header_list {
 public:
  using const_iterator = const header_field*;

  // The value of the first field of that name. For a field that may repeat, iterate or ask count() as well.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

  header_list() noexcept {}  // not defaulted: that could clear the storage

  // False when the list is full; the list is then unchanged.
  [[nodiscard]] bool push_back(header_field field) noexcept {
    if (size_ == max_header_fields) return false;
    std::construct_at(reinterpret_cast<header_field*>(storage_.data()) + size_++, field);
    return true;
  }
  void clear() noexcept { size_ = 0; }

  [[nodiscard]] const header_field& operator[](std::size_t index) const noexcept {
    ASSAY_PRECONDITION(index < size_, "no header field has this index");
    return begin()[index];
  }
  [[nodiscard]] const_iterator begin() const noexcept { return reinterpret_cast<const header_field*>(storage_.data()); }
  [[nodiscard]] const_iterator end() const noexcept { return begin() + size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  // A field comes into being when it is pushed: most requests have few, and clearing 2 KiB for each costs more than
  // reading it.
  alignas(header_field) std::array<std::byte, max_header_fields * sizeof(header_field)> storage_;
  std::size_t size_ = 0;
};

enum class body_kind : std::uint8_t {
  none,         // the message ends with its head; "Content-Length: 0" is this too
  length,       // exactly `length` bytes follow, at least one
  chunked,      // chunked_decoder finds the end
  until_close,  // responses only: the end of the connection is the end of the body
};

struct body_framing {
  body_kind kind = body_kind::none;
  std::uint64_t length = 0;  // bytes; zero unless kind is `length`
};

// About 2 KiB. Keep one for each connection and parse into it again and again: only the fields in use are touched.
struct request_head {
  method verb = method::other;
  std::string_view method_text;
  std::string_view target;  // as sent: origin-form, absolute-form, authority-form or "*"
  int version_minor = 1;    // HTTP/1.0 or HTTP/1.1
  header_list headers;
  body_framing body;
  bool keep_alive = false;       // the client allows another request on this connection
  bool expect_continue = false;  // the client waits for "100 Continue" before it sends the body
  bool upgrade = false;          // Upgrade, and Connection names it (never true for HTTP/1.0)
  // The authority asked for. From the target when that is in absolute-form or authority-form, which then wins
  // over the Host field (RFC 9112 section 3.2.2), else the Host field. Empty when HTTP/1.0 sent none.
  std::string_view host;
};

struct response_head {
  int status = 0;           // 100..999
  std::string_view reason;  // may be empty; never decide anything by it
  int version_minor = 1;
  header_list headers;
  body_framing body;
  bool keep_alive = false;  // the connection can carry another request once the body has been read
  bool upgrade = false;     // status 101 with Upgrade and Connection: the bytes after are another protocol
};

}  // namespace assay::http
