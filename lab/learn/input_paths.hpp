// What the user named, as the files that are there: files, globs, directories, standard input.
//
// Misuse: a directory that holds other things than logs; a glob names the logs alone.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace assay::learn {

inline constexpr std::size_t max_files = 10'000;

// In their order; the files of a directory and of those in it, and what a glob matches, by name. Hidden files are left
// out. The error names what was typed.
std::expected<std::vector<std::string>, std::string> input_paths(const std::vector<std::string>& typed);

}  // namespace assay::learn
