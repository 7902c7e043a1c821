// The keys that are known, and what became of each: one store for all loops of a process. Its lock is held for a
// look-up and for no wait, and only requests with a key take it.
//
//   const auto keys = std::make_shared<store>(options{});
//   policy here(keys);                                            // of a loop, for each of them: see policy.hpp
//
// Kept are answers, and what has ended without one that could be given again. Both stay for `ttl`, within max_keys and
// max_bytes; the oldest make room for new ones, and what is in progress never does.
//
// Misuse: a store for each loop. A repetition that reaches another loop is then carried out again. Several processes
// for the same clients have that all the same: keep the keys in the database, with what they protect.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "stack/guard/answer.hpp"
#include "stack/guard/options.hpp"

namespace assay::guard::idempotency {

struct options {
  duration ttl = std::chrono::minutes(10);    // from the end of the request; without an answer, from its begin
  std::size_t max_keys = 100'000;             // kept and in progress, of the process
  std::size_t max_bytes = 64 * 1024 * 1024;   // of the answers that are kept, with their keys
  std::size_t max_answer_bytes = 256 * 1024;  // a larger one is not kept, its key is
  // For the work of a request with a key, whether its client waits or not; its deadline where that is later.
  duration work_limit = std::chrono::seconds(10);
};

checked check(const options& given);

// Of what was asked. No cryptography: who finds two requests with the same print deceives only himself.
struct fingerprint {
  std::uint64_t hash = 0;
  std::uint64_t body_bytes = 0;
  friend bool operator==(const fingerprint&, const fingerprint&) = default;
};

class store {
 public:
  explicit store(const options& given);
  store(const store&) = delete;  // reservations and the order point into it
  store& operator=(const store&) = delete;

  // What a loop has put there and is there still.
  struct share {
    std::size_t keys = 0;
    std::size_t bytes = 0;
  };
  // For a loop; it stays for as long as the store.
  share* join();
  share read(const share& of) const;

  enum class found : std::uint8_t { nothing, running, answered, unanswered, another, no_room };
  struct look_up {
    found what = found::nothing;
    const std::string* added = nullptr;            // nothing: the key in the index, where it stays while it is running
    std::shared_ptr<const answer> kept = nullptr;  // answered
    std::size_t evicted = 0;                       // before their ttl
  };
  look_up begin(std::string_view key, const fingerprint& print, instant now, share* mine);

  // The ends of what begin() has added. The first gives how many had to go for it; without `given` none can be told.
  std::size_t keep(const std::string& key, std::shared_ptr<const answer> given, instant from);
  void forget(const std::string& key);

  const options& settings() const { return options_; }

 private:
  struct entry {
    fingerprint print;
    share* of = nullptr;
    std::shared_ptr<const answer> kept = nullptr;
    std::size_t bytes = 0;
    instant expires = never;
    bool running = true;
  };
  void forget_expired(instant now);
  void forget_oldest();

  const options options_;
  mutable std::mutex mutex_;  // all that follows
  std::list<share> shares_;
  std::unordered_map<std::string, entry> entries_;
  std::list<const std::string*> ended_;  // keys of what has ended, the oldest in front
  std::size_t kept_bytes_ = 0;
};

}  // namespace assay::guard::idempotency
