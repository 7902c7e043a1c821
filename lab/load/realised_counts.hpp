// How many requests really went out in spans of a run whose arrivals come in ticks: what is compared with the law that
// was intended (count_fit.hpp). Of such arrivals the gaps tell nothing, most of them are none.
//
// A span is as many whole ticks as are a millisecond, which the verdict bears with of a send's lateness, and as bring
// two arrivals of the thread on average: of one alone, none would be as good as any number. Of all spans every 2^s-th
// is kept. An arrival is where it was intended and the generator's own lateness after it, as in realised_arrivals.hpp.
// Memory is constant, 16 KiB, and a send costs a division, a mask and a comparison.
//
// Misuse: reading counts() without reached(): after the end of sending the spans are empty.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stack/runtime/time.hpp"

namespace assay::load {

class realised_counts {
 public:
  static constexpr std::size_t most_spans = 4096;
  static constexpr duration least_span = std::chrono::milliseconds(1);
  static constexpr double arrivals_a_span = 2;

  // So many arrivals, above zero, are expected of the thread over that length, in ticks above zero.
  realised_counts(double expected, duration length, duration tick);

  // An arrival that was meant for `offset` from the start was sent, by the generator's fault so much too late.
  void sent(duration offset, duration own_lag) {
    sent_++;
    if (offset + own_lag > length_ + end_tolerance) after_end_++;
    count(offset + own_lag);
  }
  // It could not be sent, by no fault of the generator's.
  void not_sent(duration offset) { count(offset); }
  // All that was meant for before `offset` has been told.
  void reached(duration offset) { reached_ = offset; }

  duration tick() const { return tick_; }
  // The length of a span.
  duration span() const { return span_; }
  // Of those that were kept and reached to their end. Span i of them begins at i * apart().
  std::span<const std::uint32_t> counts() const;
  duration apart() const { return span_ * static_cast<std::int64_t>(mask_ + 1); }
  std::uint64_t sent() const { return sent_; }
  // Of these, those that the generator had to send by the end and did not.
  std::uint64_t after_end() const { return after_end_; }

 private:
  static constexpr duration end_tolerance = least_span;

  void count(duration at) {
    const auto index = static_cast<std::uint64_t>(at / span_);
    if ((index & mask_) == 0 && (index >> shift_) < counts_.size()) counts_[index >> shift_]++;
  }

  duration length_;
  duration tick_;
  duration span_;
  unsigned shift_ = 0;
  std::uint64_t mask_ = 0;
  std::vector<std::uint32_t> counts_;
  duration reached_{};
  std::uint64_t sent_ = 0;
  std::uint64_t after_end_ = 0;
};

}  // namespace assay::load
