// Up to which second of a run no request will come any more, where they come in no order: a step of a session is known
// from the answer before it on, and others that are meant for later come before it.
//
//   coming_seconds coming(series.size());
//   coming_seconds::claim next = coming.expect(offset);   // one will come for then or later
//   next = {};                                            // it has come, or will not
//   coming.none_before(offset)                            // those that nobody expects yet are for `offset` or later
//
// A number a second. Of no seconds it keeps nothing.
//
// Misuse: a claim that outlives it; an offset of before what none_before() has said.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lab/load/second_series.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

class coming_seconds {
 public:
  class claim {
   public:
    claim() = default;
    claim(claim&& other) noexcept : on_(std::exchange(other.on_, nullptr)) {}
    claim& operator=(claim&& other) noexcept {
      if (this == &other) return *this;
      release();
      on_ = std::exchange(other.on_, nullptr);
      return *this;
    }
    ~claim() { release(); }

   private:
    friend class coming_seconds;
    explicit claim(std::uint32_t& on) : on_(&on) { ++on; }
    void release() {
      if (on_ != nullptr) --*on_;
    }

    std::uint32_t* on_ = nullptr;
  };

  explicit coming_seconds(std::size_t seconds) : claims_(seconds) {}
  coming_seconds(const coming_seconds&) = delete;
  coming_seconds& operator=(const coming_seconds&) = delete;

  // What is for after the last second holds up none.
  claim expect(duration offset) {
    const std::size_t index = second_of(offset);
    return index < claims_.size() ? claim(claims_[index]) : claim();
  }
  // The begin of a second, and never an earlier one than before.
  duration none_before(duration unknown_from) {
    const std::size_t end = std::min(second_of(unknown_from), claims_.size());
    while (first_ < end && claims_[first_] == 0) ++first_;
    return static_cast<duration::rep>(first_) * duration(std::chrono::seconds(1));
  }

 private:
  std::vector<std::uint32_t> claims_;  // by second
  std::size_t first_ = 0;
};

}  // namespace assay::load
