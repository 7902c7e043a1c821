#include "lab/load/second_series.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>

#include "lab/load/span.hpp"
#include "lab/load/verdict.hpp"

namespace assay::load {
namespace {

constexpr duration one_second = std::chrono::seconds(1);
constexpr std::uint64_t late_ns = verdict_bounds{}.own_lag_p99_ns;

std::size_t seconds_in(duration length) {
  const std::size_t whole = second_of(length);
  return length > whole * one_second ? whole + 1 : whole;
}

observe::histogram coarse_histogram() { return observe::histogram::create({.significant_digits = 2}).value(); }

// In one pass: the histogram's buckets are in order, as the bands are.
model::band_counts bands_of(const observe::histogram& times) {
  model::band_counts bands{};
  std::size_t band = 0;
  times.for_each_recorded([&](std::uint64_t, std::uint64_t highest, std::uint64_t count) {
    while (band < model::band_edges_ns.size() && highest > model::band_edges_ns[band]) ++band;
    bands[band] += static_cast<std::uint32_t>(count);
  });
  return bands;
}

double to_ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

}  // namespace

open_second::open_second() : response_time(coarse_histogram()) {}

void open_second::reset() {
  offered = ended = answered = 0;
  details = {};
  response_time.reset();
}

void second_details::add(const second_details& other) {
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) errors[kind] += other.errors[kind];
  response_times += other.response_times;
  own_lag_max_ns = std::max(own_lag_max_ns, other.own_lag_max_ns);
  sent += other.sent;
  sent_late += other.sent_late;
}

second_series::second_series(duration length, unsigned threads)
    : threads_(threads),
      over_(seconds_in(length)),
      parts_(over_.size()),
      seconds_(over_.size()),
      details_(over_.size()) {
  assert(length <= max_series_length);
  for (std::size_t i = 0; i < size(); ++i) seconds_[i].at_s = static_cast<double>(i);
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
    for (const std::uint64_t count : given->details.errors) sums.errors += count;
    details_[index].add(given->details);
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
  if (into.merged != nullptr) conclude(index);
  if (overs_end_.load(std::memory_order_relaxed) <= index) overs_end_.store(index + 1, std::memory_order_release);
  over_[index].store(true, std::memory_order_release);
}

void second_series::conclude(std::size_t index) {
  part& into = parts_[index];
  model::load_second& done = seconds_[index];
  const observe::histogram& response = into.merged->response_time;
  details_[index].response_times = response.count();
  details_[index].bands = bands_of(response);
  done.response_p50_ms = to_ms(std::min(response.value_at_quantile(0.5), response.max()));
  done.response_p99_ms = to_ms(std::min(response.value_at_quantile(0.99), response.max()));
  done.response_max_ms = to_ms(response.max());
  into.merged->reset();
  empty_.push_back(std::move(into.merged));
}

std::optional<model::load_second> second_series::last() const {
  const std::size_t end = overs_end_.load(std::memory_order_acquire);
  return end == 0 ? std::nullopt : std::optional(seconds_[end - 1]);
}

void second_recorder::close(std::size_t index) { series_.close(index, std::move(open_[index])); }

void second_recorder::count(std::size_t index, std::uint64_t times) {
  assert(index < open_.size() && index >= current_);
  if (open_[index] == nullptr) open_[index] = series_.take_empty();
  open_[index]->offered += times;
}

void second_recorder::pass(std::size_t index) {
  while (current_ < index) {
    const std::size_t before = current_++;
    if (open_[before] == nullptr || open_[before]->ended == open_[before]->offered) close(before);
  }
}

void second_recorder::offered(duration offset, std::uint64_t times) {
  const std::size_t index = second_of(offset);
  assert(index < open_.size());
  pass(index);  // first: what it closes is what the next is opened with
  count(index, times);
}

void second_recorder::offered(duration offset, duration from) {
  count(second_of(offset), 1);
  pass(std::min(second_of(from), open_.size()));
}

void second_recorder::sent(duration offset, duration own_lag) {
  second_details& in = open_[second_of(offset)]->details;
  const auto lag_ns = static_cast<std::uint64_t>(std::max<duration::rep>(own_lag.count(), 0));
  in.own_lag_max_ns = std::max(in.own_lag_max_ns, lag_ns);
  in.sent++;
  if (lag_ns > late_ns) in.sent_late++;
}

void second_recorder::ended(duration offset, bool answered, std::optional<failure_kind> error,
                            std::optional<duration> response_time, std::uint64_t times) {
  const std::size_t index = second_of(offset);
  open_second& in = *open_[index];
  in.ended += times;
  if (answered) in.answered += times;
  if (error) in.details.errors[static_cast<std::size_t>(*error)] += times;
  if (response_time) in.response_time.record(nanoseconds(*response_time), times);
  if (index < current_ && in.ended == in.offered) close(index);
}

void second_recorder::finish() {
  for (; current_ < open_.size(); ++current_) {
    const open_second* last = open_[current_].get();
    if (last == nullptr || last->ended == last->offered) close(current_);
  }
}

}  // namespace assay::load
