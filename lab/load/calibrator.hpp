// Measures this machine: what the generator can send at most, what a request costs it, and what response times it shows
// of a server that does nothing. What a run of a real service shows below that is the machine's.
//
//   calibrator of(options);            // their connections, threads, backend; the rate, or 1000 a second; the length
//   auto measured = of.run();          // from another thread: look(), stop()
//
// Misuse: beside other work; what else runs is measured with it.
#pragma once

#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "lab/load/engine.hpp"
#include "lab/load/options.hpp"
#include "lab/model/calibration.hpp"

namespace assay::load {

class calibrator {
 public:
  static constexpr double usual_rate_per_s = 1000;

  // Each of the two runs takes half of the length.
  explicit calibrator(load_options options) : options_(std::move(options)) {}

  // Blocks until both have ended. The error is one line.
  std::expected<model::calibration, std::string> run();
  // Ends it early, without a result; from any thread, any number of times.
  void stop();
  // Of the run that is under way; from any thread.
  live_view look() const;

 private:
  std::expected<model::load_result, std::string> run_once(const std::string& url, std::optional<double> rate_per_s);

  load_options options_;
  mutable std::mutex mutex_;  // guards the following
  load_engine* running_ = nullptr;
  bool stopping_ = false;
};

// Two runs that are not all answered well do not show the machine; and not everything that the first of them does,
// which uses all of it, is a fault. Puts what is wrong into the verdict, which is that of the other.
void judge_calibration(model::calibration& of);

}  // namespace assay::load
