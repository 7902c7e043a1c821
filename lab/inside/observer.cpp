#include "lab/inside/observer.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "lab/inside/allocation_counts.hpp"
#include "lab/inside/blocking_sites.hpp"
#include "lab/inside/connection_census.hpp"
#include "lab/inside/even_series.hpp"
#include "lab/inside/event_joiner.hpp"
#include "lab/inside/failure_list.hpp"
#include "lab/inside/host_pressure.hpp"
#include "lab/inside/linkage.hpp"
#include "lab/inside/proc.hpp"
#include "lab/inside/process_sampler.hpp"
#include "lab/inside/refusal.hpp"
#include "lab/inside/runtime_guess.hpp"
#include "lab/inside/runtime_states.hpp"
#include "lab/inside/shim_notes.hpp"
#include "lab/inside/stall_cause.hpp"
#include "lab/inside/thread_history.hpp"
#include "lab/inside/unseen_loops.hpp"
#include "lab/inside/watched_files.hpp"

namespace assay::inside {
namespace {

constexpr std::uint64_t sampling_begins_after_ns = 1'000'000'000;  // of load without a loop in sight

std::uint64_t to_ns(instant at) {
  return static_cast<std::uint64_t>(std::max<duration::rep>(0, at.time_since_epoch().count()));
}

}  // namespace

struct observer::state {
  explicit state(observer_options given)
      : options(std::move(given)),
        sites(options.port_names),
        files(options.probe_directory, most_files),
        shims(options.probe_directory),
        allocations(options.probe_directory),
        states(options.probe_directory),
        closed(options.attached),
        unseen(options.attached) {
    if (options.runtime != "auto") runtime = options.runtime;
  }

  void run();
  void look();
  void find_processes();
  void look_at_processes();
  void look_at_connections();
  void look_at_files(std::uint64_t now_ns);
  void look_at_notes(std::uint32_t pid);
  void settle(std::uint64_t before_ns);
  void note(const std::string& text);
  bool is_told(const blocking_event& event) const {
    return static_cast<double>(event.length_ns) >= options.blocking_threshold_ms * 1e6;
  }
  std::string why_no_file() const {
    return obstacle.empty() ? "a program that clears its environment" : obstacle + ", which takes no preload library";
  }
  double at_s(std::uint64_t at_ns) const { return (static_cast<double>(at_ns) - static_cast<double>(origin_ns)) / 1e9; }
  std::vector<loop_stall> stalls_in(std::uint64_t begin_ns, std::uint64_t end_ns) const;
  void final_notes(std::vector<std::string>& into) const;

