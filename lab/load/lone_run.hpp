// One generator on one loop, on the thread that calls: connecting, starting, and being stopped from another thread.
// What the engines of replays and of sessions share. What sending costs the generator says itself (sending_cost.hpp).
//
// Misuse: run() twice, or two at the same time in one process: they would measure each other.
#pragma once

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "lab/load/recorder.hpp"
#include "lab/load/resolve.hpp"
#include "lab/load/thread_usage.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/clock.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {

struct lone_target {
  std::string host;  // name or numeric address
  std::uint16_t port = 80;
  io_options io = {};
  bool spin = false;
};

struct lone_outcome {
  instant start{};
  duration cpu{};  // of the thread, until it had drained
  bool interrupted = false;
  std::string backend = {};
};

// `Load` is made of loop, plan, address, live_counters and what else run() is given for it; it has connect(), run() and
// stop() as generator.hpp has them.
template <typename Load>
class lone_run {
 public:
  // `conclude` makes the result of the load and its lone_outcome. The error is one line.
  template <typename Plan, typename Conclude, typename... Else>
  auto run(const lone_target& to, const Plan& plan, Conclude conclude, Else... given)
      -> std::expected<std::invoke_result_t<Conclude&, Load&, const lone_outcome&>, std::string> {
    const std::expected<socket_address, std::string> address = resolve_host(to.host, to.port);
    if (!address) return std::unexpected(address.error());
    // The kernel may wake a sleeper late by this much; the default of 50 us would show in the pacing.
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    result<std::unique_ptr<io>> backend = make_io(to.io);
    if (!backend) return std::unexpected(describe(backend.error()));
    loop on(std::move(*backend), {.spin_window = to.spin ? spin_window : duration::zero()});
    Load load(on, plan, *address, live_, given...);
    if (clockid_t clock{}; ::pthread_getcpuclockid(::pthread_self(), &clock) == 0) live_.cpu_clock = clock;
    shown(&on, &load);
    if (stopping_) load.stop();
    auto outcome = run_on(on, load, *address, conclude);
    shown(nullptr, nullptr);
    on.run(one_turn());  // a stop() that was posted meanwhile still names the load
    live_.cpu_clock = live_counters::no_clock;
    return outcome;
  }

  // From any thread, any number of times.
  void stop() {
    stopping_ = true;
    const std::lock_guard lock(mutex_);
    if (on_ != nullptr) on_->post([stopped = load_] { stopped->stop(); });
  }

  // These too are for any thread. The start, once it is set.
  std::optional<instant> start() const {
    const std::int64_t started = started_ns_.load(std::memory_order_relaxed);
    return started == 0 ? std::nullopt : std::optional(instant(duration(started)));
  }
  // Zero before the start.
  duration elapsed() const {
    const std::optional<instant> started = start();
    return started ? std::max(duration::zero(), detail::monotonic_now() - *started) : duration::zero();
  }
  const live_counters& live() const { return live_; }

 private:
  static constexpr duration start_delay = std::chrono::milliseconds(10);
  // With spin: how long before a request the thread stops sleeping.
  static constexpr duration spin_window = std::chrono::milliseconds(1);

  static task<void> one_turn() { co_await yield(); }

  void shown(loop* on, Load* load) {
    const std::lock_guard lock(mutex_);
    on_ = on;
    load_ = load;
  }

  template <typename Conclude>
  auto run_on(loop& on, Load& load, const socket_address& address, Conclude& conclude)
      -> std::expected<std::invoke_result_t<Conclude&, Load&, const lone_outcome&>, std::string> {
    if (const result<void> connected = on.run(load.connect()); !connected) {
      if (connected.error().code == errc::cancelled) {
        return std::unexpected(std::string("interrupted before a connection was open"));
      }
      return std::unexpected("cannot connect to " + net::format_address(address) + ": " + describe(connected.error()));
    }
    const instant start = on.now() + start_delay;
    started_ns_.store(start.time_since_epoch().count(), std::memory_order_relaxed);
    const thread_usage before = thread_usage::now();
    on.run(load.run(start));
    return conclude(load, lone_outcome{.start = start,
                                       .cpu = (thread_usage::now() - before).cpu,
                                       .interrupted = stopping_,
                                       .backend = std::string(on.backend().name())});
  }

  live_counters live_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> started_ns_{0};
  std::mutex mutex_;  // guards the following
  loop* on_ = nullptr;
  Load* load_ = nullptr;
};

}  // namespace assay::load
