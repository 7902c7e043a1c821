// A hash of text for tables in memory: two multiplications for each 32 bytes.
//
// 128-bit products, folded, as wyhash has them. The same in every run, and in no file.
//
// Misuse: a table whose worst case matters. Whoever chooses the texts can choose ones that collide.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace assay::learn {

namespace text_hash_details {

inline std::uint64_t word(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The last eight bytes, some of them perhaps a second time; of a shorter text all of it.
inline std::uint64_t last_word(std::string_view text) {
  if (text.size() >= 8) return word(text.data() + text.size() - 8);
  std::uint64_t value = 0;
  for (const char c : text) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using wide = unsigned __int128;
  const wide product = wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace text_hash_details

inline std::uint64_t text_hash(std::string_view text, std::uint64_t seed = 0) {
  using namespace text_hash_details;
  constexpr std::uint64_t first = 0x9e3779b97f4a7c15U;
  constexpr std::uint64_t second = 0xd1b54a32d192ed03U;
  constexpr std::uint64_t third = 0x8cb92ba72f3d8dd7U;
  constexpr std::uint64_t fourth = 0xa0761d6478bd642fU;
  // Other than the constants below: with the same, two words that change places would make no difference.
  std::uint64_t a = fold(seed ^ third, fourth);
  std::uint64_t b = a ^ fourth;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > 32; left -= 32, at += 32) {
    a = fold(a ^ word(at), first ^ word(at + 8));
    b = fold(b ^ word(at + 16), second ^ word(at + 24));
  }
  for (; left >= 8; left -= 8, at += 8) a = fold(a ^ word(at), first);
  return fold(a ^ last_word(text), b ^ second ^ text.size());
}

}  // namespace assay::learn
