#include "stack/guard/balance/policy.hpp"

#include <algorithm>
#include <cassert>

#include "stack/guard/balance/rendezvous.hpp"

namespace assay::guard::balance {

using namespace std::chrono_literals;

checked check(const options& given) {
  return option_check("balance")
      .number("failures_to_eject", given.failures_to_eject, 1, 1'000'000)
      .span("base_ejection", given.base_ejection, 1ms, 24h)
      .span("max_ejection", given.max_ejection, given.base_ejection, 24h)
      .number("max_ejected_percent", given.max_ejected_percent, 0, 100)
      .number("checks_to_leave", given.checks_to_leave, 1, 1000)
      .number("checks_to_return", given.checks_to_return, 1, 1000)
      .number("panic_percent", given.panic_percent, 0, 100)
      .span("fair_wait", given.fair_wait, 0ms, 1h)
      .outcome();
}

lease::~lease() {
  if (from_ == nullptr) return;
  from_->hosts_[host_].in_flight--;
  if (!told_) from_->counters_.not_counted++;
}

void lease::tell(instant now, bool failed) {
  assert(from_ != nullptr && !told_ && "an exchange ends once");
  told_ = true;
  from_->on_end(host_, period_, failed, now);
}

policy::policy(const options& given, std::vector<std::string> names)
    : options_(given), random_(given.seed ? *given.seed : std::random_device{}()) {
  assert(check(given) && "options are checked before they are used");
  assert(!names.empty() && names.size() <= max_hosts && "there is a host, and there are not too many");
  hosts_.reserve(names.size());
  candidates_.reserve(names.size());
  for (std::string& name : names) {
    const std::uint64_t hash = hash_of(name);
    hosts_.push_back({.name = std::move(name), .hash = hash});
  }
}

result<lease> policy::choose(std::string_view key, instant now, std::span<const std::size_t> asked) {
  collect(now);
  if (candidates_.size() * 100 < hosts_.size() * options_.panic_percent) {
    candidates_.clear();
    for (std::size_t i = 0; i < hosts_.size(); ++i) candidates_.push_back(i);
    counters_.panicked++;
  }
  if (candidates_.empty()) {
    counters_.refused++;
    return std::unexpected(error{.code = errc::limit, .what = "no host is usable"});
  }
  counters_.chosen++;
  leave_out(asked);
  const std::size_t host = candidates_.size() == 1 ? candidates_.front() : pick(key);
  hosts_[host].in_flight++;
  return lease(this, host, hosts_[host].period);
}

void policy::collect(instant now) {
  candidates_.clear();
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (usable(i, now)) candidates_.push_back(i);
  }
}

// Of the candidates, never all: an attempt that has to go to the same host again may still be answered.
void policy::leave_out(std::span<const std::size_t> asked) {
  if (asked.empty()) return;
  const auto was_asked = [asked](std::size_t host) { return std::ranges::find(asked, host) != asked.end(); };
  if (!std::ranges::all_of(candidates_, was_asked)) {
    std::erase_if(candidates_, was_asked);
  } else if (candidates_.size() > 1) {
    std::erase(candidates_, asked.back());
  }
}

std::size_t policy::pick(std::string_view key) {
  switch (options_.by) {
    case method::round_robin:
      return in_turn();
    case method::least_in_flight:
      return least_busy();
    case method::sticky:
      return key.empty() ? better_of_two() : owner_of(key);
    case method::two_choices:
      break;
  }
  return better_of_two();
}

// The first candidate from `turn_` on; each host has its place in the round, whoever else is left out.
std::size_t policy::in_turn() {
  const auto next = std::ranges::lower_bound(candidates_, turn_);
  const std::size_t host = next == candidates_.end() ? candidates_.front() : *next;
  turn_ = host + 1;
  return host;
}

// Of those that are equal any: the first of them would be everybody's choice after a start.
std::size_t policy::least_busy() {
  std::size_t best = candidates_.front();
  std::size_t equal = 0;
  for (const std::size_t each : candidates_) {
    if (hosts_[each].in_flight > hosts_[best].in_flight) continue;
    equal = hosts_[each].in_flight < hosts_[best].in_flight ? 1 : equal + 1;
    if (draw(equal) == 0) best = each;
  }
  return best;
}

std::size_t policy::better_of_two() {
  const std::size_t first = draw(candidates_.size());
  const std::size_t second = (first + 1 + draw(candidates_.size() - 1)) % candidates_.size();
  const std::size_t one = candidates_[first];
  const std::size_t other = candidates_[second];
  return hosts_[other].in_flight < hosts_[one].in_flight ? other : one;
}

std::size_t policy::owner_of(std::string_view key) const {
  const std::uint64_t hash = hash_of(key);
  return *std::ranges::max_element(candidates_, {}, [&](std::size_t each) { return score(hash, hosts_[each].hash); });
}

std::size_t policy::draw(std::size_t count) {
  return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
}

void policy::on_end(std::size_t host, std::uint64_t period, bool failed, instant now) {
  host_state& of = hosts_[host];
  if (period != of.period) {
    counters_.not_counted++;
    return;
  }
  (failed ? counters_.failed : counters_.succeeded)++;
  of.failures = failed ? of.failures + 1 : 0;
  if (of.failures < options_.failures_to_eject) return;
  if (may_eject(now)) return eject(of, now);
  counters_.not_ejected++;
  of.failures = 0;
}

bool policy::may_eject(instant now) const {
  const auto out = static_cast<std::size_t>(
      std::ranges::count_if(hosts_, [now](const host_state& each) { return now < each.ejected_until; }));
  return out + 1 < hosts_.size() && (out + 1) * 100 <= hosts_.size() * options_.max_ejected_percent;
}

// Longer each time; a base_ejection without one takes one of them away.
void policy::eject(host_state& from, instant now) {
  if (from.ejections > 0) {
    const std::int64_t quiet = (now - from.ejected_until) / options_.base_ejection;
    from.ejections = std::max<std::int64_t>(from.ejections - quiet, 0);
  }
  const std::int64_t longest = options_.max_ejection / options_.base_ejection + 1;  // a number that cannot overflow
  from.ejections = std::min(from.ejections + 1, longest);
  const duration span = std::min(options_.base_ejection * from.ejections, options_.max_ejection);
  // A tenth at random: many clients that gave a host up together do not come back together.
  const duration late(std::uniform_int_distribution<duration::rep>(0, span.count() / 10)(random_));
  from.ejected_until = saturating_add(now, span + late);
  from.failures = 0;
  from.period++;
  counters_.ejected++;
}

void policy::on_check(std::size_t host, bool passed) {
  host_state& of = hosts_[host];
  of.checks = passed == of.well ? 0 : of.checks + 1;
  if (of.checks < (of.well ? options_.checks_to_leave : options_.checks_to_return)) return;
  (of.well ? counters_.left : counters_.returned)++;
  of.well = !of.well;
  of.checks = 0;
}

}  // namespace assay::guard::balance
