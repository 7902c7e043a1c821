// Puts what the threads of a run have measured into a workload_result.
//
// Misuse: merging threads of different runs; they share the start and the workload.
#pragma once

#include <span>
#include <vector>

#include "lab/load/crew.hpp"
#include "lab/load/workload_engine.hpp"

namespace assay::load {

// The run that was measured.
struct measured_run {
  const workload& work;
  std::span<const model::phase> phases;
  const second_series& series;
  instant start{};
  bool interrupted = false;
};

workload_result merge_threads(const measured_run& of, const std::vector<thread_outcome>& threads);

}  // namespace assay::load
