#include "lab/load/engine.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "lab/load/generator.hpp"
#include "lab/load/thread_usage.hpp"
#include "lab/load/verdict.hpp"
#include "stack/net/address.hpp"
#include "stack/net/resolver.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay::load {
namespace {

// Between "every thread has connected" and the first arrival: enough for all to reach their loops.
constexpr duration start_delay = std::chrono::milliseconds(10);
// With spin: how long before an arrival the thread stops sleeping.
constexpr duration spin_window = std::chrono::milliseconds(1);
constexpr duration resolve_timeout = std::chrono::seconds(10);

task<void> one_turn() { co_await yield(); }

struct thread_outcome {
  recorder measured;
  thread_usage usage;
  duration spun{};
  duration wall{};
  std::uint64_t due = 0;
  instant ended{};
  std::string backend;
};

}  // namespace

struct load_engine::state {
  explicit state(load_plan given)
      : plan(std::move(given)),
        live(plan.options.threads),
        all_connected(static_cast<std::ptrdiff_t>(plan.options.threads), at_start{this}) {}

  struct at_start {
    state* self;
    void operator()() noexcept { self->start = detail::monotonic_now() + start_delay; }
  };

  void run_thread(unsigned index, const socket_address& address);
  void measure(loop& on, unsigned index, const socket_address& address);
  void run_load(loop& on, generator& load);
  model::load_result merge() const;
  std::expected<socket_address, std::string> resolve();
  void fail(const std::string& why);

  load_plan plan;
  std::vector<live_counters> live;
  std::barrier<at_start> all_connected;
  instant start{};
  std::atomic<bool> failed{false};
  std::atomic<bool> stopping{false};
  std::atomic<std::int64_t> started_ns{0};
  mutable std::mutex mutex;  // guards the following
  std::string failure;
  std::vector<std::pair<loop*, generator*>> running;
  std::vector<thread_outcome> outcomes;
};

load_engine::load_engine(load_plan plan) : state_(std::make_unique<state>(std::move(plan))) {}
load_engine::~load_engine() = default;

void load_engine::state::fail(const std::string& why) {
  failed = true;
  const std::lock_guard lock(mutex);
  if (failure.empty()) failure = why;
}

std::expected<socket_address, std::string> load_engine::state::resolve() {
  if (const result<socket_address> numeric = net::parse_address(plan.host, plan.port)) return *numeric;
  result<std::unique_ptr<io>> backend = make_io({.kind = io_kind::epoll, .ring_entries = 64, .buffer_count = 8});
  if (!backend) return std::unexpected(describe(backend.error()));
  loop on(std::move(*backend));
  offload_pool pool({.threads = 1, .max_queued = 1});
  using addresses = result<std::vector<socket_address>>;
  addresses found = on.run([](loop* l, offload_pool* p, const load_plan* what) -> task<addresses> {
    co_return co_await with_deadline(l->now() + resolve_timeout, net::resolve(*p, what->host, what->port));
  }(&on, &pool, &plan));
  if (!found) return std::unexpected("cannot resolve \"" + plan.host + "\": " + describe(found.error()));
  return found->front();
}

void load_engine::state::measure(loop& on, unsigned index, const socket_address& address) {
  generator load(on, plan, {.thread = index, .threads = plan.options.threads, .address = address}, live[index]);
  {
    const std::lock_guard lock(mutex);
    running.emplace_back(&on, &load);
  }
  if (stopping) on.post([&load] { load.stop(); });
  if (const result<void> connected = on.run(load.connect()); !connected) {
    fail(connected.error().code == errc::cancelled
             ? std::string("interrupted before every connection was open")
             : "cannot connect to " + net::format_address(address) + ": " + describe(connected.error()));
  }
  all_connected.arrive_and_wait();
  if (!failed) run_load(on, load);
  {
    const std::lock_guard lock(mutex);
    std::erase_if(running, [&](const auto& each) { return each.second == &load; });
  }
  on.run(one_turn());  // a stop() that was posted meanwhile still names the generator
}

