// What a segment of a path looks like, by its characters alone: a value of some kind, or a word.
//
// What may name a person or open a door is told here, because it must not stand in a profile: numbers, addresses,
// e-mails, and codes, which are letters and digits in turn as tokens have them, or five digits in a row. Words are
// words, whoever bears them as a name.
//
// Misuse: taking `text` for something that is nobody's business; name the route, and it is a value.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::learn {

enum class shape : std::uint8_t { integer, uuid, hex, date, email, address, code, slug, text };
inline constexpr std::size_t shape_count = 9;

std::string_view label(shape of);

// slug: several words, letters with digits, or what had to be escaped (a slash), as titles have them; "v2" and
// "sign-in" are text, as names of resources are. Segments in one spelling (target.hpp), a ':' or '@' perhaps as %3A or
// %40.
shape classify(std::string_view segment);

// Whether it is a value whatever stands beside it.
inline bool is_typed(shape of) { return of != shape::slug && of != shape::text; }

// Whether it is a value where others like it stand: letters with digits ("jane17"), or an escape, which names of
// resources do without.
bool is_value_like(std::string_view segment);

// Whether it may be shown: a word, a date, a year or a small number.
bool is_harmless(std::string_view segment);

// Of "site.min.css" "css"; empty when the segment does not look like a file, or is a path as a value: lib%2Fitem.rb.
std::string_view file_extension(std::string_view segment);

}  // namespace assay::learn
