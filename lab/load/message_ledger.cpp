#include "lab/load/message_ledger.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

#include "lab/load/span.hpp"

namespace assay::load {
namespace {

constexpr std::size_t first_ring = 1024;

}  // namespace

connection_bits bits_for(std::uint32_t connections) { return connection_bits((connections + 63) / 64); }

message_ledger::message_ledger(const ledger_options& options)
    : options_(options),
      ring_(first_ring),
      newest_(options.broadcast ? 0 : options.connections),
      max_bits_(std::max<std::size_t>(1, max_delivery_bytes / (bits_for(options.connections).size() * 8))),
      tallies_(std::max<std::size_t>(1, options.stages)) {
  assert(options.connections > 0);
  for (interval_series* each : options.intervals) intervals_.emplace_back(*each);
}

// It is accounted for without having left.
void message_ledger::never_sent(const message_due& of, failure_kind why) {
  tallies_[of.stage].due++;
  tallies_[of.stage].of(why) += copies();
  offered_ += copies();
  failed_ += copies();
  for (interval_recorder& each : intervals_) {
    each.offered(of.intended - start_, copies());
    each.ended(of.intended - start_, false, why, std::nullopt, copies());
  }
}

void message_ledger::end_in_intervals(const entry& of, bool received, std::optional<failure_kind> error,
                                      std::optional<duration> response, std::uint64_t deliveries) {
  if (deliveries == 0) return;
  for (interval_recorder& each : intervals_) {
    each.ended(of.intended - start_, received, error, response, deliveries);
  }
}

bool message_ledger::has_room(const message_due& of) {
  const bool none_left = options_.broadcast && free_bits_.empty() && bits_.size() >= max_bits_;
  if (next_ - base_ < max_messages_under_way && !none_left) return true;
  // The number stays free for the next one.
  never_sent(of, failure_kind::own_limit);
  return false;
}

// Response times that this thread can have made longer itself.
void message_ledger::count_stall(const entry& of, instant now, std::uint64_t deliveries) {
  if (options_.watch == nullptr) return;
  const duration added = options_.watch->added(of.intended, of.sent, now);
  if (added > duration::zero()) stalls_.touched(now - of.intended, added, deliveries);
}

void message_ledger::record_response(const entry& of, instant now, std::uint64_t deliveries) {
  tally_of(of).latency.response_time.record(nanoseconds(now - of.intended), deliveries);
  run_parts* const parts = options_.parts.empty() ? nullptr : options_.parts[of.stage].get();
  if (parts != nullptr) parts->record(of.intended - start_, now - of.intended, deliveries);
}

void message_ledger::level_changes(instant now, std::int64_t by) {
  under_way_ns_ += static_cast<double>(under_way_) * static_cast<double>((now - level_since_).count());
  under_way_ += by;
  level_since_ = now;
  assert(under_way_ >= 0);
}

message_ledger::entry& message_ledger::append(const message_due& of, instant now, std::uint32_t from) {
  if (next_ - base_ == ring_.size()) {
    std::vector<entry> larger(2 * ring_.size());
    for (std::uint64_t number = base_; number < next_; ++number) larger[number & (larger.size() - 1)] = at(number);
    ring_ = std::move(larger);
  }
  entry& added = at(next_++);
  added = {.intended = of.intended, .sent = now, .from = from, .stage = of.stage};
  if (!options_.broadcast) added.previous = std::exchange(newest_[from], next_);
  offered_ += copies();
  for (interval_recorder& each : intervals_) each.offered(of.intended - start_, copies());
  tally_of(added).due++;
  tally_of(added).own_lag.record(nanoseconds(now - of.intended));
  return added;
}

std::uint32_t message_ledger::take_bits(const connection_bits& absent) {
  if (free_bits_.empty()) {
    bits_.push_back(absent);
    return static_cast<std::uint32_t>(bits_.size() - 1);
  }
  const std::uint32_t taken = free_bits_.back();
  free_bits_.pop_back();
  bits_[taken] = absent;
  return taken;
}

void message_ledger::sent(const message_due& of, instant now, std::uint32_t from, const connection_bits& absent) {
  entry& added = append(of, now, from);
  message_tally& in = tally_of(added);
  sent_++;
  in.sent++;
  in.latency.send_lag.record(nanoseconds(now - of.intended));
  for (interval_recorder& each : intervals_) each.sent(of.intended - start_, now - of.intended);
  added.missing = 1;
  if (options_.broadcast) {
    std::uint32_t gone = 0;
    for (const std::uint64_t word : absent) gone += static_cast<std::uint32_t>(std::popcount(word));
    in.of(failure_kind::connect) += gone;
    failed_ += gone;
    end_in_intervals(added, false, failure_kind::connect, std::nullopt, gone);
    added.missing = options_.connections - gone;
    added.bits = take_bits(absent);
  }
  level_changes(now, added.missing);
  retire();
}

void message_ledger::held(const message_due& of, instant now, std::uint32_t from) {
  entry& added = append(of, now, from);
  added.held = true;
  added.missing = copies();
}

void message_ledger::without_connection(const message_due& of) { never_sent(of, failure_kind::connect); }

message_ledger::arrival message_ledger::arrived(std::uint64_t number, std::uint32_t to, instant now) {
  const auto counted = [](std::uint64_t& in, arrival as) {
    in++;
    return as;
  };
  if (number >= next_) return counted(unrelated_, arrival::unrelated);
  if (number < base_) return counted(surplus_, arrival::surplus);
  entry& of = at(number);
  if (of.held) return counted(unrelated_, arrival::unrelated);
  if (of.missing == 0 || (!options_.broadcast && of.from != to)) return counted(surplus_, arrival::surplus);
  if (options_.broadcast) {
    if (has_bit(bits_[of.bits], to)) return counted(surplus_, arrival::surplus);
    set_bit(bits_[of.bits], to);
  }
  of.missing--;
  received_++;
  if (now <= ends_) received_within_run_++;
  level_changes(now, -1);
  service_sum_ns_ += static_cast<double>((now - of.sent).count());
  message_tally& in = tally_of(of);
  in.received++;
  record_response(of, now, 1);
  in.latency.service_time.record(nanoseconds(now - of.sent));
  count_stall(of, now, 1);
  end_in_intervals(of, true, std::nullopt, now - of.intended, 1);
  retire();
  return arrival::received;
}

void message_ledger::fail(entry& of, failure_kind why, instant now, std::uint32_t deliveries, bool charged) {
  assert(deliveries <= of.missing);
  of.missing -= deliveries;
  message_tally& in = tally_of(of);
  in.of(why) += deliveries;
  failed_ += deliveries;
  end_in_intervals(of, false, why, charged ? std::optional(now - of.intended) : std::nullopt, deliveries);
  if (!of.held) {
    level_changes(now, -std::int64_t{deliveries});
    service_sum_ns_ += static_cast<double>(deliveries) * static_cast<double>((now - of.sent).count());
  }
  if (!charged) return;
  record_response(of, now, deliveries);
  if (of.held) {
    in.latency.send_lag.record(nanoseconds(now - of.intended));
  } else {
    in.latency.service_time.record(nanoseconds(now - of.sent), deliveries);
    count_stall(of, now, deliveries);
  }
}

void message_ledger::give_up(entry& of, failure_kind why, instant now) {
  if (of.missing > 0) fail(of, of.held ? failure_kind::unsent : why, now, of.missing, true);
}

// The oldest go, as far as nothing is missing any more.
void message_ledger::retire() {
  for (; base_ < next_ && at(base_).missing == 0; ++base_) {
    const std::uint32_t used = std::exchange(at(base_).bits, no_bits);
    if (used != no_bits) free_bits_.push_back(used);
  }
}

void message_ledger::lost(std::uint32_t gone, failure_kind why, instant now) {
  if (!options_.broadcast) {
    for (std::uint64_t after = std::exchange(newest_[gone], 0); after > base_; after = at(after - 1).previous) {
      entry& of = at(after - 1);
      if (of.missing > 0) fail(of, why, now, 1, false);
    }
  } else {
    for (std::uint64_t number = base_; number < next_; ++number) {
      entry& of = at(number);
      if (of.missing > 0 && of.held && of.from == gone) fail(of, why, now, of.missing, false);
      if (of.missing == 0 || of.held || has_bit(bits_[of.bits], gone)) continue;
      set_bit(bits_[of.bits], gone);
      fail(of, why, now, 1, false);
    }
  }
  retire();
}

instant message_ledger::next_expiry() const {
  return empty() ? never : saturating_add(at(base_).sent, options_.timeout);
}

void message_ledger::expire(instant now) {
  while (next_expiry() <= now) {
    give_up(at(base_), failure_kind::timed_out, now);
    retire();
  }
}

void message_ledger::close(instant now) {
  for (std::uint64_t number = base_; number < next_; ++number) give_up(at(number), failure_kind::undrained, now);
  retire();
  assert(empty() && under_way_ == 0);
}

std::uint64_t message_ledger::count(failure_kind kind) const {
  std::uint64_t sum = 0;
  for (const message_tally& each : tallies_) sum += each.of(kind);
  return sum;
}

message_tally message_ledger::total() const {
  message_tally sum;
  for (const message_tally& each : tallies_) sum.merge(each);
  return sum;
}

void message_ledger::write_to(model::stream_result& into) const {
  const double seconds = std::max(1e-9, std::chrono::duration<double>(into.duration).count());
  const message_tally all = total();
  into.due = all.due;
  into.sent = sent_;
  into.received = received_;
  into.achieved_rate = static_cast<double>(received_within_run_) / seconds;
  into.surplus = surplus_;
  into.unrelated = unrelated_;
  into.latency = all.latency;
  if (options_.broadcast && sent_ > 0) {
    into.reach =
        static_cast<double>(received_) / (static_cast<double>(sent_) * static_cast<double>(options_.connections));
  }
  into.errors = counts_by_kind(all.errors);
  for (std::size_t i = 0; i < into.stages.size(); ++i) tallies_[i].write_to(into.stages[i]);
  into.generator.own_lag_p99_ns = all.own_lag.value_at_quantile(0.99);
  into.generator.own_lag_max_ns = all.own_lag.max();
  if (under_way_ns_ > 0) {
    into.generator.little_residual = std::abs(under_way_ns_ - service_sum_ns_) / under_way_ns_;
  }
}

}  // namespace assay::load
