// Which of several hosts a key belongs to: the one with the highest score for it (Thaler and Ravishankar, "Using
// Name-Based Mappings to Increase Hit Rates", IEEE/ACM ToN 6(1), 1998).
//
// When a host goes, only its own keys move, and they spread over all that are left. A ring of points (ketama) has that
// from hundreds of points a host, which lie unevenly; it finds a host in O(log n), which pays from thousands of hosts
// on.
//
// Misuse: scores by the number of a host in a list. Put one more in front, and every key moves.
#pragma once

#include <cstdint>
#include <string_view>

#include "stack/guard/fnv.hpp"

namespace assay::guard::balance {

// FNV-1a of a few bytes differs little in its high bits between similar texts; this (the finalizer of splitmix64,
// Steele, Lea and Flood, OOPSLA 2014) spreads each bit over all.
constexpr std::uint64_t spread(std::uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

constexpr std::uint64_t hash_of(std::string_view text) { return spread(fnv_mix(fnv_basis, text)); }

constexpr std::uint64_t score(std::uint64_t key_hash, std::uint64_t host_hash) { return spread(key_hash ^ host_hash); }

}  // namespace assay::guard::balance
