#include "stack/observe/watchdog.hpp"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <utility>

#include "stack/observe/live_tasks.hpp"
#include "stack/observe/trace_context.hpp"
#include "stack/runtime/clock.hpp"
#include "stack/runtime/quiet_thread.hpp"

namespace assay::observe {
namespace {

using assay::detail::monotonic_now;
using assay::detail::read_clock;

log_site stalled_site(level::warn, "the loop is stalled", {.per_second = 0, .burst = 0});  // it has a rate of its own
log_site unready_site(level::error, "a loop is stalled for long: not ready");
log_site ready_site(level::info, "no loop is stalled any more: ready");

constexpr duration looking_lasts = std::chrono::seconds(1);  // until alarms are tried again

std::atomic<bool> task_dump_asked{false};

void ask_for_task_dump(int) { task_dump_asked.store(true, std::memory_order_relaxed); }

}  // namespace

// The metrics, all written by the watchdog's thread.
struct watchdog::measures {
  explicit measures(registry& metrics)
      : mine(metrics.add_shard()),
        lag(metrics
                .distribution({.name = "assay_loop_lag_seconds",
                               .help = "How long the loop had been busy, sampled: what a ready task waits.",
                               .labels = {"loop"},
                               .unit = metric_unit::nanoseconds,
                               .bounds = latency_bounds_ns()})
                .value()),
        stalls(metrics
                   .counter({.name = "assay_loop_stalls_total",
                             .help = "Times that the loop was busy with one thing for longer than report_after.",
                             .labels = {"loop"}})
                   .value()),
        stalled(metrics
                    .counter({.name = "assay_loop_stalled_seconds_total",
                              .help = "The length of those stalls that have ended, each to within report_after.",
                              .labels = {"loop"},
                              .unit = metric_unit::nanoseconds})
                    .value()),
        ready(mine.at(metrics.gauge({.name = "assay_ready", .help = "0 while a loop is stalled for long."}).value())),
        own_time(mine.at(metrics
                             .counter({.name = "assay_watchdog_cpu_seconds_total",
                                       .help = "CPU time of the thread that watches.",
                                       .unit = metric_unit::nanoseconds})
                             .value())) {
    ready.set(1);
  }

  // On the watchdog's thread.
  void count_own_time() {
    const duration used = read_clock(CLOCK_THREAD_CPUTIME_ID);
    own_time.add(static_cast<std::uint64_t>((used - counted_time).count()));
    counted_time = used;
  }

