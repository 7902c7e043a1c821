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

}  // namespace assay::load
