#include "stack/guard/idempotency/policy.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "stack/guard/fnv.hpp"
#include "stack/runtime/error.hpp"

namespace assay::guard::idempotency {

// A space ends the verb and a line feed the target: neither can be in them.
fingerprint fingerprint_of(std::string_view verb, std::string_view target, std::string_view body) {
  const std::uint64_t head = fnv_mix(fnv_mix(fnv_mix(fnv_mix(fnv_basis, verb), " "), target), "\n");
  return {.hash = fnv_mix(head, body), .body_bytes = body.size()};
}

ending ending_of(int status, std::string_view reason) {
  constexpr std::array<int, 5> open_ends = {401, 403, 408, 425, 429};
  if (status == 499 || status == 502 || status == 504) return ending::unknown;
  if (status >= 500) {
    return reason == label(errc::closed) || reason == label(errc::reset) ? ending::unknown : ending::undone;
  }
  return std::ranges::find(open_ends, status) == open_ends.end() ? ending::final : ending::undone;
}

reservation::~reservation() {
  if (from_ != nullptr) from_->on_dropped(*key_, begun_);
}

void reservation::keep(answer given, instant now) {
  assert(from_ != nullptr && "a request is carried out once");
  std::exchange(from_, nullptr)->on_kept(*key_, std::move(given), now);
}

void reservation::release() {
  assert(from_ != nullptr && "a request is carried out once");
  std::exchange(from_, nullptr)->on_released(*key_);
}

decision policy::begin(std::string_view key, const fingerprint& print, instant now) {
  store::look_up known = store_->begin(key, print, now, mine_);
  counters_.evicted += known.evicted;
  switch (known.what) {
    case store::found::nothing:
      counters_.carried_out++;
      return reservation(this, known.added, now);
    case store::found::answered:
      counters_.replayed++;
      return std::move(known.kept);
    case store::found::running:
      counters_.in_progress++;
      return refusal::in_progress;
    case store::found::unanswered:
      counters_.unknown++;
      return refusal::unknown;
    case store::found::another:
      counters_.mismatched++;
      return refusal::mismatch;
    case store::found::no_room:
      break;
  }
  counters_.full++;
  return refusal::full;
}

void policy::on_kept(const std::string& key, answer given, instant now) {
  std::shared_ptr<const answer> kept;
  if (key.size() + size_of(given) <= store_->settings().max_answer_bytes) {
    kept = std::make_shared<const answer>(std::move(given));
  } else {
    counters_.unanswered++;
    counters_.too_large++;
  }
  counters_.evicted += store_->keep(key, std::move(kept), now);
}

void policy::on_released(const std::string& key) {
  counters_.released++;
  store_->forget(key);
}

void policy::on_dropped(const std::string& key, instant begun) {
  counters_.unanswered++;
  counters_.evicted += store_->keep(key, nullptr, begun);
}

}  // namespace assay::guard::idempotency
