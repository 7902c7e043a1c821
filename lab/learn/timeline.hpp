// Requests of consecutive seconds, looked at through windows.
//
// Misuse: keeping one longer than the counts it looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

namespace assay::learn {

inline constexpr std::size_t seconds_an_hour = 3'600;

inline double sum(std::span<const std::uint32_t> of) {
  return static_cast<double>(std::accumulate(of.begin(), of.end(), std::uint64_t{0}));
}

// `first` is the series' first second, since the epoch.
struct timeline {
  std::span<const std::uint32_t> series;
  std::size_t first;

  // Whole windows of `length` seconds that begin at a multiple of it: use(begin since the epoch, requests).
  template <typename Fn>
  void each_window(std::size_t length, Fn&& use) const {
    for (std::size_t at = (length - first % length) % length; at + length <= series.size(); at += length) {
      use(first + at, sum(series.subspan(at, length)));
    }
  }
};

}  // namespace assay::learn
