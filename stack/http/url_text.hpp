// Text of a target as a program means it: percent-decoding, the parameters of a query, numbers and ids.
//
//   const std::optional<std::string> page = http::query_parameter(asked.query(), "page");
//
// Misuse: decoding a path before it is split; "%2F" in a segment is a slash that does not divide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::http {

// "%41" becomes "A"; nullopt when a '%' is not followed by two hex digits. The bytes may be anything, also NUL.
std::optional<std::string> percent_decoded(std::string_view text);

// The first parameter of that name in "a=1&b=2", decoded as forms are: '+' is a space, a '%' without two hex digits
// stays as it is. nullopt: there is none.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

// Strict UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF. The number of code points; nullopt when not.
std::optional<std::size_t> utf8_length(std::string_view text);

// The number that decimal digits stand for, '-' before them when it is below zero, in the one way to write it: no '+',
// no leading zero, no "-0". nullopt for anything else, and for what is not from `least` to `most`.
std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t least, std::int64_t most);
// The same from 0 to `most`, for what a std::int64_t cannot hold.
std::optional<std::uint64_t> natural_number(std::string_view text, std::uint64_t most);

// The number that 1 to `max_digits` decimal digits stand for, leading zeros included; nullopt for anything else.
// max_digits is 18 at most.
std::optional<std::int64_t> parse_whole(std::string_view digits, std::size_t max_digits);

// 8-4-4-4-12 hexadecimal digits in either case (RFC 9562 section 4).
bool is_uuid(std::string_view text);

}  // namespace assay::http
