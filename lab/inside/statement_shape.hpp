// A statement of SQL without the values in it: so that those that differ in nothing else are one, and no value of a
// service's data gets into a report. Comments go, white space becomes one space.
//
//   statement_shape("SELECT *\n FROM t WHERE name = 'it''s' AND n > 12")      // "SELECT * FROM t WHERE name = ? AND n
//   > ?"
//
// Misuse: sending it to a server. It is for readers.
#pragma once

#include <string>
#include <string_view>

namespace assay::inside {

inline constexpr std::size_t most_shape_bytes = 160;  // longer ones are cut, and end in "..."

std::string statement_shape(std::string_view sql);

}  // namespace assay::inside
