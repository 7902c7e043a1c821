// What the threads of one load have measured, as one result with its verdict.
//
// Misuse: threads that still run; their measurements are moved out of them when they have ended.
#pragma once

#include <vector>

#include "lab/load/crew.hpp"
#include "lab/load/options.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/workload.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

struct measured_load {
  const load_plan& plan;
  const workload& work;         // of the plan
  const second_series* series;  // may be null where the workload keeps no seconds
  instant start{};
  bool interrupted = false;
  const run_windows* windows = nullptr;  // where objectives are of them
  duration even_from{};                  // of sessions: until then fewer of them were under way than afterwards
};

model::load_result merge_load(const measured_load& of, const std::vector<thread_outcome>& outcomes);

}  // namespace assay::load
