// The words of a command line, split as a POSIX shell does: quotes, backslashes, and $'...' as browsers write it. What
// a shell would have to expand or to run ($NAME, a backquote, |, >, ;, &) is refused: nothing is run here.
//
// Misuse: none; the error says which character is in the way.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace assay::load {

// An escaped line end joins two lines; any other is a space.
std::expected<std::vector<std::string>, std::string> shell_words(std::string_view text);

}  // namespace assay::load
