// How many seeds a test tries: all of them where it is fast, a quarter under a sanitizer, which makes everything ten
// times as slow and finds with the first seeds what it can find.
//
// Misuse: for a test whose claim needs the number, a statistic say.
#pragma once

namespace assay {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

constexpr unsigned seeds_to_try(unsigned all) { return sanitized ? (all + 3) / 4 : all; }

}  // namespace assay
