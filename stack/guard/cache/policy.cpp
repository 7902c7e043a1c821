#include "stack/guard/cache/policy.hpp"

#include <algorithm>
#include <cassert>

#include "stack/guard/cache/directives.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::cache {
namespace {

using namespace std::chrono_literals;

bool is_among(std::string_view name, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [name](const auto& each) { return http::equals_ignoring_case(name, each); });
}

// Whether every field that the answer varies by belongs to the key. "*" belongs to none.
bool varies_by_key(std::string_view list, const options& by) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    if (!name.empty() && !is_among(name, by.key_fields)) return false;
  }
  return true;
}

// What an answer's fields say.
struct told {
  directives control;
  duration age{};
  bool for_one = false;  // a cookie, or by a field that is not in the key
  bool expires = false;
};

told read_fields(const answer& given, const options& by) {
  told all;
  for (const auto& [name, value] : given.headers) {
    const auto is = [&name](std::string_view other) { return http::equals_ignoring_case(name, other); };
    if (is("cache-control")) read_cache_control(value, all.control);
    if (is("age")) all.age = std::max(all.age, parse_seconds(value).value_or(0s));
    if (is("set-cookie")) all.for_one = true;
    if (is("vary") && !varies_by_key(value, by)) all.for_one = true;
    if (is("expires")) all.expires = true;
  }
  return all;
}

}  // namespace

checked check(const options& given) {
  option_check checking("cache");
  checking.span("ttl", given.ttl, 0s, given.max_ttl)
      .span("max_ttl", given.max_ttl, 1ms, 24h * 365)
      .span("stale_for", given.stale_for, 0s, 24h * 7)
      .span("alone_for", given.alone_for, 0s, 1h)
      .number("max_entries", given.max_entries, 1, 10'000'000)
      .number("max_bytes", given.max_bytes, 1024, 1ULL << 40)
      .number("max_answer_bytes", given.max_answer_bytes, 1, given.max_bytes)
      .number("max_waiters", given.max_waiters, 0, 1'000'000);
  for (const int status : given.statuses) {
    const bool fits = status >= 200 && status <= 599 && status != 206 && status != 304;
    checking.that(fits, "statuses", std::to_string(status), "200 to 599, not 206 and 304, which are parts");
  }
  return checking.outcome();
}

// Expires is not read, since that takes two clocks that agree; where it stands alone somebody meant it.
fate judge(const answer& given, const options& by) {
  const told all = read_fields(given, by);
  const directives& control = all.control;
  if (control.no_store || control.no_cache || control.is_private || control.malformed || all.for_one) return {};
  if (given.status < 200 || given.status == 206) return {};
  const std::optional<duration> lifetime = control.s_maxage ? control.s_maxage : control.max_age;
  if (!lifetime && all.expires) return {};
  if (lifetime && *lifetime <= all.age) return {};
  const duration ttl = std::min(lifetime ? *lifetime - all.age : by.ttl, by.max_ttl);
  const bool keeps = ttl > 0s && std::ranges::find(by.statuses, given.status) != by.statuses.end();
  return {.how = keeps ? use::keep : use::share, .ttl = ttl, .when_stale = !control.must_revalidate, .age = all.age};
}

detail::flight::~flight() { from->unlist(*this); }

lead::~lead() {
  if (on_ != nullptr && on_->outcome.index() == 0) on_->from->counters_.handed_on++;
}

void lead::answered(const answer& given, instant now) {
  policy& store = *on_->from;
  const fate as = judge(given, store.options_);
  if (as.how == use::own) {
    // A failure says nothing of the answers that come otherwise, and an old one may still be of use.
    if (given.status < 500) return not_for_others(now);
    on_->outcome = detail::flight::for_one{};
    return store.unlist(*on_);
  }
  const auto shared = std::make_shared<const answer>(given);
  on_->outcome = shared;
  store.unlist(*on_);
  if (as.how == use::keep) store.keep(on_->key, shared, as, now);
}

void lead::failed(const error& why) {
  on_->outcome = why;
  on_->from->unlist(*on_);
}

void lead::not_for_others(instant now) {
  on_->outcome = detail::flight::for_one{};
  on_->from->unlist(*on_);
  on_->from->mark_alone(on_->key, now);
}

