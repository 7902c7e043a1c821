// Runs a load plan on as many threads as it asks for and merges what they measured.
//
// Misuse: two runs at the same time in one process; they would measure each other.
#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "lab/load/options.hpp"
#include "lab/load/recorder.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

struct live_view {
  duration elapsed{};
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
};

class load_engine {
 public:
  explicit load_engine(load_plan plan);
  ~load_engine();
  load_engine(const load_engine&) = delete;
  load_engine& operator=(const load_engine&) = delete;

  // Blocks until the run has ended and drained. The error is one line: the host cannot be resolved or reached.
  std::expected<model::load_result, std::string> run();
  // Ends it early, keeping what was measured; from any thread, any number of times.
  void stop();
  // For a progress display; from any thread.
  live_view look() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::load
