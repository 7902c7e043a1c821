// What the preload library costs one candidate under its own load: in the warm-up, which is not judged, it is switched
// off and on by turns in the candidate's processes, for 20 ms each, and their CPU time is set against the answers that
// they gave meanwhile.
//
//   cost_under_load cost(probe_directory, phases, [&] { return engine.look().answers; });
//   cost.set_clock(start);  …  const auto found = cost.finish();
//
// Misuse: a low rate, and taking its wide interval for a cost. At a hundred requests a second it is some per cent wide.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lab/inside/probe_switch.hpp"
#include "lab/model/estimate.hpp"
#include "lab/model/plan.hpp"
#include "stack/runtime/time.hpp"

namespace assay::campaign {

inline constexpr unsigned least_load_pairs = 40;

// Two stretches, one after the other.
struct cost_pair {
  double off_cpu_ns = 0;
  double off_answers = 0;
  double on_cpu_ns = 0;
  double on_answers = 0;
};

/// CPU time an answer with the library over that without it, less 1: 0.01 is 1 %; 95 %. Each is a ratio of sums, whose
/// error is that of its linearisation (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, 6.4) with the pair as the
/// unit.
std::expected<model::estimate, std::string> cost_of(std::span<const cost_pair> pairs);
/// For the fairness card.
std::string describe_cost(const model::estimate& of);

class cost_under_load {
 public:
  // `answers` is asked from a thread of its own until finish(); `phases` are the plan's.
  cost_under_load(std::string probe_directory, const std::vector<model::phase>& phases,
                  std::function<std::uint64_t()> answers);
  ~cost_under_load();
  cost_under_load(const cost_under_load&) = delete;
  cost_under_load& operator=(const cost_under_load&) = delete;

  // From whichever thread, at once, and at most once: when the first phase begins.
  void set_clock(instant start);
  // Ends it, when it still goes on. The error says why there is no figure.
  std::expected<model::estimate, std::string> finish();

 private:
  // One stretch.
  struct side {
    double cpu_ns = 0;
    double answers = 0;
  };
  std::optional<side> take(inside::probe_switch& probes, bool on, const std::stop_token& over);
  void measure(const std::stop_token& over, instant start);

  std::string directory_;
  duration warm_up_{};
  std::function<std::uint64_t()> answers_;
  std::promise<instant> clock_;
  bool clock_set_ = false;
  std::vector<cost_pair> pairs_;
  std::string why_not_;
  std::jthread thread_;
};

}  // namespace assay::campaign
