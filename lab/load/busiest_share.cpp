#include "lab/load/busiest_share.hpp"

#include <algorithm>

#include "lab/load/span.hpp"

namespace assay::load {

void busiest_share::look(const live_view& seen) {
  const duration since = seen.elapsed - elapsed_before_;
  if (since <= duration::zero()) return;
  if (cpu_before_.size() == seen.cpu.size()) {
    duration busiest{};
    bool all_run = true;
    for (std::size_t i = 0; i < seen.cpu.size(); ++i) {
      busiest = std::max(busiest, seen.cpu[i] - cpu_before_[i]);
      all_run = all_run && seen.cpu[i] > duration::zero();
    }
    if (all_run) share_ = in_seconds(busiest) / in_seconds(since);
  }
  cpu_before_ = seen.cpu;
  elapsed_before_ = seen.elapsed;
}

}  // namespace assay::load
