// Runs a session plan on the thread that calls it, and says what came of it, verdict first.
//
// Misuse: two runs at the same time in one process; they would measure each other. run() twice on one engine.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "lab/load/crew.hpp"
#include "lab/load/lone_run.hpp"
#include "lab/load/session_generator.hpp"
#include "lab/load/session_plan.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

struct session_view {
  duration elapsed{};  // zero before the start
  std::uint64_t offered = 0;
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
};

class session_engine {
 public:
  explicit session_engine(session_plan plan) : plan_(std::move(plan)) {}
  session_engine(const session_engine&) = delete;
  session_engine& operator=(const session_engine&) = delete;

  // Blocks until the run has ended and drained. The error is one line: the host cannot be resolved or reached.
  std::expected<model::load_result, std::string> run();
  // Ends it early, keeping what was measured; from any thread, any number of times.
  void stop() { run_.stop(); }
  // For a progress display; from any thread.
  session_view look() const;

 private:
  session_plan plan_;
  lone_run<session_generator> run_;
};

// What a run of sessions has measured; `threads` holds the one of the generator.
model::load_result session_result_of(const session_plan& plan, const std::vector<model::load_sessions>& sessions,
                                     const std::vector<thread_outcome>& threads, instant start, bool interrupted);

}  // namespace assay::load
