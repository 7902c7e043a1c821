// Bands of response time for a heat-map: 1, 2 and 5 of each decade, so that their edges can be read.
//
// Misuse: telling a percentile from them; the histograms are for that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace assay::model {

// Band 0 is all up to the first edge, band i what is above edge i - 1 up to edge i, the last band all above.
inline constexpr std::array<std::uint64_t, 22> band_edges_ns{10'000,         20'000,         50'000,          // 10 us
                                                             100'000,        200'000,        500'000,         // 100 us
                                                             1'000'000,      2'000'000,      5'000'000,       // 1 ms
                                                             10'000'000,     20'000'000,     50'000'000,      // 10 ms
                                                             100'000'000,    200'000'000,    500'000'000,     // 100 ms
                                                             1'000'000'000,  2'000'000'000,  5'000'000'000,   // 1 s
                                                             10'000'000'000, 20'000'000'000, 50'000'000'000,  // 10 s
                                                             100'000'000'000};
inline constexpr std::size_t latency_bands = band_edges_ns.size() + 1;

// How many of a second lie in each.
using band_counts = std::array<std::uint32_t, latency_bands>;

}  // namespace assay::model
