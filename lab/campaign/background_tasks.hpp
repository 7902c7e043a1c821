// Runs the plan's background tasks beside the load, at their instants: each on a thread of its own, one at a time. What
// they did is told as events; the load's own numbers know nothing of them, a candidate's CPU and latency do.
//
// An instant at which the task still runs is left out and counted, as a scheduler of a service would do. What still
// runs when the load is over is cut short.
//
// Misuse: a task that writes what a route's acknowledged writes are looked up by: its rows would be nobody's.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lab/model/plan.hpp"
#include "lab/model/trial.hpp"
#include "stack/runtime/time.hpp"

namespace assay::campaign {

// Where they run, and what they talk to.
struct background_place {
  std::vector<model::background_task> tasks = {};
  std::string host = {};  // of the candidate, numeric
  std::uint16_t port = 0;
  std::map<std::string, std::string> urls = {};  // of dependencies, by name
  std::vector<unsigned> cpus = {};               // of commands
  std::string log = {};                          // of commands; empty: none
};

inline constexpr std::size_t most_task_events = 1000;  // of one task; what comes later is counted only

class background_tasks {
 public:
  // The first phase begins at `start`.
  background_tasks(background_place place, std::vector<model::phase> phases, instant start);
  // Ends what runs.
  ~background_tasks();
  background_tasks(const background_tasks&) = delete;
  background_tasks& operator=(const background_tasks&) = delete;

  // Until each has had its last instant.
  void wait();
  // Ends what runs, and tells it all: of kind "task", in the order of time.
  std::vector<model::trial_event> finish();
  // "warm-cache 12 times, 1 of them failed, 2 left out"; after finish().
  std::string summary() const;

 private:
  struct told {
    std::uint64_t runs = 0;
    std::uint64_t failed = 0;
    std::uint64_t left_out = 0;  // it still ran
    std::vector<model::trial_event> events = {};
  };
  struct outcome {
    bool well = false;
    std::string text;  // "answered 200"
  };

  void run(std::size_t i);
  bool wait_until(instant at);
  bool stopping();
  void end();
  outcome carry_out(const model::background_task& task);
  outcome ask(const model::background_task& task);
  outcome execute(const model::background_task& task);

  background_place place_;
  std::vector<model::phase> phases_;
  instant start_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<told> told_;  // by task; each thread writes its own
  std::vector<std::thread> threads_;
};

}  // namespace assay::campaign
