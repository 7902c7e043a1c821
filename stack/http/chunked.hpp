// The chunked transfer coding (RFC 9112 section 7.1): a push decoder that hands out views into the caller's
// bytes, and the few bytes an encoder needs.
//
//     while (!bytes.empty()) {
//       const chunk_piece piece = decoder.feed(bytes);
//       bytes.remove_prefix(piece.consumed);
//       if (piece.state == chunk_state::payload) sink(piece.payload);
//       else if (piece.state == chunk_state::error) return refuse(piece.error);
//       else if (piece.state == chunk_state::done) return;  // `bytes` now begins the next message
//     }
//
// Trailer fields are checked like header fields, then dropped: merging them into a head that was already
// acted upon is a known way to smuggle. Chunk extensions are bounded and skipped, nobody uses them.
//
// Misuse: treating the end of the connection as the end of the body. Only `done` says that the body is
// complete; a body cut short must not be served or cached as if it were whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "stack/http/parse_error.hpp"

namespace assay::http {

struct chunk_limits {
  std::size_t max_line_bytes = 256;            // one chunk-size line with its extensions, without its CRLF
  std::size_t max_extension_bytes = 4 * 1024;  // all extensions of one body together
  std::size_t max_trailer_bytes = 8 * 1024;    // all trailer lines, each with its CRLF
};

// Leading zeros not counted. A chunk is smaller than 2^60 bytes then, and no sum of sizes here overflows.
inline constexpr int max_chunk_size_digits = 15;

enum class chunk_state : std::uint8_t {
  need_more,  // all bytes consumed, no payload in them beyond what was handed out
  payload,    // a piece of the body; feed the bytes behind it next
  done,       // the body is complete; bytes not consumed belong to the next message
  error,      // refused, for good
};

struct chunk_piece {
  chunk_state state = chunk_state::need_more;
  std::size_t consumed = 0;    // bytes of the input dealt with, framing and payload
  std::string_view payload{};  // inside the input; not empty when state is payload, else empty
  parse_error error{};         // meaningful only when state is error
};

// Decodes one body. How the input is cut into pieces changes the cut of the payload, never its bytes or the
// verdict. The sum of the payload is not bounded here: the caller has the limit for bodies, and it counts.
class chunked_decoder {
 public:
  explicit chunked_decoder(const chunk_limits& limits = {}) noexcept : limits_(limits) {}

  // Goes to the end of the next piece of payload, the end of the body, an error, or the end of the input.
  // After `done` and after an error it consumes nothing and says the same again.
  [[nodiscard]] chunk_piece feed(std::string_view bytes) noexcept;

  [[nodiscard]] bool done() const noexcept { return step_ == step::done; }

  // Ready for another body, with the same limits.
  void reset() noexcept { *this = chunked_decoder(limits_); }

 private:
  enum class step : std::uint8_t {
    size_start,       // the first digit of a chunk size
    size,             // further digits
    size_space,       // whitespace after the size: only an extension may follow
    extension_start,  // after ';'
    extension,        // the rest of the line
    size_lf,          // the LF of the chunk-size line
    data,             // payload
    data_cr,          // CRLF after the payload
    data_lf,
    trailer_start,  // the first byte of a trailer line, or the CR of the last empty line
    trailer_name,
    trailer_space,  // whitespace behind the name: refused, this decides with which reason
    trailer_value,
    trailer_lf,
    last_lf,  // the LF of the last empty line
    done,
    failed,
  };

  // Each takes one byte of framing; false means refused, with error_ set.
  [[nodiscard]] bool take(char byte) noexcept;
  [[nodiscard]] bool take_size(char byte) noexcept;
  [[nodiscard]] bool take_extension(char byte) noexcept;
  [[nodiscard]] bool take_trailer(char byte) noexcept;
  [[nodiscard]] bool end_size_line() noexcept;
  [[nodiscard]] bool fail(parse_error error) noexcept;
  [[nodiscard]] bool fail_at(char byte, parse_error otherwise) noexcept;
  [[nodiscard]] bool go(step next) noexcept {
    step_ = next;
    return true;
  }

  chunk_limits limits_;
  std::uint64_t chunk_left_ = 0;     // bytes of this chunk to come; while its line is read, its size so far
  std::size_t line_bytes_ = 0;       // of the current chunk-size line
  std::size_t extension_bytes_ = 0;  // of the whole body
  std::size_t trailer_bytes_ = 0;
  int significant_digits_ = 0;
  step step_ = step::size_start;
  parse_error error_{};
};

// Room for the largest chunk header: 16 hex digits, CR, LF.
inline constexpr std::size_t max_chunk_header_bytes = 18;

// What follows the data of each chunk, and what follows the last chunk (a body without trailers).
inline constexpr std::string_view chunk_data_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

// Writes "<size in hex>\r\n" at the start of `out` and returns how many bytes that is. `size_bytes` must not
// be zero: a chunk of size zero ends the body, which is what last_chunk is for.
[[nodiscard]] std::size_t encode_chunk_header(std::uint64_t size_bytes,
                                              std::span<char, max_chunk_header_bytes> out) noexcept;

}  // namespace assay::http
