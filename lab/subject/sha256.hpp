// SHA-256 (FIPS 180-4) of bytes in memory: to compare a body with its published hash.
//
// Misuse: as a hot path or for secrets; it is the plain algorithm, about 200 MB/s.
#pragma once

#include <string>
#include <string_view>

namespace assay::subject {

// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace assay::subject