void load_engine::state::run_load(loop& on, generator& load) {
  started_ns.store(start.time_since_epoch().count(), std::memory_order_relaxed);
  const thread_usage before = thread_usage::now();
  const duration spun_before = on.counters().spun;
  on.run(load.run(start));
  const std::lock_guard lock(mutex);
  outcomes.push_back({.measured = load.measured(),
                      .usage = thread_usage::now() - before,
                      .spun = on.counters().spun - spun_before,
                      .wall = on.now() - start,
                      .due = load.due(),
                      .ended = load.ended(),
                      .backend = std::string(on.backend().name())});
}

void load_engine::state::run_thread(unsigned index, const socket_address& address) {
  // The kernel may wake a sleeper late by this much; the default of 50 us would show in the pacing.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  result<std::unique_ptr<io>> backend = make_io(plan.options.io);
  if (!backend) {
    fail(describe(backend.error()));
    all_connected.arrive_and_wait();
    return;
  }
  loop on(std::move(*backend), {.spin_window = plan.options.spin ? spin_window : duration::zero()});
  measure(on, index, address);
}

model::load_result load_engine::state::merge() const {
  model::load_result merged;
  const load_options& options = plan.options;
  merged.url = options.url;
  merged.method = options.method;
  merged.model = options.rate_per_s ? model::load_model::open : model::load_model::closed;
  merged.arrivals = options.arrivals;
  merged.seed = options.seed;
  merged.connections = options.connections;
  merged.threads = options.threads;
  merged.planned_duration = options.length;
  merged.interrupted = stopping;

  recorder sum;
  double cpu_ns = 0;
  for (const thread_outcome& each : outcomes) {
    sum.merge(each.measured);
    merged.duration = std::max(merged.duration, each.ended - start);
    merged.offered_requests += each.due;
    merged.io_backend = each.backend;
    const auto wall_ns = static_cast<double>(std::max<duration::rep>(each.wall.count(), 1));
    const double busy_ns = std::max(0.0, static_cast<double>((each.usage.cpu - each.spun).count()));
    merged.generator.cpu_share = std::max(merged.generator.cpu_share, busy_ns / wall_ns);
    merged.generator.cpu_wait_share =
        std::max(merged.generator.cpu_wait_share, static_cast<double>(each.usage.cpu_wait.count()) / wall_ns);
    merged.generator.spun_share =
        std::max(merged.generator.spun_share, static_cast<double>(each.spun.count()) / wall_ns);
    cpu_ns += static_cast<double>(each.usage.cpu.count());
  }
  const double seconds = std::max(1e-9, std::chrono::duration<double>(merged.duration).count());
  merged.offered_rps = options.rate_per_s;
  merged.achieved_rps = static_cast<double>(sum.answers_within_run) / seconds;
  merged.generator.cpu_per_request_ns = sum.answers > 0 ? cpu_ns / static_cast<double>(sum.answers) : 0;
  sum.write_to(merged);
  judge_validity(merged);
  return merged;
}

std::expected<model::load_result, std::string> load_engine::run() {
  const std::expected<socket_address, std::string> address = state_->resolve();
  if (!address) return std::unexpected(address.error());
  std::vector<std::thread> threads;
  threads.reserve(state_->plan.options.threads);
  for (unsigned i = 0; i < state_->plan.options.threads; ++i) {
    threads.emplace_back([this, i, &address] { state_->run_thread(i, *address); });
  }
  for (std::thread& each : threads) each.join();
  if (state_->failed) return std::unexpected(state_->failure);
  return state_->merge();
}

void load_engine::stop() {
  state_->stopping = true;
  const std::lock_guard lock(state_->mutex);
  for (const auto& [on, load] : state_->running) {
    on->post([stopped = load] { stopped->stop(); });
  }
}

live_view load_engine::look() const {
  live_view view;
  for (const live_counters& each : state_->live) {
    view.answers += each.answers.load(std::memory_order_relaxed);
    view.errors += each.errors.load(std::memory_order_relaxed);
  }
  const std::int64_t started = state_->started_ns.load(std::memory_order_relaxed);
  if (started != 0) {
    view.elapsed = std::max(duration::zero(), detail::monotonic_now() - instant(duration(started)));
  }
  return view;
}

}  // namespace assay::load
