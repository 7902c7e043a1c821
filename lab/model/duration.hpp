// Durations as people write them: "10s", "5m", "1.5h", "250ms", on the command line and in plan files.
//
// Misuse: taking a bare number for seconds in a file that is kept. There the unit is demanded, so that nobody has to
// guess years later; on a command line `bare_number::seconds` is what other tools taught people.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

namespace assay::model {

enum class bare_number : bool { refused, seconds };

// The error quotes the text and says what was expected. Up to 1e9 seconds.
std::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text,
                                                                    bare_number bare = bare_number::refused);

// The shortest text that parse_duration() reads as the same duration: "10s", "5m", "1.5s", "250ms".
std::string duration_text(std::chrono::nanoseconds length);

}  // namespace assay::model
