// Times for a terminal, and the rows of their quantiles: alike in every summary of a load.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stack/observe/histogram.hpp"

namespace assay::report {

// A time with three significant digits and the unit that fits it.
std::string time_text(double ns);
std::string bytes_text(std::uint64_t bytes);
// "-" when too few samples tell it.
std::string quantile_text(const observe::histogram& of, double q);
// "-" when there are no samples.
std::string known_text(const observe::histogram& of, double ns);

// Mean, p50, p90, p99, p99.9 and maximum under append_row_heads().
void append_row(std::string& to, std::string_view name, const observe::histogram& of);
void append_row_heads(std::string& to);

}  // namespace assay::report
