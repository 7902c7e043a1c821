// Loads two services with rising concurrency, in the closed model, in turns: each level of each repeat has a run of
// either, and who comes first alternates, so that what drifts on the machine meets both alike.
//
//   crossover_sweep sweep(options, {"http://a/", "http://b/"}, {.repeats = 5}, on_run);
//   auto measured = sweep.run();       // from another thread: stop()
//   judge::judge_crossover(*measured)
//
// Misuse: two services that share what limits them, a database say; then both are loaded, and one is measured.
#pragma once

#include <array>
#include <expected>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "lab/load/engine.hpp"
#include "lab/load/options.hpp"
#include "lab/model/crossover.hpp"

namespace assay::load {

struct crossover_options {
  unsigned repeats = 5;
};

inline constexpr unsigned max_crossover_repeats = 100;

// 1, 2, 4, ... and the limit itself; each has at least one connection a thread.
std::vector<unsigned> crossover_levels(unsigned least, unsigned limit);

// One run of the sweep, in the order in which they are made.
struct crossover_turn {
  std::size_t level = 0;
  std::size_t side = 0;
};
std::vector<crossover_turn> crossover_order(std::size_t levels, unsigned repeats);

class crossover_sweep {
 public:
  // `base` says everything but the URL; its connections are the highest level, its length is a run's. `on_run` is told
  // each run when it has ended, on the thread of run().
  using run_listener = std::function<void(unsigned connections, std::size_t side, const model::load_result&)>;
  crossover_sweep(load_options base, std::array<std::string, 2> urls, const crossover_options& sweep,
                  run_listener on_run);

  // Blocks until it has ended. The error is one line: a service cannot be reached.
  std::expected<model::crossover_result, std::string> run();
  // Ends it early with what is known by then; from any thread, any number of times.
  void stop();

 private:
  std::expected<model::load_result, std::string> run_once(unsigned connections, std::size_t side);
  bool stopping();

  load_options base_;
  crossover_options sweep_;
  run_listener on_run_;
  model::crossover_result found_;
  std::mutex mutex_;  // guards the following
  bool stopping_ = false;
  load_engine* running_ = nullptr;
};

}  // namespace assay::load
