// Runs a planned replay on the thread that calls it, and says what came of it, verdict first.
//
// Misuse: two runs at the same time in one process; they would measure each other. run() twice on one engine.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "lab/load/lone_run.hpp"
#include "lab/load/recorder.hpp"
#include "lab/load/replay_plan.hpp"
#include "lab/load/replayer.hpp"
#include "lab/load/sending_cost.hpp"
#include "lab/load/verdict.hpp"
#include "lab/model/replay_result.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {

struct replay_view {
  duration elapsed{};  // zero before the start
  std::uint64_t had_turn = 0;
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;  // failures, and answers of another class than was recorded
};

class replay_engine {
 public:
  explicit replay_engine(replay_plan plan) : plan_(std::move(plan)) {}
  replay_engine(const replay_engine&) = delete;
  replay_engine& operator=(const replay_engine&) = delete;

  // Blocks until the replay has ended and drained. The error is one line: the host cannot be resolved or reached.
  std::expected<model::replay_result, std::string> run();
  // Ends it early, keeping what was measured; from any thread, any number of times.
  void stop() { run_.stop(); }
  // For a progress display; from any thread.
  replay_view look() const;
  const replay_plan& plan() const { return plan_; }

 private:
  replay_plan plan_;
  lone_run<replayer> run_;
};

// What a replay knows about itself when it has ended.
struct replay_run {
  instant start{};
  instant ended{};  // of sending
  thread_cost sending{};
  duration cpu{};  // the drain's too
  bool interrupted = false;
  std::string backend = {};
};

model::replay_result replay_result_of(const replay_plan& plan, const replay_measurements& measured,
                                      const replay_run& run);

// Fills valid and reasons from the rest of the result.
void judge_replay(model::replay_result& result, const verdict_bounds& bounds = {});

}  // namespace assay::load
