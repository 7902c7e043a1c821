// FNV-1a in 64 bits (Fowler, Noll, Vo): a hash of a few bytes that is the same in every process.
//
// Misuse: as protection against someone who chooses the bytes. Collisions are easy to make.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::guard {

inline constexpr std::uint64_t fnv_basis = 0xcbf29ce484222325;

// Goes on from `hash`, so that texts can be mixed one after another.
constexpr std::uint64_t fnv_mix(std::uint64_t hash, std::string_view text) {
  constexpr std::uint64_t prime = 0x100000001b3;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * prime;
  return hash;
}

}  // namespace assay::guard
