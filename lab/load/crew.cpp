#include "lab/load/crew.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "lab/load/resolve.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/clock.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {
namespace {

// Between "every thread has connected" and the first arrival: enough for all to reach their loops.
constexpr duration start_delay = std::chrono::milliseconds(10);
// Of a run that waits for the clock: how long before its start it connects, since a candidate may close what is idle.
constexpr duration time_to_connect = std::chrono::milliseconds(500);
// With spin: how long before an arrival the thread stops sleeping.
constexpr duration spin_window = std::chrono::milliseconds(1);

task<void> one_turn() { co_await yield(); }

}  // namespace

crew::crew(const workload& work, std::function<void(instant)> on_start)
    : work_(work),
      on_start_(std::move(on_start)),
      live_(work.threads),
      series_(work.keep_seconds ? work.length() : duration::zero(), work.threads, work.kept_seconds),
      windows_(work),
      all_connected_(static_cast<std::ptrdiff_t>(work.threads), at_start{this}) {}

void crew::set_start() noexcept {
  if (failed_) return;
  start_ = std::max(detail::monotonic_now() + start_delay, start_at_);
  started_ns_.store(start_.time_since_epoch().count(), std::memory_order_relaxed);
  if (on_start_) on_start_(start_);
}

std::optional<instant> crew::start() const {
  const std::int64_t started = started_ns_.load(std::memory_order_relaxed);
  return started == 0 ? std::nullopt : std::optional(instant(duration(started)));
}

duration crew::behind() const {
  const std::optional<instant> started = start();
  if (!started || work_.model != model::load_model::open) return {};
  std::int64_t next_due_ns = std::numeric_limits<std::int64_t>::max();
  for (const live_counters& each : live_) {
    // Before its first arrival a thread does not say when its next one is.
    if (each.offered.load(std::memory_order_relaxed) == 0) continue;
    next_due_ns = std::min(next_due_ns, each.next_due_ns.load(std::memory_order_relaxed));
  }
  const instant next_due{duration(next_due_ns)};
  if (next_due >= *started + work_.length()) return {};
  return std::max(duration::zero(), detail::monotonic_now() - next_due);
}

void crew::fail(const std::string& why) {
  failed_ = true;
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = why;
}

void crew::measure(loop& on, unsigned index, const socket_address& address) {
  const generator_share share{
      .thread = index, .address = address, .series = work_.keep_seconds ? &series_ : nullptr, .windows = &windows_};
  generator load(on, work_, share, live_[index]);
  {
    const std::lock_guard lock(mutex_);
    running_.emplace_back(&on, &load);
  }
  if (stopping_) on.post([&load] { load.stop(); });
  if (const result<void> connected = on.run(load.connect()); !connected) {
    fail(connected.error().code == errc::cancelled
             ? std::string("interrupted before every connection was open")
             : "cannot connect to " + net::format_address(address) + ": " + describe(connected.error()));
  }
  all_connected_.arrive_and_wait();
  if (!failed_) run_load(on, index, load);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(running_, [&](const auto& each) { return each.second == &load; });
  }
  on.run(one_turn());  // a stop() that was posted meanwhile still names the generator
}

void crew::run_load(loop& on, unsigned index, generator& load) {
  const thread_usage before = thread_usage::now();
  on.run(load.run(start_));
  const thread_usage usage = thread_usage::now() - before;
  const std::lock_guard lock(mutex_);
  outcomes_.push_back({.thread = index,
                       .measured = load.take_measured(),
                       .sending = load.cost(),
                       .cpu = usage.cpu,
                       .due = load.due(),
                       .ended = load.ended(),
                       .backend = std::string(on.backend().name())});
}

void crew::run_thread(unsigned index, const socket_address& address) {
  // The kernel may wake a sleeper late by this much; the default of 50 us would show in the pacing.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  if (work_.real_time) {
    // Few microseconds of work at a time: nobody is kept waiting for long. An ordinary user may not, and then the
    // verdict says what came of it.
    const sched_param first{.sched_priority = 1};
    std::ignore = ::sched_setscheduler(0, SCHED_RR, &first);
  }
  result<std::unique_ptr<io>> backend = make_io(work_.io);
  if (!backend) {
    fail(describe(backend.error()));
    all_connected_.arrive_and_wait();
    return;
  }
  loop on(std::move(*backend), {.spin_window = work_.spin ? spin_window : duration::zero()});
  if (clockid_t clock{}; ::pthread_getcpuclockid(::pthread_self(), &clock) == 0) live_[index].cpu_clock = clock;
  measure(on, index, address);
  live_[index].cpu_clock = live_counters::no_clock;
}

// Where the workload begins on the clock; should connecting take longer, it begins late.
void crew::wait_for_the_clock() {
  if (!work_.begins_on) return;
  const instant earliest = detail::monotonic_now() + time_to_connect;
  const duration wall = std::chrono::system_clock::now().time_since_epoch() + time_to_connect;
  start_at_ = earliest + until_grid(*work_.begins_on, wall);
  std::unique_lock lock(mutex_);
  stop_asked_.wait_for(lock, start_at_ - earliest, [this] { return stopping_.load(); });
}

std::expected<std::vector<thread_outcome>, std::string> crew::run() {
  const std::expected<socket_address, std::string> address = resolve_host(work_.host, work_.port);
  if (!address) return std::unexpected(address.error());
  wait_for_the_clock();
  std::vector<std::thread> threads;
  threads.reserve(work_.threads);
  for (unsigned i = 0; i < work_.threads; ++i) {
    threads.emplace_back([this, i, &address] { run_thread(i, *address); });
  }
  for (std::thread& each : threads) each.join();
  if (failed_) return std::unexpected(failure_);
  return std::move(outcomes_);
}

void crew::stop() {
  stopping_ = true;
  const std::lock_guard lock(mutex_);
  stop_asked_.notify_all();
  for (const auto& [on, load] : running_) {
    on->post([stopped = load] { stopped->stop(); });
  }
}

model::generator_health health_of(const std::vector<thread_outcome>& threads, std::uint64_t answers) {
  model::generator_health health;
  double cpu_ns = 0;
  for (const thread_outcome& each : threads) {
    const auto& [usage, spun, wall] = each.sending;
    const auto wall_ns = static_cast<double>(std::max<duration::rep>(wall.count(), 1));
    const double busy_ns = std::max(0.0, static_cast<double>((usage.cpu - spun).count()));
    health.cpu_share = std::max(health.cpu_share, busy_ns / wall_ns);
    health.cpu_wait_share = std::max(health.cpu_wait_share, static_cast<double>(usage.cpu_wait.count()) / wall_ns);
    health.spun_share = std::max(health.spun_share, static_cast<double>(spun.count()) / wall_ns);
    cpu_ns += static_cast<double>(each.cpu.count());
  }
  health.cpu_per_request_ns = answers > 0 ? cpu_ns / static_cast<double>(answers) : 0;
  return health;
}

}  // namespace assay::load
