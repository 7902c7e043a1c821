// The pieces of a line that the kernel wrote.
//
// Misuse: numbers with a sign or a unit; such a word is no whole number.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::inside {

inline std::optional<std::uint64_t> whole_number(std::string_view word) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size()) return std::nullopt;
  return value;
}

// Up to the character, which is taken away as well; all of it when it is not there.
inline std::string_view cut(std::string_view& text, char at) {
  const auto piece = text.substr(0, text.find(at));
  text.remove_prefix(std::min(piece.size() + 1, text.size()));
  return piece;
}

}  // namespace assay::inside
