// CPU time over wall time of the busiest of a run's threads, between two looks at it.
//
// Misuse: looks closer together than the clock of CPU time ticks; about once a second is meant.
#pragma once

#include <optional>
#include <vector>

#include "lab/load/live_run.hpp"

namespace assay::load {

class busiest_share {
 public:
  void look(const live_view& seen);
  // Of the time between the latest two looks; once threads have ended it stays as it was. Absent before the second.
  std::optional<double> share() const { return share_; }
  bool has_looked() const { return !cpu_before_.empty(); }
  // The run's time at the latest look.
  duration looked_at() const { return elapsed_before_; }

 private:
  std::vector<duration> cpu_before_;
  duration elapsed_before_{};
  std::optional<double> share_;
};

}  // namespace assay::load
