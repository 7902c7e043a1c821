// UTF-8 as it arrives (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF, and refused at the first
// byte that cannot be mended by those that follow.
//
//   utf8_checker check;
//   if (!check.feed(piece)) refuse();        // after each piece
//   if (!check.complete()) refuse();         // at the end: in the middle of a character
//
// Misuse: checking fragments one by one. A character may lie across the cut; feed them to one checker.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::websocket {

class utf8_checker {
 public:
  // False from the first wrong byte on.
  [[nodiscard]] bool feed(std::string_view bytes) noexcept;
  [[nodiscard]] bool complete() const noexcept { return left_ == 0; }
  void reset() noexcept { *this = {}; }

 private:
  [[nodiscard]] bool begin(unsigned char lead) noexcept;

  std::uint8_t left_ = 0;    // bytes of the character still to come
  std::uint8_t low_ = 0x80;  // what the next of them may be
  std::uint8_t high_ = 0xbf;
};

[[nodiscard]] inline bool is_utf8(std::string_view bytes) noexcept {
  utf8_checker check;
  return check.feed(bytes) && check.complete();
}

}  // namespace assay::websocket
