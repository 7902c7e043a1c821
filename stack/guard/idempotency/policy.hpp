// Carries out a request with an Idempotency-Key once, and gives its answer again to whoever repeats it.
//
//   decision = store.begin(key, print, now)
//     reservation   the first: carry it out, then keep() the answer; dropped without that, the key is free again
//     answer        it was carried out: replay this
//     refusal       it is being carried out; or the key came with another request; or there is no room
//
// Answers are kept for `ttl`, in memory, within max_keys and max_bytes. The oldest make room for new ones: a repetition
// that comes later than that is carried out again, and counters::evicted says that it can happen. What is in progress
// is never evicted.
//
// Misuse: several loops, or several processes, for the same clients. The state belongs to one loop: a repetition that
// reaches another is carried out again. Serve with one loop, or keep the keys in the database, with what they protect.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "stack/guard/answer.hpp"
#include "stack/guard/options.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::idempotency {

struct options {
  duration ttl = std::chrono::minutes(10);    // from the end of the request
  std::size_t max_keys = 100'000;             // kept and in progress
  std::size_t max_bytes = 64 * 1024 * 1024;   // of the answers that are kept, with their keys
  std::size_t max_answer_bytes = 256 * 1024;  // a larger one is not kept
};

checked check(const options& given);

struct counters {
  std::uint64_t carried_out = 0;
  std::uint64_t replayed = 0;
  std::uint64_t in_progress = 0;  // refused
  std::uint64_t mismatched = 0;   // refused
  std::uint64_t full = 0;         // refused: max_keys are in progress
  std::uint64_t released = 0;     // carried out without an answer to keep
  std::uint64_t too_large = 0;    //   of them: the answer was
  std::uint64_t evicted = 0;      // before their ttl
};

// Of what was asked. No cryptography: who finds two requests with the same print deceives only himself.
struct fingerprint {
  std::uint64_t hash = 0;
  std::uint64_t body_bytes = 0;
  friend bool operator==(const fingerprint&, const fingerprint&) = default;
};
fingerprint fingerprint_of(std::string_view verb, std::string_view target, std::string_view body);

// Whether an answer ends the matter. Not when the server failed (5xx), or when the same request may fare better without
// that anything has been carried out: 401, 403, 408, 425, 429, 499.
bool is_final(int status);

enum class refusal : std::uint8_t { in_progress, mismatch, full };

class policy;

class [[nodiscard]] reservation {
 public:
  reservation(reservation&& other) noexcept : from_(std::exchange(other.from_, nullptr)), key_(other.key_) {}
  reservation& operator=(reservation&&) = delete;
  ~reservation();

  // The end: from now on this is the answer.
  void keep(answer given, instant now);

 private:
  friend class policy;
  reservation(policy* from, const std::string* key) : from_(from), key_(key) {}
  policy* from_;
  const std::string* key_;  // in the policy's own index, where it stays while it is in progress
};

using decision = std::variant<reservation, std::shared_ptr<const answer>, refusal>;

class policy {
 public:
  explicit policy(const options& given);
  policy(const policy&) = delete;  // reservations and the order point into it
  policy& operator=(const policy&) = delete;

  decision begin(std::string_view key, const fingerprint& print, instant now);

  std::size_t keys() const { return entries_.size(); }
  std::size_t kept_bytes() const { return kept_bytes_; }
  const counters& counted() const { return counters_; }

 private:
  friend class reservation;
  struct entry {
    fingerprint print;
    std::shared_ptr<const answer> kept = nullptr;  // none: in progress
    std::size_t bytes = 0;
    instant expires = never;
  };
  void on_kept(const std::string& key, answer given, instant now);
  void on_dropped(const std::string& key);
  void forget_expired(instant now);
  void forget_oldest();

  options options_;
  std::unordered_map<std::string, entry> entries_;
  std::list<const std::string*> kept_order_;  // keys of kept answers, the first to expire in front
  std::size_t kept_bytes_ = 0;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::idempotency
