#include "lab/load/stream_engine.hpp"

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "lab/load/event_generator.hpp"
#include "lab/load/message_generator.hpp"
#include "lab/load/resolve.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/load/stream_verdict.hpp"
#include "lab/load/thread_usage.hpp"
#include "stack/http/websocket/random.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/clock.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/source_addresses.hpp"

namespace assay::load {
namespace {

// Between "every connection is open" and the first message.
constexpr duration start_delay = std::chrono::milliseconds(10);

task<void> one_turn() { co_await yield(); }

std::uint32_t random_run() {
  std::uint32_t run = 0;
  websocket::fill_random(std::span(reinterpret_cast<char*>(&run), sizeof run));
  return run;
}

}  // namespace

std::uint64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "RssAnon:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

struct stream_engine::state {
  explicit state(stream_plan given)
      : plan(std::move(given)),
        series(plan.options.keep_seconds ? plan.options.length : duration::zero(), 1,
               seconds_to_keep(plan.options.stages)) {
    if (!plan.options.windowed.empty()) windows.emplace(plan.options.length, 1U, plan.options.windowed);
  }

  std::unique_ptr<stream_load> make_load(loop& on, const socket_address& to);
  std::expected<model::stream_result, std::string> run_on(loop& on, const socket_address& to);
  model::stream_result result_of(const stream_load& load, instant start, const thread_usage& used,
                                 std::uint64_t memory_before);
  void announce(loop* on, stream_load* load);

  duration elapsed() const;

  stream_plan plan;
  second_series series;
  std::optional<window_series> windows;
  stream_counters live;
  std::atomic<std::int64_t> started_ns{0};
  std::atomic<bool> stopping{false};
  std::mutex mutex;  // guards the following
  loop* running_on = nullptr;
  stream_load* running = nullptr;
};

stream_engine::stream_engine(stream_plan plan) : state_(std::make_unique<state>(std::move(plan))) {}
stream_engine::~stream_engine() = default;

std::unique_ptr<stream_load> stream_engine::state::make_load(loop& on, const socket_address& to) {
  if (plan.kind == model::stream_kind::events) return std::make_unique<event_generator>(on, plan, to, live);
  const message_target target{.to = to,
                              .run = random_run(),
                              .series = plan.options.keep_seconds ? &series : nullptr,
                              .windows = windows ? &*windows : nullptr};
  return std::make_unique<message_generator>(on, plan, target, live);
}

void stream_engine::state::announce(loop* on, stream_load* load) {
  const std::lock_guard lock(mutex);
  running_on = on;
  running = load;
}

model::stream_result stream_engine::state::result_of(const stream_load& load, instant start, const thread_usage& used,
                                                     std::uint64_t memory_before) {
  model::stream_result made;
  made.url = plan.options.url;
  made.kind = plan.kind;
  made.arrivals = plan.options.arrivals;
  made.tick = plan.options.tick;
  made.seed = plan.options.seed;
  made.connections = plan.options.connections;
  made.offered_rate = plan.options.rate_per_s;
  made.planned_duration = plan.options.length;
  made.interrupted = stopping;
  const instant now = detail::monotonic_now();
  made.started =
      std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(now - start);
  load.write_to(made);
  const auto wall_ns = static_cast<double>(std::max<duration::rep>((now - start).count(), 1));
  made.generator.cpu_share = static_cast<double>(used.cpu.count()) / wall_ns;
  made.generator.cpu_wait_share = static_cast<double>(used.cpu_wait.count()) / wall_ns;
  const auto units = static_cast<double>(made.sent + made.received + made.surplus + made.unrelated + made.events);
  if (units > 0) made.generator.cpu_per_request_ns = static_cast<double>(used.cpu.count()) / units;
  if (made.open_at_end > 0 && load.memory_at_end() > memory_before) {
    made.bytes_per_connection =
        static_cast<double>(load.memory_at_end() - memory_before) / static_cast<double>(made.open_at_end);
  }
  judge_validity(made);
  return made;
}

std::expected<model::stream_result, std::string> stream_engine::state::run_on(loop& on, const socket_address& to) {
  const std::unique_ptr<stream_load> load = make_load(on, to);
  const std::uint64_t memory_before = anonymous_bytes();
  announce(&on, load.get());
  if (stopping) load->stop();
  std::expected<model::stream_result, std::string> outcome;
  if (const result<void> connected = on.run(load->connect()); !connected) {
    outcome =
        std::unexpected(connected.error().code == errc::cancelled
                            ? std::string("interrupted before every connection was open")
                            : "cannot connect to " + net::format_address(to) + ": " + describe(connected.error()));
  } else {
    const instant start = on.now() + start_delay;
    started_ns.store(start.time_since_epoch().count(), std::memory_order_relaxed);
    const thread_usage before = thread_usage::now();
    on.run(load->run(start));
    outcome = result_of(*load, start, thread_usage::now() - before, memory_before);
  }
  announce(nullptr, nullptr);
  on.run(one_turn());  // a stop() that was posted meanwhile still names the load
  if (outcome) outcome->io_backend = on.backend().name();
  return outcome;
}

std::expected<model::stream_result, std::string> stream_engine::run() {
  const std::expected<socket_address, std::string> to = resolve_host(state_->plan.host, state_->plan.port);
  if (!to) return std::unexpected(to.error());
  // The kernel may wake a sleeper late by this much; the default of 50 us would show in the pacing.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  result<std::unique_ptr<io>> backend = make_io(state_->plan.options.io);
  if (!backend) return std::unexpected(describe(backend.error()));
  const source_addresses bound(state_->plan.sources);
  loop on(std::move(*backend));
  if (clockid_t clock{}; ::pthread_getcpuclockid(::pthread_self(), &clock) == 0) state_->live.cpu_clock = clock;
  auto outcome = state_->run_on(on, *to);
  state_->live.cpu_clock = live_counters::no_clock;
  return outcome;
}

void stream_engine::stop() {
  state_->stopping = true;
  const std::lock_guard lock(state_->mutex);
  if (state_->running == nullptr) return;
  state_->running_on->post([stopped = state_->running] { stopped->stop(); });
}

duration stream_engine::state::elapsed() const {
  const std::int64_t started = started_ns.load(std::memory_order_relaxed);
  if (started == 0) return {};
  return std::max(duration::zero(), detail::monotonic_now() - instant(duration(started)));
}

stream_view stream_engine::progress() const {
  return {.elapsed = state_->elapsed(),
          .open = state_->live.open.load(std::memory_order_relaxed),
          .sent = state_->live.sent.load(std::memory_order_relaxed),
          .received = state_->live.answers.load(std::memory_order_relaxed)};
}

live_view stream_engine::look() const {
  const stream_counters& live = state_->live;
  live_view view{.elapsed = state_->elapsed(),
                 .offered = live.offered.load(std::memory_order_relaxed),
                 .answers = live.answers.load(std::memory_order_relaxed),
                 .errors = live.errors.load(std::memory_order_relaxed),
                 .cpu = {cpu_of(live)},
                 .last = state_->series.last(),
                 .open_connections = live.open.load(std::memory_order_relaxed)};
  view.due = static_cast<double>(view.offered);
  return view;
}

std::optional<model::live_second> stream_engine::second(std::size_t index) const {
  return told_second(state_->series, index, state_->plan.options.length);
}

std::size_t stream_engine::seconds() const { return state_->series.size(); }

bool stream_engine::is_gone(std::size_t index) const { return state_->series.is_gone(index); }

}  // namespace assay::load
