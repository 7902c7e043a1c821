// The conductor: runs a plan. Starts the dependencies and the fault proxy, then every trial in its turn, each a fresh
// process of one candidate taken through all phases, and stores each as soon as it is over.
//
//   campaign work({.plan = plan, .plan_text = text, .directory = "results", .tool_version = version});
//   std::expected<campaign_outcome, std::string> done = work.run();   // on a thread; look() and stop() from another
//
// A trial that fails is a result: it is stored with its reason, and the campaign goes on. run() fails only when no
// trial can run: no PostgreSQL, a port in use, a directory that cannot be written.
//
// Misuse: two campaigns at the same time on one machine; they would measure each other.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "lab/model/plan.hpp"

namespace assay::campaign {

struct campaign_options {
  model::plan plan;
  std::string plan_text;  // as it was read, for the record
  std::string directory;  // of the results; made when it is not there
  std::string tool_version;
  bool resume = false;  // go on with what is in the directory; without it a campaign there is an error
};

struct campaign_outcome {
  unsigned planned = 0;
  unsigned complete = 0;  // of all that is stored, earlier runs included
  unsigned invalid = 0;
  unsigned failed = 0;
  bool interrupted = false;
};

// For a progress line; what is not known yet is 0.
struct campaign_view {
  unsigned trial = 0;  // from 1
  unsigned trials = 0;
  std::string candidate;
  unsigned repeat = 0;
  std::string step;  // "starting", "behaves alike?", or the phase
  double answered_rps = 0;
  double p99_ms = 0;
  std::uint64_t errors = 0;
  std::chrono::nanoseconds left{};    // of the whole campaign, estimated
  std::vector<std::string> finished;  // a line for each trial that ended since the last look
};

class campaign {
 public:
  explicit campaign(campaign_options options);
  ~campaign();
  campaign(const campaign&) = delete;
  campaign& operator=(const campaign&) = delete;

  // Blocks until every trial has run, or stop(). The error is one line.
  std::expected<campaign_outcome, std::string> run();
  // Ends it soon; from any thread. The trial that runs is not stored, those before are.
  void stop();
  campaign_view look();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::campaign
