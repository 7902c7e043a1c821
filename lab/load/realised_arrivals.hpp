// When requests, messages or sessions really went out, as a sample of pairs of arrivals that follow each other: what
// the gaps between them are compared by with the law that was intended (arrival_fit.hpp).
//
// The instant of an arrival is the intended one and the generator's own lateness: what waits because the candidate
// holds every connection went out, as far as the generator is concerned, when it could have. Of n arrivals every 2^s-th
// begins a pair. Memory is constant, 64 KiB, and a send costs a mask and a comparison.
//
// Misuse: arrivals that are not numbered as they come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "stack/runtime/time.hpp"

namespace assay::load {

class realised_arrivals {
 public:
  static constexpr std::size_t most_pairs = 4096;
  // What the verdict bears with of a send's lateness (own_lag_p99_ns) is no load that was not offered.
  static constexpr duration end_tolerance = std::chrono::milliseconds(1);

  // So many arrivals are expected of the thread, over that length.
  realised_arrivals(double expected, duration length);

  // Arrival `k`, meant for `offset` from the start, was sent, by the generator's fault so much too late.
  void sent(std::uint64_t k, duration offset, duration own_lag) {
    const duration at = offset + own_lag;
    sent_++;
    if (at > length_ + end_tolerance) after_end_++;
    const std::uint64_t within = k & mask_;
    const std::uint64_t place = ((k >> shift_) << 1U) + within;
    if (within < 2 && place < instants_.size()) instants_[place] = at;
  }

  std::size_t pairs() const { return instants_.size() / 2; }
  // Nothing where either was not sent.
  std::optional<std::pair<duration, duration>> pair(std::size_t index) const;
  std::uint64_t sent() const { return sent_; }
  // Of these, those that the generator had to send by the end and did not.
  std::uint64_t after_end() const { return after_end_; }

 private:
  duration length_;
  unsigned shift_ = 1;
  std::uint64_t mask_ = 1;
  std::vector<duration> instants_;  // of pair i at 2 i and 2 i + 1
  std::uint64_t sent_ = 0;
  std::uint64_t after_end_ = 0;
};

}  // namespace assay::load
