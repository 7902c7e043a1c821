// An engine on a thread of its own while this one shows how far it is and hears Ctrl-C.
//
//   stop_signals stop;                    // before any thread
//   load::replay_engine engine(...);
//   const auto [result, ended_by] = run_watched(engine, stop, line);
//   if (ended_early(*result, ended_by)) return code_of_signal(ended_by);
//
// The line has show(), called every half a second and told whether the run was interrupted, and clear().
//
// Misuse: a show() that blocks; Ctrl-C is heard only between two of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "cli/speech.hpp"
#include "stack/runtime/signals.hpp"
#include "stack/runtime/time.hpp"

namespace assay::cli {

inline constexpr duration progress_interval = std::chrono::milliseconds(500);

// What run() gave, and the first signal that came meanwhile; 0: none did.
template <class Result>
struct watched_run {
  Result result;
  int ended_by = 0;
};

// Whether that signal kept it from its planned end. One that came while only answers were still awaited did not.
template <class Result>
bool ended_early(const Result& of, int ended_by) {
  return ended_by != 0 && of.duration < of.planned_duration;
}

// Of a run that came to nothing. The exit code is that of the signal where one ended it.
inline int came_to_nothing(std::string_view command, const std::string& why, int ended_by) {
  const int said = complain(command, could_not_run, why);
  return ended_by != 0 ? code_of_signal(ended_by) : said;
}

// `work` on a thread of its own, to its end. `heard` is told of each signal meanwhile, and of 0 now and then; and of
// the first signal that came before.
template <class Work, class Heard>
auto run_beside(Work work, stop_signals& stop, Heard heard) {
  std::atomic<bool> finished{false};
  decltype(work()) result;
  std::thread running([&] {
    result = work();
    finished = true;
    stop.notify();
  });
  int ended_by = 0;
  while (!finished) {
    const int asked = stop.wait(progress_interval).value_or(0);
    heard(asked, ended_by);
    if (ended_by == 0) ended_by = asked;
  }
  running.join();
  return watched_run<decltype(work())>{.result = std::move(result), .ended_by = ended_by};
}

// Runs it to its end, or to Ctrl-C.
template <class Engine, class Line>
auto run_watched(Engine& engine, stop_signals& stop, Line& line) {
  auto watched = run_beside([&engine] { return engine.run(); }, stop,
                            [&](int asked, int ended_by) {
                              // Everything ends soon after stop() except a name look-up, which nobody can cancel: there
                              // the second Ctrl-C helps.
                              if (asked != 0 && ended_by != 0 && engine.look().elapsed == duration::zero()) {
                                line.clear();
                                std::_Exit(code_of_signal(ended_by));
                              }
                              if (asked != 0) engine.stop();
                              line.show(ended_by != 0 || asked != 0);
                            });
  line.clear();
  return watched;
}

// Many runs, `work`, which tells of each itself: with stop_work() at each signal, to its end.
template <class Work, class Stop>
auto run_until_signal(Work work, Stop stop_work, stop_signals& stop) {
  return run_beside(std::move(work), stop, [&stop_work](int asked, int) {
    if (asked != 0) stop_work();
  });
}

}  // namespace assay::cli
