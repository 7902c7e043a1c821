// Keeps answers for a while, and asks once where many would ask the same at the same time.
//
//   decision = co_await store.enter(key)
//     hit       an answer that was kept, or one that another has just been given: give this
//     lead      the first to ask: ask, and say what came of it; dropped without a word, the next in line asks
//     alone     what comes is not for others (Cache-Control: private): ask, and wait for nobody
//     error     too many wait already; or the caller's own deadline, or its cancellation
//
// Who waits does so in the line of a semaphore whose one permit the lead holds. So nothing runs that nobody waits for:
// a lead that is cancelled takes its own call along, and the next in line makes another. Rejected: the call as a task
// of its own, which outlives whom it was begun for, and whose deadline is anybody's guess.
//
// Bounded by entries and by bytes; the least recently used goes. Fresh for as long as Cache-Control says, up to
// max_ttl, else for `ttl`. For stale_for after that an answer is still given when there is no better one: stale().
//
// Misuse: an answer that depends on who asks, by a field that is neither in key_fields nor in credential_fields.
// Everyone is given the first one's.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "stack/guard/answer.hpp"
#include "stack/guard/options.hpp"
#include "stack/runtime/error.hpp"
#include "stack/runtime/semaphore.hpp"
#include "stack/runtime/task.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::cache {

struct options {
  duration ttl = std::chrono::seconds(10);  // of an answer that does not say; 0: such are not kept
  duration max_ttl = std::chrono::hours(1);
  duration stale_for = std::chrono::minutes(1);   // 0: never
  duration alone_for = std::chrono::seconds(10);  // nobody waits for answers of a key whose last one was not for others
  std::size_t max_entries = 10'000;
  std::size_t max_bytes = 64 * 1024 * 1024;    // of answers with their keys
  std::size_t max_answer_bytes = 1024 * 1024;  // a larger one is not kept
  std::size_t max_waiters = 1000;              // for one answer
  std::vector<int> statuses = {200, 203, 204};
  std::vector<std::string> key_fields = {};  // of the request; what an answer may vary by
  std::vector<std::string> credential_fields = {"authorization",
                                                "cookie"};  // whoever sends one is not served from here
};

checked check(const options& given);

struct counters {
  std::uint64_t hits = 0;
  std::uint64_t shared = 0;     // waited, and were given another's answer
  std::uint64_t asked = 0;      // leads
  std::uint64_t handed_on = 0;  // of those: ended without a word
  std::uint64_t alone = 0;
  std::uint64_t bypassed = 0;  // neither kept nor looked for: other methods, credentials
  std::uint64_t refused = 0;   // max_waiters were there already
  std::uint64_t stale = 0;     // an old answer for want of a new one
  std::uint64_t kept = 0;
  std::uint64_t too_large = 0;  // to be kept
  std::uint64_t evicted = 0;    // before their time
};

// What may become of an answer: kept, or only given to those who wait for it now, or neither.
enum class use : std::uint8_t { keep, share, own };
struct fate {
  use how = use::own;
  duration ttl{};          // with use::keep
  bool when_stale = true;  // it may be given beyond that
  duration age{};          // it had already
};
fate judge(const answer& given, const options& by);

class policy;

namespace detail {

// One call that is being made, and who waits for it.
struct flight {
  struct for_one {};
  flight(policy* owner, std::string of, std::size_t max_waiters)
      : from(owner), key(std::move(of)), turn(1, max_waiters) {}
  flight(const flight&) = delete;
  flight& operator=(const flight&) = delete;
  ~flight();

  policy* from;
  std::string key;
  semaphore turn;
  bool listed = true;  // who asks now joins
  std::variant<std::monostate, std::shared_ptr<const answer>, error, for_one> outcome;
};

}  // namespace detail

struct hit {
  std::shared_ptr<const answer> given;
  std::optional<duration> age = {};  // of one that was kept
};

struct alone {};

// The duty to ask, and to tell the others.
class [[nodiscard]] lead {
 public:
  lead(lead&&) noexcept = default;
  lead& operator=(lead&&) = delete;
  ~lead();

  void answered(const answer& given, instant now);
  void failed(const error& why);
  // What came is for nobody else: a stream.
  void not_for_others(instant now);

 private:
  friend class policy;
  lead(std::shared_ptr<detail::flight> on, permit turn) : on_(std::move(on)), turn_(std::move(turn)) {}
  std::shared_ptr<detail::flight> on_;
  permit turn_;  // goes back first
};

using decision = std::variant<hit, lead, alone, error>;

class policy {
 public:
  explicit policy(const options& given);
  policy(const policy&) = delete;  // leads and the index point into it
  policy& operator=(const policy&) = delete;

  task<decision> enter(std::string key);
  // What came of asking alone.
  void offer(const std::string& key, const answer& given, instant now);
  // An answer whose time is over, but not for longer than stale_for.
  std::optional<hit> stale(const std::string& key, instant now);
  void on_bypass() { counters_.bypassed++; }

  std::size_t entries() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  const options& settings() const { return options_; }
  const counters& counted() const { return counters_; }

 private:
  friend class lead;
  friend struct detail::flight;
  struct entry {
    std::string key;
    std::shared_ptr<const answer> kept;  // none: what comes is for the one who asks
    std::size_t bytes = 0;
    instant born{};  // its age counts from here
    instant fresh_until{};
    instant gone_at{};
  };
  entry* find(std::string_view key, instant now);
  std::shared_ptr<detail::flight> flight_of(const std::string& key);
  void unlist(detail::flight& ended);
  void keep(const std::string& key, std::shared_ptr<const answer> given, const fate& as, instant now);
  void mark_alone(const std::string& key, instant now);
  void put(entry added);
  void erase(std::list<entry>::iterator gone);

  options options_;
  std::list<entry> entries_;  // the least recently used first
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_key_;
  std::unordered_map<std::string_view, std::weak_ptr<detail::flight>> flights_;  // keys are those in the flights
  std::size_t bytes_ = 0;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of, std::string_view client);

}  // namespace assay::guard::cache
