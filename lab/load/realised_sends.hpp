// What really went out, kept in the form in which it is compared with the intended law: of arrivals each at its own
// instant pairs that follow each other, of arrivals in ticks their numbers.
//
//   realised_sends seen(expected, length, tick);             // tick zero: without
//   seen.sent(number, offset, own_lag);
//   seen.reached(unsent_from);
//   const model::arrival_fit fit = fit_sends(intended, {&seen, 1});
//
// Misuse: threads with and without ticks together.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "lab/load/arrival_fit.hpp"
#include "lab/load/count_fit.hpp"
#include "lab/load/realised_arrivals.hpp"
#include "lab/load/realised_counts.hpp"

namespace assay::load {

class realised_sends {
 public:
  // So many arrivals, above zero, are expected of the thread over that length.
  realised_sends(double expected, duration length, duration tick)
      : kept_(tick > duration::zero() ? kept(realised_counts(expected, length, tick))
                                      : kept(realised_arrivals(expected, length))) {}

  // Arrival `number`, meant for `offset` from the start, was sent, by the generator's fault so much too late.
  void sent(std::uint64_t number, duration offset, duration own_lag) {
    if (auto* const gaps = std::get_if<realised_arrivals>(&kept_)) return gaps->sent(number, offset, own_lag);
    std::get<realised_counts>(kept_).sent(offset, own_lag);
  }
  // It could not be sent, by no fault of the generator's.
  void not_sent(duration offset) {
    if (auto* const numbers = std::get_if<realised_counts>(&kept_)) numbers->not_sent(offset);
  }
  // All that was meant for before `offset` has been told.
  void reached(duration offset) {
    if (auto* const numbers = std::get_if<realised_counts>(&kept_)) numbers->reached(offset);
  }

  // Null where it is the other.
  const realised_arrivals* gaps() const { return std::get_if<realised_arrivals>(&kept_); }
  const realised_counts* numbers() const { return std::get_if<realised_counts>(&kept_); }

 private:
  using kept = std::variant<realised_arrivals, realised_counts>;
  kept kept_;
};

// One element a thread, at least one.
inline model::arrival_fit fit_sends(const intended_arrivals& of, std::span<const realised_sends* const> threads) {
  std::vector<const realised_arrivals*> gaps;
  std::vector<const realised_counts*> numbers;
  for (const realised_sends* each : threads) {
    if (each->gaps() != nullptr) gaps.push_back(each->gaps());
    if (each->numbers() != nullptr) numbers.push_back(each->numbers());
  }
  return numbers.empty() ? fit_arrivals(of, gaps) : fit_counts(of, numbers);
}

}  // namespace assay::load
