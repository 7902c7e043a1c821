// An engine on a thread of its own while this one shows how far it is and hears Ctrl-C.
//
//   stop_signals stop;                    // before any thread
//   load::replay_engine engine(...);
//   const auto result = run_watched(engine, stop, line);
//
// The line has show(), called every half a second and told whether the run was interrupted, and clear().
//
// Misuse: a show() that blocks; Ctrl-C is heard only between two of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/speech.hpp"
#include "stack/runtime/signals.hpp"
#include "stack/runtime/time.hpp"

namespace assay::cli {

inline constexpr duration progress_interval = std::chrono::milliseconds(500);

// Runs it to its end, or to Ctrl-C. What run() gives.
template <class Engine, class Line>
auto run_watched(Engine& engine, stop_signals& stop, Line& line) {
  std::atomic<bool> finished{false};
  decltype(engine.run()) result;
  std::thread running([&] {
    result = engine.run();
    finished = true;
    stop.notify();
  });
  bool interrupted = false;
  while (!finished) {
    const bool asked = stop.wait(progress_interval).value_or(0) != 0;
    // Everything ends soon after stop() except a name look-up, which nobody can cancel: there the second Ctrl-C helps.
    if (asked && interrupted && engine.look().elapsed == duration::zero()) {
      line.clear();
      std::_Exit(could_not_run);
    }
    interrupted = interrupted || asked;
    if (asked) engine.stop();
    line.show(interrupted);
  }
  running.join();
  line.clear();
  return result;
}

}  // namespace assay::cli
