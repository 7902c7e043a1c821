#include "lab/load/measurements.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace assay::load {
namespace {

// Room for the writes of one thread: what is expected, and what chance adds to it.
std::uint64_t room_for_writes(const workload& of) {
  const double share = of.logged_writes_expected() / of.threads;
  return share > 0 ? static_cast<std::uint64_t>(std::ceil(share + 6 * std::sqrt(share))) : 0;
}

}  // namespace

measurements::measurements(const workload& of, second_series* series, stall_watch* watch)
    : requests_(&of.requests),
      watch_(watch),
      routes_(of.requests.size()),
      several_stages_(of.stages.size() > 1),
      timeout_(of.timeout),
      cells_(of.stages.size() * routes_),
      writes_(room_for_writes(of)) {
  if (series != nullptr) seconds_.emplace(*series);
  if (of.keep_parts) parts_ = parts_of(of.stages, of.requests.size());
  if (of.window > duration::zero()) windows_.emplace(of.length(), of.window);
  if (of.tests_arrivals()) realised_.emplace(of.arrivals_expected() / of.threads, of.length());
  // Before the clock runs: to make them at the start of a burst would be the generator's lateness.
  for (std::unique_ptr<recorder>& each : cells_) each = std::make_unique<recorder>();
}

void measurements::end_in_second(const arrival& of, instant now, bool was_answered, std::optional<failure_kind> error,
                                 bool charged) {
  seconds_->ended(of.intended - start_, was_answered, error, charged ? std::optional(now - of.intended) : std::nullopt);
}

void measurements::failed(failure_kind kind, const arrival& of, instant sent, instant now, bool charged) {
  of.into->failed(kind, of.intended, sent, now, charged);
  if (charged) count_stall(of, sent, now, false);
  if (seconds_) end_in_second(of, now, false, kind, charged);
  if (charged) keep_in_parts(of, now - of.intended);
  if (windows_) {
    windows_->ended(of.intended - start_, false, true, charged ? std::optional(now - of.intended) : std::nullopt);
  }
  if ((*requests_)[of.route].key) writes_.add(of.k, of.route, write_outcome::unanswered);
}

void measurements::not_sent(failure_kind kind, const arrival& of, instant now, bool charged, bool before) {
  of.into->not_sent(kind, of.intended, now, charged);
  if (seconds_) end_in_second(of, now, false, kind, charged);
  if (charged) keep_in_parts(of, now - of.intended);
  if (windows_) {
    windows_->ended(of.intended - start_, false, true, charged ? std::optional(now - of.intended) : std::nullopt);
  }
  if (before && (*requests_)[of.route].key) writes_.add(of.k, of.route, write_outcome::unanswered);
}

void measurements::not_sent_many(failure_kind kind, instant intended, instant now, std::uint64_t count) {
  assert(cells_.size() == 1 && !seconds_);
  cells_[0]->offered += count;
  cells_[0]->not_sent(kind, intended, now, true, count);
  keep_in_parts({.intended = intended}, now - intended, count);
  if (windows_) {
    windows_->offered(intended - start_, count);
    windows_->ended(intended - start_, false, true, now - intended, count);
  }
}

recorder measurements::total() const {
  recorder sum;
  for (const std::unique_ptr<recorder>& each : cells_) sum.merge(*each);
  sum.connects += connects;
  sum.received_bytes += received_bytes;
  return sum;
}

}  // namespace assay::load
