#include "lab/load/session_engine.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "lab/load/load_merge.hpp"
#include "lab/load/resolve.hpp"
#include "lab/load/span.hpp"
#include "lab/load/thread_usage.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay::load {
namespace {

constexpr duration start_delay = std::chrono::milliseconds(10);
// With spin: how long before an arrival the thread stops sleeping.
constexpr duration spin_window = std::chrono::milliseconds(1);

task<void> one_turn() { co_await yield(); }

// As planned: each session of a scenario sends each of its steps once.
void set_shares(const session_plan& plan, std::vector<model::load_route>& rows) {
  double planned = 0;
  for (const session_scenario& each : plan.scenarios) {
    planned += each.rate_per_s * static_cast<double>(each.steps.size());
  }
  for (const session_scenario& scenario : plan.scenarios) {
    for (const session_step& step : scenario.steps) {
      if (step.route < rows.size()) rows[step.route].share = scenario.rate_per_s / planned;
    }
  }
}

}  // namespace

model::load_result session_result_of(const session_plan& plan, const std::vector<model::load_sessions>& sessions,
                                     const std::vector<thread_outcome>& threads, instant start, bool interrupted) {
  model::load_result result = merge_load(
      {.plan = plan.load, .work = plan.work, .series = nullptr, .start = start, .interrupted = interrupted}, threads);
  result.arrivals = plan.scenarios.front().arrivals;
  // How many requests are due follows from the answers: what was asked for are sessions.
  result.offered_rps = static_cast<double>(result.offered_requests) / std::max(1e-9, in_seconds(result.duration));
  result.sessions = sessions;
  set_shares(plan, result.routes);
  return result;
}

std::expected<model::load_result, std::string> session_engine::run_on(loop& on, const socket_address& address) {
  session_generator load(on, plan_, address, live_);
  {
    const std::lock_guard lock(mutex_);
    on_ = &on;
    load_ = &load;
  }
  if (stopping_) load.stop();
  std::expected<model::load_result, std::string> outcome;
  if (const result<void> connected = on.run(load.connect()); !connected) {
    outcome =
        std::unexpected(connected.error().code == errc::cancelled
                            ? std::string("interrupted before a connection was open")
                            : "cannot connect to " + net::format_address(address) + ": " + describe(connected.error()));
  } else {
    const instant start = on.now() + start_delay;
    started_ns_.store(start.time_since_epoch().count(), std::memory_order_relaxed);
    const thread_usage before = thread_usage::now();
    const duration spun_before = on.counters().spun;
    on.run(load.run(start));
    const thread_usage usage = thread_usage::now() - before;
    std::vector<thread_outcome> threads;
    threads.push_back({.measured = load.take_measured(),
                       .usage = usage,
                       .spun = on.counters().spun - spun_before,
                       .wall = on.now() - start,
                       .due = load.due(),
                       .ended = load.ended(),
                       .backend = std::string(on.backend().name())});
    outcome = session_result_of(plan_, load.sessions(), threads, start, stopping_);
  }
  {
    const std::lock_guard lock(mutex_);
    on_ = nullptr;
    load_ = nullptr;
  }
  on.run(one_turn());  // a stop() that was posted meanwhile still names the generator
  return outcome;
}

std::expected<model::load_result, std::string> session_engine::run() {
  const std::expected<socket_address, std::string> address = resolve_host(plan_.work.host, plan_.work.port);
  if (!address) return std::unexpected(address.error());
  // The kernel may wake a sleeper late by this much; the default of 50 us would show in the pacing.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  result<std::unique_ptr<io>> backend = make_io(plan_.work.io);
  if (!backend) return std::unexpected(describe(backend.error()));
  loop on(std::move(*backend), {.spin_window = plan_.work.spin ? spin_window : duration::zero()});
  return run_on(on, *address);
}

void session_engine::stop() {
  stopping_ = true;
  const std::lock_guard lock(mutex_);
  if (on_ != nullptr) on_->post([stopped = load_] { stopped->stop(); });
}

session_view session_engine::look() const {
  session_view view{.offered = live_.offered.load(std::memory_order_relaxed),
                    .answers = live_.answers.load(std::memory_order_relaxed),
                    .errors = live_.errors.load(std::memory_order_relaxed)};
  const std::int64_t started = started_ns_.load(std::memory_order_relaxed);
  if (started != 0) view.elapsed = std::max(duration::zero(), detail::monotonic_now() - instant(duration(started)));
  return view;
}

}  // namespace assay::load
