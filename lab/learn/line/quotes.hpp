// Where the quotes of a line are, in one pass over it: what every field of a combined line is told by.
//
//   if (const auto found = find_quotes(line)) { … (*found)[0] … }
//
// Sixteen bytes at a time where the CPU has SSE2, one at a time elsewhere: both find the same.
//
// Misuse: a line with a backslash or a NUL in it. It has no answer here, since a quote may be escaped there.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace assay::learn {

inline constexpr std::size_t quotes_of_a_combined_line = 6;
inline constexpr std::size_t longest_scanned_line = 4096;

using quote_places = std::array<std::uint16_t, quotes_of_a_combined_line>;

namespace quotes_details {

// Collects places; says no to a seventh.
struct collector {
  quote_places places{};
  std::size_t count = 0;

  bool add(std::size_t begin, std::uint64_t mask) {
    for (; mask != 0; mask &= mask - 1) {
      if (count == places.size()) return false;
      places[count++] = static_cast<std::uint16_t>(begin + static_cast<std::size_t>(std::countr_zero(mask)));
    }
    return true;
  }
};

#if defined(__SSE2__)
inline constexpr std::size_t step_bytes = 16;
inline constexpr std::size_t steps_at_once = 4;

// Looks at steps one after the other: where quotes are, and whether there is a backslash or a NUL anywhere.
struct scan {
  __m128i unfit = _mm_setzero_si128();

  std::uint64_t look_at(const char* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    unfit = _mm_or_si128(unfit, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    unfit = _mm_or_si128(unfit, _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
    return static_cast<std::uint64_t>(
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')))));
  }
  bool is_fit() const { return _mm_movemask_epi8(unfit) == 0; }
};
#endif

}  // namespace quotes_details

// Exactly six of them, in a line without backslash and NUL; empty otherwise, and for lines that are very short or long.
inline std::optional<quote_places> find_quotes(std::string_view line) {
  using namespace quotes_details;
  collector found;
#if defined(__SSE2__)
  if (line.size() < step_bytes || line.size() > longest_scanned_line) return std::nullopt;
  scan seen;
  std::size_t at = 0;
  for (; at + steps_at_once * step_bytes <= line.size(); at += steps_at_once * step_bytes) {
    const char* const from = line.data() + at;
    const std::uint64_t mask = seen.look_at(from) | seen.look_at(from + step_bytes) << 16U |
                               seen.look_at(from + 2 * step_bytes) << 32U | seen.look_at(from + 3 * step_bytes) << 48U;
    if (!found.add(at, mask)) return std::nullopt;
  }
  for (; at + step_bytes <= line.size(); at += step_bytes) {
    if (!found.add(at, seen.look_at(line.data() + at))) return std::nullopt;
  }
  // The last bytes with some before them, which have been looked at.
  const std::size_t last = line.size() - step_bytes;
  if (!found.add(at, seen.look_at(line.data() + last) >> (at - last)) || !seen.is_fit()) return std::nullopt;
#else
  if (line.size() > longest_scanned_line) return std::nullopt;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\\' || line[at] == '\0') return std::nullopt;
    if (line[at] == '"' && !found.add(at, 1)) return std::nullopt;
  }
#endif
  if (found.count != quotes_of_a_combined_line) return std::nullopt;
  return found.places;
}

}  // namespace assay::learn