  observer_options options;
  std::string runtime;   // empty: not found out
  std::string obstacle;  // why the library cannot be in the program; empty: not seen
  std::uint64_t origin_ns = 0;
  std::uint64_t started_ns = 0;
  std::uint64_t next_process_look_ns = 0;
  std::set<std::uint32_t> pids;
  even_series<model::process_second> seconds{most_seconds};
  even_series<model::connection_look> connections{most_seconds};
  even_series<model::runtime_look> runtime_looks{most_seconds};
  process_sampler processes;
  connection_census census;
  thread_history history;
  blocking_sites sites;
  watched_files files;
  shim_notes shims;
  allocation_counts allocations;
  runtime_states states;
  event_joiner joiner;
  failure_list failures;
  refusals closed;  // whose descriptors may not be listed
  unseen_loops unseen;
  std::vector<std::string> notes;
  host_look host_before;
  host_look host_after;
  std::uint64_t cpu_ns = 0;
  loop_work work;      // at the last process look
  std::mutex looking;  // held during a look, for whoever glances meanwhile

  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;
};

void observer::state::note(const std::string& text) {
  constexpr std::size_t most_notes = 50;
  if (notes.size() < most_notes && std::ranges::find(notes, text) == notes.end()) notes.push_back(text);
}

void observer::state::find_processes() {
  pids = process_tree(options.root_pids());
  // Whoever writes into this directory is the candidate's, also when its parent has left it behind.
  for (const auto pid : files.living()) pids.insert(pid);
  // Again and again: what begins as a shell may become anything.
  for (auto pid = pids.begin(); options.runtime == "auto" && runtime.empty() && pid != pids.end(); ++pid) {
    runtime = guess_runtime(*pid);
  }
  for (auto pid = pids.begin(); !options.attached && !files.ever() && obstacle.empty() && pid != pids.end(); ++pid) {
    obstacle = preload_obstacle(*pid);
  }
}

// Each part is stamped when it is read: the search for the processes alone may take tens of milliseconds.
void observer::state::look_at_processes() {
  find_processes();
  const std::uint64_t now_ns = monotonic_ns();
  auto second = processes.sample(pids, at_s(now_ns));
  if (const auto counted = allocations.look(pids)) {
    second.allocations = counted->allocations;
    second.allocated_bytes = counted->allocated_bytes;
    second.live_bytes = counted->live_bytes;
  }
  seconds.add(second);
  if (!processes.unreadable().empty()) note(processes.unreadable());
  work = history.traced_work();
  for (const auto& [pid, error] : processes.refused()) {
    if (const auto why = closed.tell(pid, error)) {
      note(fmt::format("its descriptors may not be listed (counted as 0, and no connections): {}", *why));
    }
  }
  if (auto said = states.look(pids)) {
    said->at_s = at_s(monotonic_ns());
    runtime_looks.add(std::move(*said));
  }
  // Of processes that all keep their sockets to themselves it would find none.
  if (options.connections && processes.refused().size() < std::max(1U, second.processes)) look_at_connections();
  if (!pids.empty()) {
    host_after = look_at_host(*pids.begin(), monotonic_ns());
    if (host_before.at_ns == 0) host_before = host_after;
  }
  const auto interval = static_cast<std::uint64_t>(options.process_interval.count());
  next_process_look_ns = std::max(next_process_look_ns + interval, now_ns + interval / 2);
}

void observer::state::look_at_connections() {
  if (auto seen = census.look(processes.socket_inodes(), at_s(monotonic_ns()))) {
    connections.add(std::move(*seen));
  } else {
    note("the kernel does not tell the state of connections: whether a pool is too small is not seen");
  }
}

void observer::state::look_at_files(std::uint64_t now_ns) {
  for (const auto& problem : files.refresh()) note(problem);
  for (auto& file : files.open()) {
    for (auto& counters : file.reader.threads()) {
      counters.generation += std::uint64_t{file.incarnation} << 40U;
      // A process ends, or becomes another by exec, in the middle of a segment: that does not go on after it.
      if (file.ended && counters.ended_ns == 0) {
        counters.ended_ns = now_ns;
        counters.busy_since_ns = 0;
      }
      history.add(file.reader.pid(), counters, model::lag_quality::traced);
    }
    const auto pid = file.reader.pid();
    for (const auto& stall : file.reader.new_stalls()) {
      history.add_stall(pid, stall);
      joiner.add(pid, stall);
    }
    for (auto& event : file.reader.new_events()) {
      if (is_told(event)) watched_files::translate_frames(pid, event);
      joiner.add(pid, std::move(event));  // short ones too: they may make up a call of the runtime's
    }
    look_at_notes(pid);
  }
  files.close_ended();
  settle(now_ns - std::min(now_ns, event_joiner::patience_ns));
}

void observer::state::look_at_notes(std::uint32_t pid) {
  for (auto& note : shims.take(pid)) {
    if (note.kind == assay_note_failure) {
      failures.add(std::move(note.what), note.stack);
    } else {
      joiner.add(pid, std::move(note));
    }
  }
  const auto stat = read_stat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') {
    shims.remove(pid);
    states.remove(pid);
  }
}

void observer::state::settle(std::uint64_t before_ns) {
  for (const auto& [pid, event] : joiner.settle(before_ns)) {
    if (is_told(event)) sites.add(pid, event);
  }
}

