// Text of unknown origin, made safe for what is read by machines: JSON strings and the Prometheus exposition. Both are
// UTF-8, and whatever is not (a header's bytes, a cut character, a surrogate) becomes U+FFFD, one for each byte.
//
// Misuse: escaping twice, or writing text of clients anywhere else than through here: a line break in a log line is a
// forged log line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace assay::observe {

// Bytes of the well-formed UTF-8 character (Unicode 15, table 3-7) at the start of `text`; 0 when there is none.
std::size_t utf8_character_bytes(std::string_view text) noexcept;

// At most `limit` bytes of `text`, not ending within a character.
std::string_view cut_to(std::string_view text, std::size_t limit) noexcept;

// A JSON string (RFC 8259) with its quotes.
void append_json_string(std::string& to, std::string_view text);

// The value of a label, without its quotes: backslash, quote and line feed are escaped.
void append_label_value(std::string& to, std::string_view text);
// What follows # HELP in Prometheus' own format: there a quote stands for itself.
void append_help(std::string& to, std::string_view text);

}  // namespace assay::observe
