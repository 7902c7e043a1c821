// What became of the writes that are going to be reconciled with the candidate's data. Their keys can be told from
// their numbers (request_source::key_of), so a number and an outcome are all that is kept: 16 bytes a write.
//
// Misuse: taking an unanswered write for a lost one. It may be stored or not, and both are right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::load {

enum class write_outcome : std::uint8_t {
  acknowledged,  // answered 2xx: it must be there
  refused,       // answered 4xx: it must not
  unanswered,    // sent, and anything else: a timeout, a reset, 5xx. Nobody can tell
};

// 1.6 GB of numbers; a workload that would write more is refused before it starts.
inline constexpr std::uint64_t max_logged_writes = 100'000'000;

class write_log {
 public:
  struct entry {
    std::uint64_t k = 0;
    std::uint32_t route = 0;
    write_outcome outcome = write_outcome::unanswered;
  };

  // So many are expected: no more allocations up to there.
  explicit write_log(std::uint64_t expected) { entries_.reserve(expected); }

  static write_outcome outcome_of(int status) {
    if (status >= 200 && status < 300) return write_outcome::acknowledged;
    return status >= 400 && status < 500 ? write_outcome::refused : write_outcome::unanswered;
  }
  void add(std::uint64_t k, std::size_t route, write_outcome outcome) {
    if (entries_.size() < max_logged_writes) {
      entries_.push_back({.k = k, .route = static_cast<std::uint32_t>(route), .outcome = outcome});
    } else {
      overflowed_ = true;
    }
  }
  const std::vector<entry>& entries() const { return entries_; }
  // Some are missing: these writes cannot be reconciled.
  bool overflowed() const { return overflowed_; }

 private:
  std::vector<entry> entries_;
  bool overflowed_ = false;
};

// The keys by outcome, in no order.
struct write_keys {
  std::vector<std::string> acknowledged;
  std::vector<std::string> refused;
  std::vector<std::string> unanswered;
};

}  // namespace assay::load