policy::policy(const options& given) : options_(given) {
  assert(check(given) && "options are checked before they are used");
}

task<decision> policy::enter(std::string key) {
  const context& ctx = co_await this_context();
  const instant now = ctx.on->turn_time();
  if (const entry* known = find(key, now); known != nullptr && now < known->fresh_until) {
    (known->kept ? counters_.hits : counters_.alone)++;
    if (!known->kept) co_return alone{};
    co_return hit{.given = known->kept, .age = now - known->born};
  }
  const std::shared_ptr<detail::flight> on = flight_of(key);
  result<permit> turn = co_await on->turn.acquire();
  if (!turn) {
    if (turn.error().code == errc::limit) counters_.refused++;
    co_return turn.error();
  }
  if (on->outcome.index() == 0) {
    counters_.asked++;
    co_return lead(on, std::move(*turn));
  }
  if (std::holds_alternative<detail::flight::for_one>(on->outcome)) {
    counters_.alone++;
    co_return alone{};
  }
  counters_.shared++;
  if (const auto* given = std::get_if<std::shared_ptr<const answer>>(&on->outcome)) co_return hit{.given = *given};
  co_return std::get<error>(on->outcome);
}

void policy::offer(const std::string& key, const answer& given, instant now) {
  const fate as = judge(given, options_);
  if (as.how == use::keep) keep(key, std::make_shared<const answer>(given), as, now);
}

std::optional<hit> policy::stale(const std::string& key, instant now) {
  const entry* known = find(key, now);
  if (known == nullptr || !known->kept) return std::nullopt;
  counters_.stale++;
  return hit{.given = known->kept, .age = now - known->born};
}

policy::entry* policy::find(std::string_view key, instant now) {
  const auto known = by_key_.find(key);
  if (known == by_key_.end()) return nullptr;
  if (now >= known->second->gone_at) {
    erase(known->second);
    return nullptr;
  }
  entries_.splice(entries_.end(), entries_, known->second);
  return &*known->second;
}

std::shared_ptr<detail::flight> policy::flight_of(const std::string& key) {
  if (const auto known = flights_.find(key); known != flights_.end()) return known->second.lock();
  auto begun = std::make_shared<detail::flight>(this, key, options_.max_waiters);
  flights_.emplace(begun->key, begun);
  return begun;
}

void policy::unlist(detail::flight& ended) {
  if (std::exchange(ended.listed, false)) flights_.erase(ended.key);
}

void policy::keep(const std::string& key, std::shared_ptr<const answer> given, const fate& as, instant now) {
  const std::size_t bytes = key.size() + size_of(*given);
  if (bytes > options_.max_answer_bytes) {
    counters_.too_large++;
    return;
  }
  counters_.kept++;
  const instant fresh_until = now + as.ttl;
  put({.key = key,
       .kept = std::move(given),
       .bytes = bytes,
       .born = now - as.age,
       .fresh_until = fresh_until,
       .gone_at = fresh_until + (as.when_stale ? options_.stale_for : duration::zero())});
}

// Where answers are for one, whoever came next would wait for one in vain.
void policy::mark_alone(const std::string& key, instant now) {
  const instant until = now + options_.alone_for;
  const std::size_t bytes = key.size() + size_of({});
  if (bytes > options_.max_bytes) return;
  put({.key = key, .kept = nullptr, .bytes = bytes, .born = now, .fresh_until = until, .gone_at = until});
}

void policy::put(entry added) {
  if (const auto known = by_key_.find(added.key); known != by_key_.end()) erase(known->second);
  while (!entries_.empty() && (entries_.size() >= options_.max_entries || bytes_ + added.bytes > options_.max_bytes)) {
    counters_.evicted++;
    erase(entries_.begin());
  }
  bytes_ += added.bytes;
  entries_.push_back(std::move(added));
  by_key_.emplace(entries_.back().key, std::prev(entries_.end()));
}

void policy::erase(std::list<entry>::iterator gone) {
  bytes_ -= gone->bytes;
  by_key_.erase(gone->key);
  entries_.erase(gone);
}

}  // namespace assay::guard::cache
