// One trial: a fresh process of one candidate, checked, loaded through every phase, watched, stopped, reconciled.
//
//   trial_runner one(plan, candidate, slot, bed, machine);
//   model::trial measured = one.run();     // on a thread; look() and stop() from another
//
// Whatever goes wrong with the candidate is in the trial: its state and reasons. What goes wrong around it (the
// database, the disk) is an error of run(): a dependency that dies ends the trial at once, and it is no trial, whatever
// the candidate has made of it.
//
// Misuse: running two at a time.
#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "lab/campaign/companions.hpp"
#include "lab/campaign/cost_under_load.hpp"
#include "lab/campaign/order.hpp"
#include "lab/campaign/probe_cost.hpp"
#include "lab/campaign/test_bed.hpp"
#include "lab/inside/environment.hpp"
#include "lab/inside/observer.hpp"
#include "lab/load/workload_engine.hpp"
#include "lab/model/plan.hpp"
#include "lab/model/trial.hpp"
#include "lab/subject/conformance.hpp"
#include "lab/subject/host.hpp"
#include "lab/subject/process.hpp"

namespace assay::campaign {

// What is the same for every trial of a campaign.
struct trial_machine {
  subject::cpu_split cpus;
  inside::probe_files probe;
  std::expected<probe_cost, std::string> cost_of_probe = std::unexpected("not measured");
  std::vector<subject::conformance_check> checks;
  std::map<std::string, std::string> versions;  // by candidate
  std::string logs;                             // directory; each trial makes its own in it
};

struct trial_look {
  std::string step;
  load::workload_view load;  // while it runs
};

class trial_runner {
 public:
  trial_runner(const model::plan& plan, const model::candidate& candidate, const trial_slot& slot, test_bed& bed,
               const trial_machine& machine);

  // The error is one line: the campaign cannot go on, or stop() was called.
  std::expected<model::trial, std::string> run();
  void stop();
  trial_look look();

 private:
  using checked = std::expected<void, std::string>;

  // All steps, ended early by stopping_.
  checked take_steps();
  // Ends the trial when a dependency dies.
  void watch_bed(const std::stop_token& over);
  // Each step; false when the trial is over, with its reason in it.
  bool start_candidate();
  bool behaves_alike();
  checked measure();
  // After the load: what was seen, the candidate's end, its writes.
  checked conclude(load::workload_result& measured, const companions& beside, inside::observer& watching);
  void take_view(const std::expected<inside::observation, std::string>& seen);
  void take_load(load::workload_result& measured);
  checked reconcile(const load::write_keys& sent);
  bool fail(std::string why);
  void say(std::string step);
  void set_engine(load::workload_engine* engine);
  std::string log_path() const;
  std::uint16_t port() const { return port_; }

  const model::plan& plan_;
  const model::candidate& candidate_;
  trial_slot slot_;
  test_bed& bed_;
  const trial_machine& machine_;
  model::trial trial_;
  std::expected<model::estimate, std::string> cost_of_probe_ = std::unexpected("not measured");
  std::string directory_;
  std::string host_ = "127.0.0.1";
  std::uint16_t port_ = 0;
  std::optional<subject::process> process_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards the following
  std::string step_;
  load::workload_engine* engine_ = nullptr;
};

}  // namespace assay::campaign