void observer::state::look() {
  if (monotonic_ns() >= next_process_look_ns) look_at_processes();
  // Not before: what is read now would pass for what was counted then.
  const std::uint64_t now_ns = monotonic_ns();
  history.look(now_ns);
  for (const auto& [pid, counters, stalls] : unseen.sampler().take()) {
    history.add(pid, counters, model::lag_quality::sampled);
    for (const auto& stall : stalls) history.add_stall(pid, stall);
  }
  look_at_files(now_ns);
  if (now_ns < origin_ns + sampling_begins_after_ns || runtime == "go") return;
  for (const auto pid : pids) {
    // On and on: the first thread that is met in a wait need not be the one that serves.
    if (history.has_traced_loop(pid)) continue;
    for (const auto& text : unseen.look(pid, files.has(pid), why_no_file())) note(text);
  }
}

void observer::state::run() {
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    {
      const std::scoped_lock held(looking);
      look();
      cpu_ns = thread_cpu_ns();
    }
    lock.lock();
    // No bursts of looks after a pause: the next is an interval from now at the latest.
    next = std::max(next + options.probe_interval, std::chrono::steady_clock::now());
    wake.wait_until(lock, next, [this] { return stopping; });
  }
  lock.unlock();
  look();
  settle(UINT64_MAX);
  cpu_ns = thread_cpu_ns();
}

std::vector<loop_stall> observer::state::stalls_in(std::uint64_t begin_ns, std::uint64_t end_ns) const {
  std::vector<loop_stall> stalls = history.stalls();
  std::erase_if(stalls, [&](const loop_stall& one) {
    return one.segment.end_ns <= begin_ns || one.segment.start_ns >= end_ns ||
           static_cast<double>(one.segment.end_ns - one.segment.start_ns) < options.stall_threshold_ms * 1e6;
  });
  return stalls;
}

void observer::state::final_notes(std::vector<std::string>& into) const {
  if (options.attached) {
    into.emplace_back(
        "it ran before: blocking calls and their places are named only in what is started under the preload library");
  } else if (!files.ever()) {
    into.push_back(fmt::format("no probe file appeared: {}; blocking calls cannot be named", why_no_file()));
  } else if (runtime == "python" && !files.any_stack_hook()) {
    into.emplace_back("the Python shim did not load (python -I, -S or -E?): blocking calls are without their lines");
  } else if (runtime == "node" && !shims.ever()) {
    into.emplace_back(
        "the Node.js shim did not load (NODE_OPTIONS taken away, or a permission model?): blocking calls are without "
        "their lines");
  }
  if (files.lost() > 0)
    into.push_back(fmt::format("{} entries of the probe were overwritten before they were read", files.lost()));
  if (shims.full()) {
    into.emplace_back(
        "a runtime's shim has written all the notes that it may: later calls are without their lines, later pauses of "
        "the collector and failures are not seen");
  }
  for (auto& text : what_the_host_did(host_before, host_after)) into.push_back(std::move(text));
  const auto dropped = history.dropped() + sites.dropped() + joiner.dropped();
  if (dropped > 0) into.push_back(fmt::format("{} segments or calls are beyond the limits and not counted", dropped));
  if (history.evicted() > 0) {
    into.push_back(fmt::format("{} loops that had ended made room for others: of more than {} the last are kept",
                               history.evicted(), thread_history::most_threads));
  }
  if (const auto missed = unseen.sampler().missed(); missed > 0) {
    into.push_back(fmt::format("the sampler of system calls missed {} ms", missed));
  }
}

observer::observer(observer_options options) : state_(std::make_unique<state>(std::move(options))) {}

observer::~observer() { stop(); }

instant observer::now() { return instant(duration(static_cast<duration::rep>(monotonic_ns()))); }

