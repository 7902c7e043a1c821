// What goes beside the load of a trial on the load's own clock: the fault schedule, background tasks, the observer,
// and a look into each database.
//
//   companions beside(proxy, phases, tasks, watching, databases);
//   load::workload_engine engine(work, phases, [&](instant start) { beside.set_clock(start); });
//   engine.run();
//   beside.finish();
//
// The clock is set on a generator's thread, which must not be held up: all are started on another.
//
// Misuse: letting it go without finish(); the destructor does it, and what it has seen is lost.
#pragma once

#include <atomic>
#include <deque>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lab/campaign/background_tasks.hpp"
#include "lab/campaign/fault_schedule.hpp"
#include "lab/inside/database_sampler.hpp"
#include "lab/inside/observer.hpp"

namespace assay::campaign {

class companions {
 public:
  // `watching` may be nobody: a candidate that the lab has not started is not looked into.
  companions(fault::proxy& through, const std::vector<model::phase>& phases, background_place tasks,
             inside::observer* watching, const std::vector<inside::watched_database>& databases);
  ~companions();
  companions(const companions&) = delete;
  companions& operator=(const companions&) = delete;

  // At once, and at most once.
  void set_clock(instant start);
  // Faults are reverted when it returns; what they were is in fault_events. Also when the clock was never set.
  void finish();

  const std::vector<model::trial_event>& fault_events() const { return fault_events_; }
  const std::vector<model::trial_event>& task_events() const { return task_events_; }
  // Empty when there were none.
  const std::string& task_summary() const { return task_summary_; }
  // After finish(); in the order they were given.
  const std::vector<inside::database_observation>& databases() const { return databases_; }
  // Empty when the observer has started.
  const std::string& cannot_watch() const { return cannot_watch_; }

 private:
  std::atomic<bool> clock_set_{false};
  std::promise<instant> clock_;
  std::optional<fault_schedule> faults_;
  std::vector<model::trial_event> fault_events_;
  std::optional<background_tasks> tasks_;
  std::vector<model::trial_event> task_events_;
  std::string task_summary_;
  std::deque<inside::database_sampler> samplers_;
  std::vector<inside::database_observation> databases_;
  std::string cannot_watch_ = "the load has not begun";
  std::thread thread_;
};

}  // namespace assay::campaign
