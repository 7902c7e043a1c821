// What the test's process does when it is started again under the preload library.
//
// Misuse: a child that needs the globals of a file: it runs before they are there.
#pragma once

#include <string>

namespace assay::inside {

inline constexpr int turns = 60;
inline constexpr int waits_before_a_loop = 32;
inline constexpr int slow_ms = 20;
inline constexpr int pairs = 30;  // of loops; nearly all the places that there are

/// The exit code: 0 is well, 126 is a name that no child has.
int run_child(const std::string& name);

}  // namespace assay::inside
