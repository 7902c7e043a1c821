#include "lab/load/run_windows.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>

#include "lab/load/span.hpp"

namespace assay::load {

run_windows::run_windows(duration length, duration each) : each_(each) {
  assert(each > duration::zero() && length > duration::zero());
  const auto count = static_cast<std::size_t>((length + each - duration(1)) / each);
  assert(count <= max_windows);
  for (std::size_t i = 0; i < count; ++i) {
    windows_.push_back({.response_time = observe::histogram::create({.significant_digits = 2}).value()});
  }
}

run_windows::window& run_windows::at(duration offset) {
  const auto index = offset > duration::zero() ? static_cast<std::size_t>(offset / each_) : 0;
  return windows_[std::min(index, windows_.size() - 1)];
}

void run_windows::ended(duration offset, bool answered, bool failed, std::optional<duration> response,
                        std::uint64_t times) {
  window& in = at(offset);
  if (answered) in.answered += times;
  if (failed) in.errors += times;
  if (response) in.response_time.record(nanoseconds(*response), times);
}

void run_windows::merge(const run_windows& other) {
  assert(windows_.size() == other.windows_.size());
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    windows_[i].offered += other.windows_[i].offered;
    windows_[i].answered += other.windows_[i].answered;
    windows_[i].errors += other.windows_[i].errors;
    // One layout for all, so merging cannot fail.
    std::ignore = windows_[i].response_time.merge(other.windows_[i].response_time);
  }
}

}  // namespace assay::load
