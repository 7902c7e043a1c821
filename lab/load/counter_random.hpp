// Random numbers as a function of where they are used: no state to share, and any run repeats exactly.
//
// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijective mixer over a counter.
//
// Misuse: two uses of one stream with the same counters; give each its own salt, or what should be independent is
// equal.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::load {

inline constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15ULL;

inline std::uint64_t mix(std::uint64_t z) {
  z += golden_gamma;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// The start of the numbers of one thread.
inline std::uint64_t thread_stream(std::uint64_t seed, unsigned thread) { return mix(mix(seed) ^ (thread + 1ULL)); }

// Uniform in [0, 1) with 53 bits.
inline double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

// As many numbers as a draw needs, from one counter.
class draw_stream {
 public:
  explicit draw_stream(std::uint64_t start) : state_(start) {}
  std::uint64_t next() {
    const std::uint64_t bits = mix(state_);
    state_ += golden_gamma;
    return bits;
  }
  double next_uniform() { return uniform(next()); }
  // Uniform in [0, bound), exactly (Lemire, ACM TOMACS 29, 2019); bound 0 means 2^64.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using wide = unsigned __int128;
    if (bound == 0) return next();
    wide product = wide{next()} * bound;
    const std::uint64_t unfair = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < unfair) product = wide{next()} * bound;
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  std::uint64_t state_;
};

// The `which`-th of a session, the `number`-th of its scenario.
inline draw_stream session_stream(std::uint64_t seed, std::size_t scenario, std::uint64_t number, std::size_t which) {
  const std::uint64_t session = mix(thread_stream(seed, static_cast<unsigned>(scenario)) + number);
  return draw_stream(mix(session ^ ((which + 1) * golden_gamma)));
}

}  // namespace assay::load
