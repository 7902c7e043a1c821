// Switches the plan's faults at the instants of its phases, on a thread of its own, and reverts them whatever happens.
//
// Misuse: starting it before the load's clock is set; its instants are the load's.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "lab/fault/proxy.hpp"
#include "lab/model/plan.hpp"
#include "lab/model/trial.hpp"
#include "stack/runtime/time.hpp"

namespace assay::campaign {

class fault_schedule {
 public:
  // Begins with the first phase at `start`.
  fault_schedule(fault::proxy& through, const std::vector<model::phase>& phases, instant start);
  // Reverts what is on.
  ~fault_schedule();
  fault_schedule(const fault_schedule&) = delete;
  fault_schedule& operator=(const fault_schedule&) = delete;

  // When each fault was really on and off, in seconds from `start`; after the last phase.
  std::vector<model::trial_event> events();

 private:
  void run(const std::vector<model::phase>& phases, instant start);
  bool wait_until(instant at);

  fault::proxy& through_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<model::trial_event> events_;
  std::thread thread_;
};

}  // namespace assay::campaign
