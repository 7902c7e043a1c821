#include "lab/campaign/fault_schedule.hpp"

#include <fmt/format.h>

#include "stack/runtime/loop.hpp"

namespace assay::campaign {
namespace {

std::string describe(const model::fault& of) {
  if (of.kind != model::fault_kind::latency) return fmt::format("{}: {}", of.dependency, model::label(of.kind));
  const double median_ms = std::chrono::duration<double, std::milli>(of.latency_median).count();
  return fmt::format("{}: latency of {:.0f} ms (median, sigma {:.2g})", of.dependency, median_ms, of.latency_sigma);
}

std::string describe(const std::vector<model::fault>& faults) {
  std::string all;
  for (const model::fault& each : faults) all += (all.empty() ? "" : ", ") + describe(each);
  return all;
}

double seconds_since(instant start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch() - start.time_since_epoch())
      .count();
}

}  // namespace

fault_schedule::fault_schedule(fault::proxy& through, const std::vector<model::phase>& phases, instant start)
    : through_(through), thread_([this, phases, start] { run(phases, start); }) {}

fault_schedule::~fault_schedule() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  through_.clear();
}

// False when it is time to stop instead. The loops' clock is CLOCK_MONOTONIC, and so is steady_clock.
bool fault_schedule::wait_until(instant at) {
  const std::chrono::steady_clock::time_point until(at.time_since_epoch());
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return stopping_; });
  return !stopping_;
}

void fault_schedule::run(const std::vector<model::phase>& phases, instant start) {
  instant at = start;
  for (const model::phase& each : phases) {
    const instant ends = at + each.length;
    if (!each.faults.empty()) {
      if (!wait_until(at)) return;
      const double from_s = seconds_since(start);
      if (!through_.apply(each.faults)) return;  // the plan's names were checked when it was read
      const bool whole = wait_until(ends);
      through_.clear();
      const std::lock_guard lock(mutex_);
      events_.push_back(
          {.at_s = from_s, .length_s = seconds_since(start) - from_s, .kind = "fault", .text = describe(each.faults)});
      if (!whole) return;
    }
    at = ends;
  }
}

std::vector<model::trial_event> fault_schedule::events() {
  const std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace assay::campaign
