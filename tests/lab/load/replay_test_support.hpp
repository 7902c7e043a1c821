// A replayer and a scripted server in virtual time.
//
//   replay_world stage;
//   stage.request(5ms, 0, "/a");                    // of client 0, 5 ms after the others' zero
//   stage.server.decide_on = [](std::string_view) { return reply{.after = 1ms}; };
//   const model::replay_result seen = stage.run();
//
// Every run ends with the proof that each recorded request ended as exactly one thing, and that no socket, lent buffer
// or frame is left.
//
// Misuse: two run()s of one world; it has one server and one history.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/load/replay_engine.hpp"
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {

// Where the test's server was asked for what: the path of each request, from the start of the run.
using arrivals_seen = std::vector<std::pair<duration, std::string>>;

// The path in the first line of a request.
std::string path_in(std::string_view request);

class replay_world {
 public:
  explicit replay_world(duration latency = std::chrono::microseconds(50));

  model::recorded_traffic traffic;
  replay_options options;
  responder server;
  bool listening = true;
  bool stops_before_it_connects = false;
  std::optional<duration> stops_at;                   // replayer::stop(), from the start
  std::optional<std::pair<duration, duration>> busy;  // the loop's thread computes: from the start, for how long

  void request(duration at, std::uint32_t client, std::string_view target, int status = 200,
               std::string_view method = "GET") {
    traffic.add({.at = at, .client = client, .status = status, .method = method, .target = target});
  }
  model::replay_result run();

  result<void> connected;
  arrivals_seen arrivals;
  thread_cost sending{};  // of which the wall time is virtual
  const replay_plan& plan() const { return *plan_; }

 private:
  task<void> staged(model::replay_result* into);
  task<void> stop_later(replayer* load);

  sim_io* network_ = nullptr;
  std::optional<loop> on_;
  std::optional<replay_plan> plan_;
  live_counters live_;
  instant start_{};
};

// The sum of everything that a recorded request can end as.
std::uint64_t accounted(const model::replay_result& seen);

}  // namespace assay::load
