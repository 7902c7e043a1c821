#include "lab/report/stalls_text.hpp"

#include <fmt/format.h>

#include "lab/report/time_row.hpp"

namespace assay::report {

bool append_stalls(std::string& to, const model::own_stalls& stalls) {
  if (stalls.touched.empty()) return false;
  const model::touched_time& most = stalls.touched.back();
  to +=
      fmt::format("  the generator itself stalled, {}x, for up to {}: {} can be its own; without it {} is {} or more\n",
                  stalls.count, time_text(static_cast<double>(stalls.longest_ns)), model::names_of(stalls.touched),
                  model::names_of({most}), time_text(most.least_ns));
  return true;
}

}  // namespace assay::report
