#include "lab/load/run_parts.hpp"

#include <algorithm>
#include <tuple>

namespace assay::load {

run_parts::run_parts(duration length, duration begin)
    : begin_(begin),
      parts_a_ns_(static_cast<double>(parts) / static_cast<double>(std::max<duration::rep>(length.count(), 1))) {
  histograms_.reserve(parts);
  for (std::size_t i = 0; i < parts; ++i) histograms_.push_back(observe::histogram::create(layout).value());
}

void run_parts::merge(const run_parts& other) {
  // One layout for all, so merging cannot fail.
  for (std::size_t i = 0; i < parts; ++i) std::ignore = histograms_[i].merge(other.histograms_[i]);
}

std::vector<std::unique_ptr<run_parts>> parts_of(std::span<const stage> stages, std::size_t routes) {
  std::vector<std::unique_ptr<run_parts>> made;
  if (stages.size() == 1) {
    if (!stages.front().is_even()) return made;
    for (std::size_t i = 0; i < routes; ++i) made.push_back(std::make_unique<run_parts>(stages.front().length));
    return made;
  }
  duration begin{};
  for (const stage& each : stages) {
    made.push_back(each.is_even() ? std::make_unique<run_parts>(each.length, begin) : nullptr);
    begin += each.length;
  }
  return made;
}

}  // namespace assay::load
