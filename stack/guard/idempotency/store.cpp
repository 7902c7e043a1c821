#include "stack/guard/idempotency/store.hpp"

#include <cassert>
#include <utility>

namespace assay::guard::idempotency {

using namespace std::chrono_literals;

checked check(const options& given) {
  return option_check("idempotency")
      .span("ttl", given.ttl, 1s, 24h * 7)
      .number("max_keys", given.max_keys, 1, 10'000'000)
      .number("max_bytes", given.max_bytes, 1024, 1ULL << 40)
      .number("max_answer_bytes", given.max_answer_bytes, 1, given.max_bytes)
      .span("work_limit", given.work_limit, 1ms, 1h)
      .outcome();
}

store::store(const options& given) : options_(given) {
  assert(check(given) && "options are checked before they are used");
}

store::share* store::join() {
  const std::lock_guard lock(mutex_);
  return &shares_.emplace_back();
}

store::share store::read(const share& of) const {
  const std::lock_guard lock(mutex_);
  return of;
}

store::look_up store::begin(std::string_view key, const fingerprint& print, instant now, share* mine) {
  std::string owned(key);
  const std::lock_guard lock(mutex_);
  forget_expired(now);
  if (const auto known = entries_.find(owned); known != entries_.end()) {
    const entry& there = known->second;
    if (there.print != print) return {.what = found::another};
    if (there.running) return {.what = found::running};
    if (there.kept == nullptr) return {.what = found::unanswered};
    return {.what = found::answered, .kept = there.kept};
  }
  look_up outcome;
  if (entries_.size() >= options_.max_keys) {
    if (ended_.empty()) return {.what = found::no_room};
    outcome.evicted = 1;
    forget_oldest();
  }
  mine->keys++;
  outcome.added = &entries_.emplace(std::move(owned), entry{.print = print, .of = mine}).first->first;
  return outcome;
}

std::size_t store::keep(const std::string& key, std::shared_ptr<const answer> given, instant from) {
  const std::size_t bytes = key.size() + size_of(given == nullptr ? answer{} : *given);
  const std::lock_guard lock(mutex_);
  std::size_t evicted = 0;
  for (; kept_bytes_ + bytes > options_.max_bytes && !ended_.empty(); evicted++) forget_oldest();
  entry& mine = entries_.at(key);
  mine.running = false;
  mine.kept = std::move(given);
  mine.bytes = bytes;
  mine.expires = saturating_add(from, options_.ttl);
  mine.of->bytes += bytes;
  ended_.push_back(&key);
  kept_bytes_ += bytes;
  return evicted;
}

void store::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto gone = entries_.find(key);  // by place: the key itself goes with it
  gone->second.of->keys--;
  entries_.erase(gone);
}

void store::forget_expired(instant now) {
  while (!ended_.empty() && entries_.at(*ended_.front()).expires <= now) forget_oldest();
}

void store::forget_oldest() {
  assert(!ended_.empty());
  const auto oldest = entries_.find(*ended_.front());
  ended_.pop_front();
  kept_bytes_ -= oldest->second.bytes;
  oldest->second.of->bytes -= oldest->second.bytes;
  oldest->second.of->keys--;
  entries_.erase(oldest);
}

}  // namespace assay::guard::idempotency
