#include "stack/http/websocket/utf8.hpp"

#include <cstddef>
#include <cstring>

namespace assay::websocket {
namespace {

// How many bytes at the front are ASCII, eight a step: most text is nothing else.
std::size_t ascii_prefix(std::string_view bytes) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::size_t at = 0;
  while (bytes.size() - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & high_bits) != 0) break;
    at += 8;
  }
  while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) at++;
  return at;
}

}  // namespace

// Table 3-7 of the Unicode standard: the first byte decides how many follow, and what the second may be.
bool utf8_checker::begin(unsigned char lead) noexcept {
  low_ = 0x80;
  high_ = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    left_ = 1;
    return true;
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    left_ = 2;
    if (lead == 0xe0) low_ = 0xa0;   // else overlong
    if (lead == 0xed) high_ = 0x9f;  // else a surrogate
    return true;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    left_ = 3;
    if (lead == 0xf0) low_ = 0x90;   // else overlong
    if (lead == 0xf4) high_ = 0x8f;  // else above U+10FFFF
    return true;
  }
  return false;
}

bool utf8_checker::feed(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    if (left_ == 0) {
      bytes.remove_prefix(ascii_prefix(bytes));
      if (bytes.empty()) return true;
      if (!begin(static_cast<unsigned char>(bytes.front()))) return false;
    } else {
      const auto byte = static_cast<unsigned char>(bytes.front());
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      left_--;
    }
    bytes.remove_prefix(1);
  }
  return true;
}

}  // namespace assay::websocket
