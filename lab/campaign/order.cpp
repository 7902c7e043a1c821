#include "lab/campaign/order.hpp"

#include <utility>

namespace assay::campaign {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014). The standard library's shuffle may differ between implementations.
std::uint64_t mix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Uniform in [0, bound), without the bias of a modulo.
std::uint64_t below(std::uint64_t bound, std::uint64_t& state) {
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t drawn = mix(state);
  while (drawn >= limit) drawn = mix(state);
  return drawn % bound;
}

}  // namespace

std::vector<trial_slot> trial_order(const std::vector<std::string>& candidates, unsigned repeats, std::uint64_t seed) {
  std::vector<trial_slot> slots;
  std::uint64_t state = seed;
  for (unsigned repeat = 1; repeat <= repeats; ++repeat) {
    std::vector<std::string> block = candidates;
    for (std::size_t i = block.size(); i > 1; --i) std::swap(block[i - 1], block[below(i, state)]);
    for (std::string& candidate : block) {
      slots.push_back(
          {.candidate = std::move(candidate), .repeat = repeat, .order = static_cast<unsigned>(slots.size()) + 1});
    }
  }
  return slots;
}

std::uint64_t trial_seed(std::uint64_t seed, unsigned repeat) {
  std::uint64_t state = seed ^ (std::uint64_t{repeat} << 32);
  return mix(state);
}

}  // namespace assay::campaign
