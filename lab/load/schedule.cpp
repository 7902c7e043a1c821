#include "lab/load/schedule.hpp"

#include <cassert>
#include <cmath>

namespace assay::load {
namespace {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijective mixer, good as a counter-based generator.
std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Uniform in [0, 1) with 53 bits.
double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

}  // namespace

arrival_schedule::arrival_schedule(const schedule_options& options)
    : options_(options),
      gap_ns_(1e9 * options.threads / options.rate_per_s),
      stream_(mix(mix(options.seed) ^ (options.thread + 1ULL))) {
  assert(options.rate_per_s > 0 && options.threads > 0 && options.thread < options.threads);
  next_ = offset_of_current();
}

duration arrival_schedule::offset_of_current() {
  if (options_.law == model::arrival_law::constant) {
    const double share = static_cast<double>(options_.thread) / options_.threads;
    return duration(std::llround((static_cast<double>(k_) + share) * gap_ns_));
  }
  poisson_ns_ += -std::log1p(-uniform(mix(stream_ + k_))) * gap_ns_;
  return duration(std::llround(poisson_ns_));
}

void arrival_schedule::pop() {
  k_++;
  next_ = offset_of_current();
}

}  // namespace assay::load
