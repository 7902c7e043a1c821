// Which runtime a process is of, by the program that it runs.
//
// Misuse: taking an empty answer for "compiled"; a renamed interpreter is not known either.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay::inside {

// "python", "node", "jvm", "go", or empty.
std::string guess_runtime(std::uint32_t pid);

// By the path of the program: "/usr/bin/python3.11" → "python".
std::string runtime_of_program(std::string_view path);

}  // namespace assay::inside
