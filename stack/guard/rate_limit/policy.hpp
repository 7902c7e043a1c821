// How much a caller may ask for: a bucket of `burst` tokens for each key, refilled at `requests` a `per`.
//
//   guard::rate_limit::policy quota({.requests = 100, .per = 1s, .burst = 20});
//   const guard::rate_limit::verdict told = quota.take(key, now);   // allowed, or told.retry_after
//
// A bucket is one instant, the one at which it will be full again (the generic cell rate algorithm, ITU-T I.371): exact
// in whole nanoseconds, and nothing to refill.
//
// Keys are bounded: beyond max_keys the one not used for longest is forgotten, and would find a full bucket when it
// came back. Most often it is full by then anyway, and nothing is lost. Where not, counters::forgotten_in_debt counts,
// and whoever can send under more than max_keys names is not limited: raise it, or choose keys that cost something to
// make.
//
// Misuse: a key that the caller chooses freely, such as a header that nobody checks: each request brings a new one.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "stack/guard/options.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::rate_limit {

inline constexpr std::size_t max_key_bytes = 128;  // longer ones share the bucket of their first bytes

// Of one loop: a process with four loops lets four times as many through.
struct options {
  std::uint64_t requests = 100;
  duration per = std::chrono::seconds(1);
  std::uint64_t burst = 100;  // at once, by a caller who has been quiet
  std::size_t max_keys = 10'000;
};

checked check(const options& given);

struct counters {
  std::uint64_t allowed = 0;
  std::uint64_t refused = 0;
  std::uint64_t forgotten = 0;          // keys that made room for others
  std::uint64_t forgotten_in_debt = 0;  // of them: the bucket was not full
};

struct verdict {
  bool allowed = true;
  duration retry_after{};  // when refused: the same request would be allowed then, should no other come
};

class policy {
 public:
  explicit policy(const options& given);
  policy(const policy&) = delete;  // the index points into the list
  policy& operator=(const policy&) = delete;

  verdict take(std::string_view key, instant now);

  std::size_t keys() const { return buckets_.size(); }
  const counters& counted() const { return counters_; }

 private:
  struct bucket {
    std::string key;
    instant full_at;
  };
  bucket& bucket_of(std::string_view key, instant now);
  void forget_oldest(instant now);

  std::size_t max_keys_;
  duration token_;             // the time in which one comes back
  duration burst_span_;        // that in which an empty bucket fills
  std::list<bucket> buckets_;  // the least recently used first
  std::unordered_map<std::string_view, std::list<bucket>::iterator> by_key_;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::rate_limit