  shard& mine;
  distribution_family lag;
  counter_family stalls;
  counter_family stalled;
  gauge ready;
  counter own_time;
  duration counted_time{};
};

watchdog::watchdog(watchdog_options options, watchdog_outputs outputs)
    : options_(options), outputs_(std::move(outputs)) {
  assert(options_.period > duration::zero() && options_.stall.report_after > duration::zero());
  if (outputs_.metrics != nullptr) measures_ = std::make_unique<measures>(*outputs_.metrics);
  if (options_.task_dump_signal != 0) {
    struct sigaction action{};
    action.sa_handler = &ask_for_task_dump;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(options_.task_dump_signal, &action, nullptr);
  }
  thread_ = assay::detail::quiet_thread([this] { serve(); });
  ::pthread_getcpuclockid(thread_.native_handle(), &cpu_clock_);
}

watchdog::~watchdog() {
  stop_asked_.store(true, std::memory_order_relaxed);
  wakes_.wake();
  thread_.join();
}

duration watchdog::cpu_time() const { return read_clock(cpu_clock_); }

void watchdog::serve() {
  instant next_tick = monotonic_now() + options_.period;
  while (!stop_asked_.load(std::memory_order_relaxed)) {
    const instant now = monotonic_now();
    const look_kind kind = now < next_tick ? look_kind::extra : look_kind::tick;
    look_at_all(kind);
    // Ticks that were slept through, or that telling took, are not made up for.
    if (kind == look_kind::tick) {
      next_tick = now + options_.period;
      choose_how_to_watch(now);
    }
    dump_tasks_if_asked();
    wakes_.sleep_until(next_look(next_tick));
  }
}

instant watchdog::next_look(instant next_tick) const {
  instant at = next_tick;
  for (const auto& [number, each] : loops_) {
    if (const auto due = next_look_in(each)) at = std::min(at, each.seen_at + *due);
  }
  return at;
}

std::optional<duration> watchdog::next_look_in(const watched& at) const {
  const duration most = options_.stall.report_after;
  const std::optional<duration> due = at.detector.next_look_in();
  if (!at.wakes_us) return due.value_or(most);
  // Half of the span after its turn at the earliest its alarm goes off: a segment that is younger will be met by that.
  if (due && *due > most / 2 && !at.detector.stalled()) return std::nullopt;
  return due;
}

// Alarms cost more than looking from time to time where they wake the thread more often.
void watchdog::choose_how_to_watch(instant now) {
  const bool too_often = extra_looks_ * options_.stall.report_after > options_.period;
  extra_looks_ = 0;
  if (by_alarms_ && too_often) by_looking_until_ = now + looking_lasts;
  by_alarms_ = now >= by_looking_until_;
}

void watchdog::look_at_all(look_kind kind) {
  round_++;
  if (kind == look_kind::extra) extra_looks_++;
  std::vector<stall_report> reports;
  for_each_running_loop([&](loop&, loop_pulse& each) {
    if (each.real_time) look(each, kind, reports);
  });
  std::erase_if(loops_, [this](const auto& each) { return each.second.seen_in_round != round_; });
  // Naming and telling take their time: not while loops wait for the list.
  for (stall_report& each : reports) tell(each);
  update_readiness();
  if (measures_ != nullptr) measures_->count_own_time();
}

// A number's next loop begins anew.
watchdog::watched& watchdog::watched_of(const loop_pulse& at) {
  const auto known = loops_.find(at.number);
  if (known != loops_.end() && known->second.pulse == &at) return known->second;
  watched fresh{.pulse = &at, .detector = stall_detector(options_.stall)};
  if (measures_ != nullptr) {
    const std::string number = std::to_string(at.number);
    shard& mine = measures_->mine;
    fresh.counted = {.lag = mine.at(measures_->lag, {number}),
                     .stalls = mine.at(measures_->stalls, {number}),
                     .stalled = mine.at(measures_->stalled, {number})};
  }
  return loops_.insert_or_assign(at.number, fresh).first->second;
}

void watchdog::look(loop_pulse& at, look_kind kind, std::vector<stall_report>& reports) {
  watched& here = watched_of(at);
  here.seen_in_round = round_;
  // Before the look: not to miss what begins after it.
  here.wakes_us = by_alarms_ && wakes_.add(at, options_.stall.report_after);
  if (!by_alarms_) at.alarm.end_watch();
  here.seen_at = monotonic_now();
  const std::int64_t since_ns = at.busy_since_ns.load(std::memory_order_relaxed);
  const auto since = since_ns == 0 ? std::nullopt : std::optional(instant(duration(since_ns)));
  const stall_detector::verdict said = here.detector.look(here.seen_at, since);
  if (here.counted) {
    if (kind == look_kind::tick) here.counted->lag.record(static_cast<std::uint64_t>(said.lag.count()));
    if (said.begins) here.counted->stalls.add();
    if (said.ended) here.counted->stalled.add(static_cast<std::uint64_t>(said.ended->count()));
  }
  if (said.report) reports.push_back(examine(at, since_ns, said));
}

// While the list of loops is held: the thread cannot end meanwhile.
stall_report watchdog::examine(const loop_pulse& at, std::int64_t segment_ns,
                               const stall_detector::verdict& said) const {
  stall_report report;
  report.loop = at.number;
  report.lasted = said.lag;
  report.unreported = said.unreported;
  const result<captured_stack> seen = capture_stack(at.thread, options_.capture_limit);
  if (!seen) {
    report.no_backtrace = describe(seen.error());
  } else if (at.busy_since_ns.load(std::memory_order_relaxed) != segment_ns) {
    report.no_backtrace = "it went on before it could be asked";  // and whatever was seen is not to blame
  } else {
    report.spawned = seen->spawned;
    report.request_id = seen->request_id;
    report.frames.assign(seen->frames.begin(), seen->frames.begin() + static_cast<std::ptrdiff_t>(seen->frame_count));
  }
  return report;
}

void watchdog::tell(stall_report& of) {
  for (const std::uintptr_t each : of.frames) {
    // All but the first are where a call returns to, which may be in the next function.
    of.backtrace.push_back(names_.describe(each - (of.backtrace.empty() ? 0 : 1)));
  }
  if (outputs_.on_stall) outputs_.on_stall(of);
  if (outputs_.log == nullptr) return;
  const std::source_location spawned = of.spawned.value_or(std::source_location());
  outputs_.log->write(stalled_site, {{"loop", of.loop},
                                     {"stalled_us", of.lasted / std::chrono::microseconds(1)},
                                     {"request_id", of.request_id != 0 ? to_hex(of.request_id) : std::string()},
                                     {"spawned_file", spawned.file_name()},
                                     {"spawned_line", spawned.line()},
                                     {"spawned_by", spawned.function_name()},
                                     {"backtrace", of.backtrace},
                                     {"no_backtrace", of.no_backtrace},
                                     {"unreported", of.unreported}});
}

void watchdog::update_readiness() {
  bool all_ready = true;
  for (const auto& [number, each] : loops_) all_ready = all_ready && each.detector.ready();
  if (all_ready == ready_.exchange(all_ready, std::memory_order_relaxed)) return;
  if (measures_ != nullptr) measures_->ready.set(all_ready ? 1 : 0);
  if (outputs_.log != nullptr) outputs_.log->write(all_ready ? ready_site : unready_site, {});
  if (outputs_.on_readiness) outputs_.on_readiness(all_ready);
}

void watchdog::dump_tasks_if_asked() {
  if (options_.task_dump_signal == 0 || !task_dump_asked.exchange(false, std::memory_order_relaxed)) return;
  if (outputs_.log != nullptr) log_live_tasks(*outputs_.log, collect_live_tasks(options_.task_dump_limit));
}

}  // namespace assay::observe
