#include "stack/guard/idempotency/policy.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "stack/guard/fnv.hpp"

namespace assay::guard::idempotency {

using namespace std::chrono_literals;

checked check(const options& given) {
  return option_check("idempotency")
      .span("ttl", given.ttl, 1s, 24h * 7)
      .number("max_keys", given.max_keys, 1, 10'000'000)
      .number("max_bytes", given.max_bytes, 1024, 1ULL << 40)
      .number("max_answer_bytes", given.max_answer_bytes, 1, given.max_bytes)
      .outcome();
}

// A space ends the verb and a line feed the target: neither can be in them.
fingerprint fingerprint_of(std::string_view verb, std::string_view target, std::string_view body) {
  const std::uint64_t head = fnv_mix(fnv_mix(fnv_mix(fnv_mix(fnv_basis, verb), " "), target), "\n");
  return {.hash = fnv_mix(head, body), .body_bytes = body.size()};
}

bool is_final(int status) {
  constexpr std::array<int, 6> open_ends = {401, 403, 408, 425, 429, 499};
  return status < 500 && std::ranges::find(open_ends, status) == open_ends.end();
}

reservation::~reservation() {
  if (from_ != nullptr) from_->on_dropped(*key_);
}

void reservation::keep(answer given, instant now) {
  assert(from_ != nullptr && "a request is carried out once");
  std::exchange(from_, nullptr)->on_kept(*key_, std::move(given), now);
}

policy::policy(const options& given) : options_(given) {
  assert(check(given) && "options are checked before they are used");
}

decision policy::begin(std::string_view key, const fingerprint& print, instant now) {
  forget_expired(now);
  std::string owned(key);
  if (const auto known = entries_.find(owned); known != entries_.end()) {
    const entry& found = known->second;
    if (found.print != print) {
      counters_.mismatched++;
      return refusal::mismatch;
    }
    if (!found.kept) {
      counters_.in_progress++;
      return refusal::in_progress;
    }
    counters_.replayed++;
    return found.kept;
  }
  if (entries_.size() >= options_.max_keys) {
    if (kept_order_.empty()) {
      counters_.full++;
      return refusal::full;
    }
    counters_.evicted++;
    forget_oldest();
  }
  const auto added = entries_.emplace(std::move(owned), entry{.print = print}).first;
  counters_.carried_out++;
  return reservation(this, &added->first);
}

void policy::on_kept(const std::string& key, answer given, instant now) {
  const std::size_t bytes = key.size() + size_of(given);
  if (bytes > options_.max_answer_bytes) {
    counters_.too_large++;
    return on_dropped(key);
  }
  for (; kept_bytes_ + bytes > options_.max_bytes; counters_.evicted++) forget_oldest();
  entry& ended = entries_.at(key);
  ended.kept = std::make_shared<const answer>(std::move(given));
  ended.bytes = bytes;
  ended.expires = saturating_add(now, options_.ttl);
  kept_order_.push_back(&key);
  kept_bytes_ += bytes;
}

void policy::on_dropped(const std::string& key) {
  counters_.released++;
  entries_.erase(entries_.find(key));  // by place: the key itself goes with it
}

void policy::forget_expired(instant now) {
  while (!kept_order_.empty() && entries_.at(*kept_order_.front()).expires <= now) forget_oldest();
}

void policy::forget_oldest() {
  assert(!kept_order_.empty());
  const auto oldest = entries_.find(*kept_order_.front());
  kept_order_.pop_front();
  kept_bytes_ -= oldest->second.bytes;
  entries_.erase(oldest);
}

}  // namespace assay::guard::idempotency
