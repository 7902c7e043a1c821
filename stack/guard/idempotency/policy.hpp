// Carries out a request with an Idempotency-Key once, and gives its answer again to whoever repeats it.
//
//   decision = store.begin(key, print, now)
//     reservation   the first: carry it out, then keep() the answer, or release() the key when nothing was done
//     answer        it was carried out: replay this
//     refusal       it is being carried out; or was begun, and how it ended cannot be told; or the key came with
//                   another request; or there is no room
//
// A reservation that goes without either end leaves its key behind as `unknown` until its ttl is over: what was asked
// may have been done, and to do it again is what the client wanted to be safe from. So does an answer that is too
// large.
//
// A policy belongs to a loop, as ever, and so do its counters. The keys are in a `store`, which all loops of the
// process are to share. counters::evicted says that keys went before their time: such a repetition is carried out
// again.
//
// Misuse: policies with a store of their own each on several loops, or processes, for the same clients: see store.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "stack/guard/idempotency/store.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::idempotency {

struct counters {
  std::uint64_t carried_out = 0;
  std::uint64_t replayed = 0;
  std::uint64_t in_progress = 0;  // refused
  std::uint64_t unknown = 0;      // refused: begun once, and without an answer to give
  std::uint64_t mismatched = 0;   // refused
  std::uint64_t full = 0;         // refused: max_keys are in progress
  std::uint64_t released = 0;     // carried out, and nothing was done: the key was free again
  std::uint64_t unanswered = 0;   // carried out without an answer to keep
  std::uint64_t too_large = 0;    //   of them: the answer was
  std::uint64_t evicted = 0;      // before their ttl
};

fingerprint fingerprint_of(std::string_view verb, std::string_view target, std::string_view body);

// What an answer says of the work: it is done, and the same answer is due to whoever asks again; nothing was done, and
// the same request may fare better; or nobody knows.
enum class ending : std::uint8_t { final, undone, unknown };

// Undone: 401, 403, 408, 425, 429, and 5xx, by which a handler says that it has failed and left nothing behind.
// Unknown: 499 and 504, when it was stopped on its way; 502; and what `reason` (http::response::reason) tells to be a
// connection that was lost in the middle: "closed", "reset".
ending ending_of(int status, std::string_view reason);

enum class refusal : std::uint8_t { in_progress, unknown, mismatch, full };

class policy;

class [[nodiscard]] reservation {
 public:
  reservation(reservation&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), key_(other.key_), begun_(other.begun_) {}
  reservation& operator=(reservation&&) = delete;
  ~reservation();

  // The end: from now on this is the answer.
  void keep(answer given, instant now);
  // Or nothing was done: the key is free.
  void release();

 private:
  friend class policy;
  reservation(policy* from, const std::string* key, instant begun) : from_(from), key_(key), begun_(begun) {}
  policy* from_;
  const std::string* key_;
  instant begun_;
};

using decision = std::variant<reservation, std::shared_ptr<const answer>, refusal>;

class policy {
 public:
  explicit policy(std::shared_ptr<store> keys) : store_(std::move(keys)), mine_(store_->join()) {}
  explicit policy(const options& given) : policy(std::make_shared<store>(given)) {}  // where there is one loop
  policy(const policy&) = delete;                                                    // reservations point to it
  policy& operator=(const policy&) = delete;

  decision begin(std::string_view key, const fingerprint& print, instant now);

  // Of what was begun on this loop.
  std::size_t keys() const { return store_->read(*mine_).keys; }
  std::size_t kept_bytes() const { return store_->read(*mine_).bytes; }
  const counters& counted() const { return counters_; }
  const options& settings() const { return store_->settings(); }

 private:
  friend class reservation;
  void on_kept(const std::string& key, answer given, instant now);
  void on_released(const std::string& key);
  void on_dropped(const std::string& key, instant begun);

  std::shared_ptr<store> store_;
  store::share* mine_;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::idempotency
