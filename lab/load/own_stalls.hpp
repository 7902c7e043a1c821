// Which percentiles of a run the generator's own stalls can have made what they are (stall_watch.hpp).
//
// Of each response time that a stall can have touched two values are known: what was measured, and that less the part
// of the stall that lies in it, which is the least that it can have been. Put in place of the former, the latter give
// the least that each percentile can have been. One that would be lower by more than a twentieth is told: a stall of
// 200 ms in 10 s is most of a maximum, some of a p99, and next to nothing of a median.
//
// Misuse: taking the lower value for the truth. It lies between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lab/model/load_result.hpp"
#include "stack/observe/histogram.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// Of one thread; or of all of them, merged. 0.5 MiB.
class stall_record {
 public:
  // A response time that a stall can have made longer by so much; or so many of them.
  void touched(duration response, duration added, std::uint64_t times = 1);
  // How many stalls there were, the longest, and all of them together.
  void saw(std::uint64_t count, duration longest, duration total);
  void merge(const stall_record& other);

  duration total() const { return total_; }
  // `all` are the response times of the run, those that were touched among them; `asked` the quantiles of objectives.
  model::own_stalls concern(const observe::histogram& all, std::span<const double> asked = {}) const;

 private:
  // Nothing where there are too few for it.
  std::optional<model::touched_time> time_of(const observe::histogram& all, double quantile) const;
  double least_at(const observe::histogram& all, double quantile) const;

  observe::histogram measured_ = observe::histogram::with_defaults();
  observe::histogram least_ = observe::histogram::with_defaults();
  std::uint64_t count_ = 0;
  duration longest_{};
  duration total_{};
};

}  // namespace assay::load
