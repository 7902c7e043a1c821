#include "lab/load/second_series.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace assay::load {
namespace {

constexpr duration one_second = std::chrono::seconds(1);

std::size_t second_of(duration offset) {
  return offset <= duration::zero() ? 0 : static_cast<std::size_t>(offset / one_second);
}

observe::histogram coarse_histogram() { return observe::histogram::create({.significant_digits = 2}).value(); }

double to_ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

}  // namespace

open_second::open_second() : response_time(coarse_histogram()) {}

void open_second::reset() {
  offered = ended = answered = errors = 0;
  response_time.reset();
}

second_series::second_series(duration length, unsigned threads) : threads_(threads) {
  assert(length <= max_series_length);
  const std::size_t whole = second_of(length);
  const std::size_t size = length > whole * one_second ? whole + 1 : whole;
  parts_.resize(size);
  seconds_.resize(size);
  for (std::size_t i = 0; i < size; ++i) seconds_[i].at_s = static_cast<double>(i);
}

std::unique_ptr<open_second> second_series::take_empty() {
  {
    const std::lock_guard lock(mutex_);
    if (!empty_.empty()) {
      std::unique_ptr<open_second> taken = std::move(empty_.back());
      empty_.pop_back();
      return taken;
    }
  }
  return std::make_unique<open_second>();
}

void second_series::close(std::size_t index, std::unique_ptr<open_second> given) {
  const std::lock_guard lock(mutex_);
  part& into = parts_[index];
  into.threads++;
  assert(into.threads <= threads_);
  if (given != nullptr) {
    model::load_second& sums = seconds_[index];
    sums.offered += given->offered;
    sums.answered += given->answered;
    sums.errors += given->errors;
    if (into.merged != nullptr) {
      // One layout for all, so merging cannot fail.
      std::ignore = into.merged->response_time.merge(given->response_time);
      given->reset();
      empty_.push_back(std::move(given));
    } else {
      into.merged = std::move(given);
    }
  }
  if (into.threads < threads_) return;
  if (!last_ || *last_ < index) last_ = index;
  if (into.merged == nullptr) return;
  model::load_second& done = seconds_[index];
  const observe::histogram& response = into.merged->response_time;
  done.response_p50_ms = to_ms(std::min(response.value_at_quantile(0.5), response.max()));
  done.response_p99_ms = to_ms(std::min(response.value_at_quantile(0.99), response.max()));
  done.response_max_ms = to_ms(response.max());
  into.merged->reset();
  empty_.push_back(std::move(into.merged));
}

std::optional<model::load_second> second_series::last() const {
  const std::lock_guard lock(mutex_);
  if (!last_) return std::nullopt;
  return seconds_[*last_];
}

void second_recorder::close(std::size_t index) { series_.close(index, std::move(open_[index])); }

void second_recorder::offered(duration offset) {
  const std::size_t index = second_of(offset);
  assert(index < open_.size() && index >= current_);
  while (current_ < index) {
    const std::size_t before = current_++;
    if (open_[before] == nullptr || open_[before]->ended == open_[before]->offered) close(before);
  }
  if (open_[index] == nullptr) open_[index] = series_.take_empty();
  open_[index]->offered++;
}

void second_recorder::ended(duration offset, bool answered, bool error, std::optional<duration> response_time) {
  const std::size_t index = second_of(offset);
  open_second& in = *open_[index];
  in.ended++;
  if (answered) in.answered++;
  if (error) in.errors++;
  if (response_time)
    in.response_time.record(static_cast<std::uint64_t>(std::max(response_time->count(), duration::rep{0})));
  if (index < current_ && in.ended == in.offered) close(index);
}

void second_recorder::finish() {
  for (; current_ < open_.size(); ++current_) {
    const open_second* last = open_[current_].get();
    if (last == nullptr || last->ended == last->offered) close(current_);
  }
}

}  // namespace assay::load
