// Whether a program's file can be run under the preload library, and if not, why: so that a note can say it.
//
// Misuse: asking of a script: it is its interpreter's file that counts, and that is what /proc/PID/exe names.
#pragma once

#include <cstdint>
#include <string>

namespace assay::inside {

// "a static program", "a program of musl's", "a set-uid program", "a program that is no 64-bit ELF file"; empty when
// nothing speaks against it, or the file cannot be read.
std::string preload_obstacle(const std::string& path);

// Of a process that runs; what it was started as.
std::string preload_obstacle(std::uint32_t pid);

}  // namespace assay::inside
