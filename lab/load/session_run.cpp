// A run of sessions from its start to its end, however that comes.
#include <algorithm>
#include <tuple>
#include <utility>

#include "lab/load/arrival_fit.hpp"
#include "lab/load/session_generator.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::load {
namespace {

// After Ctrl-C nobody wants to wait for slow answers.
constexpr duration drain_when_stopped = std::chrono::milliseconds(500);

}  // namespace

// Cuts what is still open when the drain has lasted long enough.
void session_generator::cut() {
  stopped_ = true;
  // Not cancel_reason::deadline: that would read as the request's own timeout.
  if (pacing_ != nullptr) pacing_->cancel(cancel_reason::shutdown);
  if (driving_ != nullptr) driving_->cancel(cancel_reason::shutdown);
}

void session_generator::stop() {
  if (std::exchange(stopped_, true)) return;
  if (connecting_ != nullptr) connecting_->cancel(cancel_reason::user);
  if (driving_ == nullptr) return;
  end_ = std::min(end_, on_.now());
  stalls_.counts_until(end_);
  cost_.end();
  if (pacing_ != nullptr) pacing_->cancel(cancel_reason::user);
  on_.timers().arm(drain_, std::min(drain_.deadline(), on_.now() + drain_when_stopped));
}

task<void> session_generator::run(instant start) {
  start_ = start;
  measured_.begin(start);
  end_ = saturating_add(start, plan_.work.length());
  std::ignore = co_await delay_until(start);
  if (stopped_) end_ = start;
  stalls_.counts_until(end_);
  scope driving(co_await this_context());
  driving_ = &driving;
  scope pacing(co_await this_context());
  pacing_ = &pacing;
  cost_.begin(end_);
  on_.timers().arm(drain_, saturating_add(end_, plan_.work.timeout));
  pacing.spawn(pace());
  std::ignore = co_await pacing.join();
  pacing_ = nullptr;
  std::ignore = co_await driving.join();  // failures are counted where they happen
  driving_ = nullptr;
  cost_.end();
  on_.timers().disarm(drain_);
  charge_unsent(on_.now());
  measured_.finish(end_);
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    const realised_arrivals* const seen = &realised_[i];
    const session_scenario& planned = plan_.scenarios[i];
    sessions_[i].arrivals_seen = fit_arrivals({.law = planned.arrivals, .stages = planned.stages}, {&seen, 1});
  }
}

}  // namespace assay::load
