#include "lab/load/interval_series.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <tuple>
#include <utility>

#include "lab/load/span.hpp"
#include "lab/load/verdict.hpp"

namespace assay::load {
namespace {

constexpr std::uint64_t late_ns = verdict_bounds{}.own_lag_p99_ns;

std::size_t intervals_in(duration run, duration each) {
  return static_cast<std::size_t>(run / each) + (run % each > duration::zero() ? 1 : 0);
}

observe::histogram coarse_histogram() { return observe::histogram::create({.significant_digits = 2}).value(); }

}  // namespace

void second_details::add(const second_details& other) {
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) errors[kind] += other.errors[kind];
  response_times += other.response_times;
  own_lag_max_ns = std::max(own_lag_max_ns, other.own_lag_max_ns);
  sent += other.sent;
  sent_late += other.sent_late;
}

std::uint64_t second_details::failed() const { return std::accumulate(errors.begin(), errors.end(), std::uint64_t{0}); }

open_interval::open_interval() : response_time(coarse_histogram()) {}

void open_interval::add(const open_interval& other) {
  offered += other.offered;
  ended += other.ended;
  answered += other.answered;
  details.add(other.details);
  std::ignore = response_time.merge(other.response_time);  // of one layout, so it cannot fail
}

void open_interval::reset() {
  offered = ended = answered = 0;
  details = {};
  response_time.reset();
}

interval_series::interval_series(duration run, duration each, unsigned threads)
    : size_(intervals_in(run, each)), each_(each), threads_(threads) {
  assert(each > duration::zero() && threads > 0);
}

std::unique_ptr<open_interval> interval_series::take_empty() {
  {
    const std::lock_guard lock(mutex_);
    if (!empty_.empty()) {
      std::unique_ptr<open_interval> taken = std::move(empty_.back());
      empty_.pop_back();
      return taken;
    }
  }
  return std::make_unique<open_interval>();
}

void interval_series::close(std::size_t index, std::unique_ptr<open_interval> given) {
  const std::lock_guard lock(mutex_);
  assert(index >= first_ && index < size_);
  while (first_ + parts_.size() <= index) parts_.emplace_back();
  part& into = parts_[index - first_];
  into.threads++;
  assert(into.threads <= threads_);
  if (given != nullptr && into.merged != nullptr) {
    into.merged->add(*given);
    given->reset();
    empty_.push_back(std::move(given));
  } else if (given != nullptr) {
    into.merged = std::move(given);
  }
  if (into.threads < threads_) return;
  over(index, into.merged.get());
  if (into.merged != nullptr) {
    into.merged->reset();
    empty_.push_back(std::move(into.merged));
  }
  for (; !parts_.empty() && parts_.front().threads == threads_; ++first_) parts_.pop_front();
}

void interval_recorder::close(std::size_t index) {
  const bool held = index - first_ < open_.size();
  series_.close(index, held ? std::move(at(index)) : nullptr);
  while (first_ < current_ && (open_.empty() || open_.front() == nullptr)) {
    if (!open_.empty()) open_.pop_front();
    ++first_;
  }
}

void interval_recorder::count(std::size_t index, std::uint64_t times) {
  assert(index < series_.size() && index >= current_);
  while (first_ + open_.size() <= index) open_.emplace_back();
  if (at(index) == nullptr) at(index) = series_.take_empty();
  at(index)->offered += times;
}

void interval_recorder::pass(std::size_t index) {
  const std::size_t end = std::min(index, series_.size());
  while (current_ < end) {
    const std::size_t before = current_++;
    const bool held = before - first_ < open_.size();
    if (!held || at(before) == nullptr || at(before)->ended == at(before)->offered) close(before);
  }
}

void interval_recorder::offered(duration offset, std::uint64_t times) {
  const std::size_t index = series_.index_of(offset);
  pass(index);  // first: what it closes is what the next is opened with
  count(index, times);
}

void interval_recorder::offered(duration offset, duration from) {
  count(series_.index_of(offset), 1);
  none_before(from);
}

void interval_recorder::sent(duration offset, duration own_lag) {
  second_details& in = at(series_.index_of(offset))->details;
  const auto lag_ns = static_cast<std::uint64_t>(std::max<duration::rep>(own_lag.count(), 0));
  in.own_lag_max_ns = std::max(in.own_lag_max_ns, lag_ns);
  in.sent++;
  if (lag_ns > late_ns) in.sent_late++;
}

void interval_recorder::ended(duration offset, bool answered, std::optional<failure_kind> error,
                              std::optional<duration> response_time, std::uint64_t times) {
  const std::size_t index = series_.index_of(offset);
  open_interval& in = *at(index);
  in.ended += times;
  if (answered) in.answered += times;
  if (error) in.details.errors[static_cast<std::size_t>(*error)] += times;
  if (response_time) in.response_time.record(nanoseconds(*response_time), times);
  if (index < current_ && in.ended == in.offered) close(index);
}

void interval_recorder::finish(duration sent_for) { pass(series_.begun_by(sent_for)); }

}  // namespace assay::load
