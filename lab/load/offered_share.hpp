// Of what a run's threads sent, the share that they had sent by the end of sending; 1 of nothing.
//
// Misuse: none.
#pragma once

#include <cstdint>
#include <span>

namespace assay::load {

// Of realised_arrivals or realised_counts, one a thread.
template <class Realised>
double offered_share(std::span<const Realised* const> threads) {
  std::uint64_t sent = 0;
  std::uint64_t after_end = 0;
  for (const Realised* each : threads) {
    sent += each->sent();
    after_end += each->after_end();
  }
  return sent > 0 ? 1 - static_cast<double>(after_end) / static_cast<double>(sent) : 1;
}

}  // namespace assay::load