std::expected<void, std::string> observer::start(instant t0) {
  state& self = *state_;
  if (self.thread.joinable()) return std::unexpected("the observer has been started before");
  if (!self.options.root_pids) return std::unexpected("the observer needs the candidate's process ids");
  struct stat status{};
  if (!self.options.probe_directory.starts_with('/') || ::stat(self.options.probe_directory.c_str(), &status) != 0 ||
      !S_ISDIR(status.st_mode)) {
    return std::unexpected(
        fmt::format("probe directory '{}': expected the absolute path of a directory", self.options.probe_directory));
  }
  self.origin_ns = to_ns(t0);
  self.started_ns = monotonic_ns();
  self.thread = std::thread([&self] { self.run(); });
  return {};
}

std::optional<model::watch_interval> observer::glance(duration back) {
  state& self = *state_;
  const std::scoped_lock held(self.looking);
  const auto& looks = self.seconds.looks();
  if (looks.size() < 2) return std::nullopt;
  model::watch_interval seen{.now = looks.back(), .blocking_calls = self.sites.calls()};
  const double from_s = seen.now.at_s - std::chrono::duration<double>(back).count();
  // The look nearest to it, but not the last itself.
  const auto last = std::prev(looks.end());
  auto before = std::ranges::lower_bound(looks.begin(), last, from_s, {}, &model::process_second::at_s);
  if (before == last) --before;
  if (const double length_s = seen.now.at_s - before->at_s; length_s > 0) {
    seen.cpu_cores = (seen.now.cpu_s - before->cpu_s) / length_s;
    seen.cpu_wait_cores = (seen.now.cpu_wait_s - before->cpu_wait_s) / length_s;
  }
  const auto now_ns = monotonic_ns();
  const auto back_ns = static_cast<std::uint64_t>(std::max<duration::rep>(0, back.count()));
  seen.lag = self.history.lag({}, now_ns - std::min(now_ns, back_ns), now_ns);
  return seen;
}

void observer::stop() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

std::expected<observation, std::string> observer::finish(const std::vector<phase_window>& phases) {
  state& self = *state_;
  if (!self.thread.joinable()) return std::unexpected("the observer does not run");
  stop();
  observation seen;
  const auto elapsed_ns = static_cast<double>(monotonic_ns() - self.started_ns);
  seen.own_cpu_share = static_cast<double>(self.cpu_ns + self.unseen.sampler().cpu_ns()) / std::max(1.0, elapsed_ns);
  seen.processes = self.seconds.take();
  seen.limits = self.processes.limits();
  seen.connections = self.connections.take();
  seen.runtime_looks = self.runtime_looks.take();
  seen.runtime = self.runtime;
  seen.shim_cpu_s = self.processes.shim_cpu_s();
  seen.work = self.work;
  seen.failures = self.failures.failures();
  seen.notes = self.notes;
  self.final_notes(seen.notes);
  if (phases.empty()) return seen;
  std::uint64_t begin_ns = UINT64_MAX;
  std::uint64_t end_ns = 0;
  for (const auto& phase : phases) {
    if (phase.end < phase.begin) return std::unexpected(fmt::format("phase '{}' ends before it begins", phase.name));
    begin_ns = std::min(begin_ns, to_ns(phase.begin));
    end_ns = std::max(end_ns, to_ns(phase.end));
    seen.lag.push_back(self.history.lag(phase.name, to_ns(phase.begin), to_ns(phase.end)));
    seen.segments.push_back(self.history.segments(to_ns(phase.begin), to_ns(phase.end)));
  }
  seen.blocking = self.sites.sites(begin_ns, end_ns, self.origin_ns);
  auto stalls = self.stalls_in(begin_ns, end_ns);
  if (auto lack = lack_of_cpu(stalls, self.sites)) seen.blocking.push_back(std::move(*lack));
  seen.stalls = stalls_by_loop(stalls, self.sites, begin_ns, end_ns);
  seen.events = stall_events(std::move(stalls), self.sites, self.options.blocking_threshold_ms, self.origin_ns);
  return seen;
}

}  // namespace assay::inside
