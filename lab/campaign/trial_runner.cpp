#include "lab/campaign/trial_runner.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <thread>

#include "lab/campaign/recovery.hpp"
#include "lab/subject/environment.hpp"
#include "lab/subject/readiness.hpp"
#include "lab/subject/reconciliation.hpp"

namespace assay::campaign {
namespace {

// Of a candidate that is asked to stop; then it is killed.
constexpr std::chrono::milliseconds stop_grace{5000};
// How soon it is seen that a dependency has died.
constexpr std::chrono::milliseconds bed_interval{100};
constexpr std::size_t shown_failures = 3;  // of the conformance checks, in the reason

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& each : words) line += (line.empty() ? "" : " ") + each;
  return line;
}

// Host and port of "http://127.0.0.1:8080"; the plan's reader has checked the form.
std::pair<std::string, std::uint16_t> address_of(std::string_view url) {
  url.remove_prefix(std::min(url.size(), std::string_view("http://").size()));
  const auto colon = url.rfind(':');
  std::uint16_t port = 80;
  if (colon == std::string_view::npos) return {std::string(url), port};
  std::from_chars(url.data() + colon + 1, url.data() + url.size(), port);
  return {std::string(url.substr(0, colon)), port};
}

// Where they were counted: over all that was answered.
std::string allocations_text(const model::trial& of) {
  const auto first = std::ranges::find_if(of.processes, [](const auto& each) { return each.allocations > 0; });
  std::uint64_t answered = 0;
  for (const model::phase_measurement& each : of.phases) answered += each.all.answered;
  if (first == of.processes.end() || answered == 0) return {};
  const model::process_second& last = of.processes.back();
  const auto requests = static_cast<double>(answered);
  return fmt::format("{:.0f} and {:.1f} kB a request; {:.1f} MB held at the end",
                     static_cast<double>(last.allocations - first->allocations) / requests,
                     static_cast<double>(last.allocated_bytes - first->allocated_bytes) / 1e3 / requests,
                     static_cast<double>(last.live_bytes) / 1e6);
}

}  // namespace

trial_runner::trial_runner(const model::plan& plan, const model::candidate& candidate, const trial_slot& slot,
                           test_bed& bed, const trial_machine& machine)
    : plan_(plan), candidate_(candidate), slot_(slot), bed_(bed), machine_(machine) {
  trial_.candidate = slot.candidate;
  trial_.repeat = slot.repeat;
  trial_.order = slot.order;
  trial_.seed = trial_seed(plan.seed, slot.repeat);
  trial_.started_at = utc_now();
  directory_ = fmt::format("{}/{}-{}", machine.logs, slot.candidate, slot.repeat);
}

std::string trial_runner::log_path() const { return directory_ + "/candidate.log"; }

void trial_runner::say(std::string step) {
  const std::lock_guard lock(mutex_);
  step_ = std::move(step);
}

void trial_runner::set_engine(load::workload_engine* engine) {
  const std::lock_guard lock(mutex_);
  engine_ = engine;
  if (engine != nullptr) step_ = "load";
}

bool trial_runner::fail(std::string why) {
  trial_.state = model::trial_state::failed;
  trial_.reasons.push_back(std::move(why));
  return false;
}

void trial_runner::stop() {
  stopping_ = true;
  const std::lock_guard lock(mutex_);
  if (engine_ != nullptr) engine_->stop();
}

trial_look trial_runner::look() {
  const std::lock_guard lock(mutex_);
  return {.step = step_, .load = engine_ == nullptr ? load::workload_view{} : engine_->look()};
}

std::expected<model::trial, std::string> trial_runner::run() {
  std::error_code failed;
  std::filesystem::remove_all(directory_, failed);
  std::filesystem::create_directories(directory_ + "/probe", failed);
  if (failed) return std::unexpected(fmt::format("cannot make {}: {}", directory_, failed.message()));
  std::jthread watching([this](const std::stop_token& over) { watch_bed(over); });
  const checked taken = take_steps();
  // Without its dependencies a candidate shows nothing of itself, even if the trial looks whole.
  const checked bed = stopping_ ? bed_.check_alive() : bed_.check_answers();
  if (!bed) return std::unexpected(bed.error());
  if (stopping_) return std::unexpected("interrupted");
  if (!taken) return std::unexpected(taken.error());
  return trial_;
}

trial_runner::checked trial_runner::take_steps() {
  say("resetting the data");
  if (const checked reset = bed_.reset_data(); !reset) return reset;
  bed_.faults().clear();
  if (!start_candidate() || !behaves_alike() || stopping_) return {};
  // The checks have written.
  if (const checked reset = bed_.reset_data(); !reset) return reset;
  return measure();
}

void trial_runner::watch_bed(const std::stop_token& over) {
  std::mutex mutex;
  std::condition_variable_any pause;
  std::unique_lock lock(mutex);
  while (!over.stop_requested()) {
    if (!bed_.check_alive()) return stop();
    pause.wait_for(lock, over, bed_interval, [] { return false; });
  }
}

bool trial_runner::start_candidate() {
  say("starting");
  trial_.facts["cpus"] = subject::format_cpu_list(machine_.cpus.candidate);
  if (const auto known = machine_.versions.find(candidate_.name); known != machine_.versions.end()) {
    trial_.facts["versions"] = known->second;
  }
  if (!candidate_.url.empty()) {
    std::tie(host_, port_) = address_of(candidate_.url);
    trial_.facts["url"] = candidate_.url;
    trial_.facts["probes"] = "none: it ran already; loop lag, blocking calls, CPU and memory are not seen";
  } else {
    const auto port = subject::free_port();
    if (!port) return fail(port.error());
    port_ = *port;
    const std::string probe = directory_ + "/probe";
    const auto extra = inside::environment(machine_.probe, probe, std::string(model::label(candidate_.runtime)),
                                           subject::base_environment());
    auto request = subject::candidate_request(candidate_, port_, bed_.urls(), extra);
    if (!request) return fail(request.error());
    request->cpus = machine_.cpus.candidate;
    request->output = log_path();
    trial_.facts["command"] = joined(request->command);
    trial_.facts["probes"] = "preload library, /proc every second" +
                             std::string(candidate_.runtime == model::runtime_kind::python ? ", Python shim"
                                         : candidate_.runtime == model::runtime_kind::node ? ", Node.js shim"
                                                                                           : "");
    auto started = subject::process::spawn(*request);
    if (!started) return fail(started.error());
    process_.emplace(std::move(*started));
  }
  const auto ready = subject::wait_until_ready({.host = host_,
                                                .port = port_,
                                                .path = candidate_.ready_path,
                                                .timeout = candidate_.ready_timeout,
                                                .ended = [this]() -> std::optional<subject::exit_report> {
                                                  if (stopping_)
                                                    return subject::exit_report{};  // nobody waits for it any more
                                                  return process_ ? process_->exit() : std::nullopt;
                                                },
                                                .log = log_path()});
  if (!ready) return fail(ready.error());
  trial_.start_up_s = *ready;
  return true;
}

bool trial_runner::behaves_alike() {
  if (machine_.checks.empty()) return true;
  say("behaves alike?");
  const auto results = subject::run_checks(
      machine_.checks, {.host = host_, .port = port_, .interrupted = [this] { return stopping_.load(); }});
  std::size_t failed = 0;
  std::string first;
  for (const subject::check_result& each : results) {
    if (each.passed) continue;
    if (failed++ < shown_failures) first += fmt::format("; {}: {}", each.name, each.why);
  }
  trial_.facts["conformance"] = fmt::format("{} of {} checks", results.size() - failed, results.size());
  if (failed == 0) return true;
  return fail(fmt::format("it does not behave as specified: {} of {} checks failed{}", failed, results.size(), first));
}

trial_runner::checked trial_runner::measure() {
  inside::observer watching({.root_pids =
                                 [this] {
                                   std::vector<std::uint32_t> roots;
                                   if (process_) roots.push_back(static_cast<std::uint32_t>(process_->pid()));
                                   return roots;
                                 },
                             .probe_directory = std::filesystem::absolute(directory_ + "/probe").string(),
                             .port_names = bed_.port_names(),
                             .runtime = std::string(model::label(candidate_.runtime)),
                             .blocking_threshold_ms = plan_.stall_threshold_ms});
  auto work = load::bind_workload({.address = fmt::format("{}:{}", host_, port_),
                                   .routes = plan_.workload,
                                   .phases = plan_.phases,
                                   .arrivals = plan_.arrivals,
                                   .connections = plan_.connections,
                                   .timeout = plan_.timeout,
                                   .seed = trial_.seed,
                                   .real_time = true});
  if (!work) {
    fail(work.error());
    return {};
  }
  companions beside(bed_.faults(), plan_.phases,
                    {.tasks = plan_.background,
                     .host = host_,
                     .port = port_,
                     .urls = bed_.urls(),
                     .cpus = machine_.cpus.lab,
                     .log = directory_ + "/background.log"},
                    process_ ? &watching : nullptr, bed_.databases());
  std::optional<cost_under_load> cost;
  if (process_) cost.emplace(directory_ + "/probe", plan_.phases, [this] { return look().load.answers; });
  load::workload_engine engine(std::move(*work), plan_.phases, [&](instant start) {
    beside.set_clock(start);
    if (cost) cost->set_clock(start);
  });
  set_engine(&engine);
  if (stopping_) engine.stop();
  std::expected<load::workload_result, std::string> measured = engine.run();
  if (cost) cost_of_probe_ = cost->finish();  // before the engine is out of sight
  set_engine(nullptr);
  beside.finish();
  if (stopping_) return {};
  if (measured) return conclude(*measured, beside, watching);
  fail(measured.error());
  return {};
}

trial_runner::checked trial_runner::conclude(load::workload_result& measured, const companions& beside,
                                             inside::observer& watching) {
  const bool died = process_ && !process_->running();
  std::vector<inside::phase_window> windows;
  instant at = measured.start;
  for (const model::phase& each : plan_.phases) {
    windows.push_back({.name = each.name, .begin = at, .end = at + each.length});
    at += each.length;
  }
  const auto seen = beside.cannot_watch().empty() ? watching.finish(windows) : std::unexpected(beside.cannot_watch());
  if (died) {
    fail(fmt::format("it {} during the load; {}", subject::describe(*process_->exit()),
                     subject::last_lines(log_path())));
  }
  if (process_) std::ignore = process_->stop(stop_grace);
  trial_.events = beside.fault_events();
  trial_.events.insert(trial_.events.end(), beside.task_events().begin(), beside.task_events().end());
  if (!beside.task_summary().empty()) trial_.facts["background tasks"] = beside.task_summary();
  for (const inside::database_observation& each : beside.databases()) {
    trial_.databases.push_back(each.seen);
    trial_.events.insert(trial_.events.end(), each.events.begin(), each.events.end());
  }
  take_view(seen);
  // Before the load's remarks: the reason that comes first is the one that is shown.
  if (const checked reconciled = reconcile(measured.writes); !reconciled) return reconciled;
  take_load(measured);
  return {};
}

void trial_runner::take_view(const std::expected<inside::observation, std::string>& seen) {
  if (!seen) {
    trial_.events.push_back({.kind = "note", .text = "not seen from inside: " + seen.error()});
    return;
  }
  trial_.processes = seen->processes;
  trial_.limits = seen->limits;
  trial_.lag = seen->lag;
  trial_.blocking = seen->blocking;
  trial_.events.insert(trial_.events.end(), seen->events.begin(), seen->events.end());
  for (const model::unhandled_error& each : seen->failures) {
    trial_.events.push_back(
        {.kind = "note", .text = fmt::format("an error that nobody handled, {} times: {}", each.count, each.text)});
  }
  for (const std::string& note : seen->notes) trial_.events.push_back({.kind = "note", .text = note});
  // Cumulative: all that it has used since it began, as its loops' turns are.
  const double cpu_s = trial_.processes.empty() ? 0 : trial_.processes.back().cpu_s;
  if (process_ && cpu_s > 0) {
    std::string told =
        cost_of_probe_ ? describe_cost(*cost_of_probe_) : "not measured under load: " + cost_of_probe_.error();
    if (machine_.cost_of_probe) told += "; " + describe(*machine_.cost_of_probe, seen->work, cpu_s);
    trial_.facts["overhead of the probe"] = std::move(told);
  }
  trial_.facts["observer CPU"] = fmt::format("{:.1f} % of a core of the lab's", seen->own_cpu_share * 100);
}

void trial_runner::take_load(load::workload_result& measured) {
  trial_.recovery_s = recovery_time(measured.phases, measured.seconds);
  trial_.phases = std::move(measured.phases);
  trial_.seconds = std::move(measured.seconds);
  trial_.generator = measured.generator;
  if (const std::string counted = allocations_text(trial_); !counted.empty()) trial_.facts["allocations"] = counted;
  for (const std::string& reason : measured.reasons) trial_.reasons.push_back(reason);
  if (!measured.valid && trial_.state == model::trial_state::complete) trial_.state = model::trial_state::invalid;
}

trial_runner::checked trial_runner::reconcile(const load::write_keys& sent) {
  const bool has_writes =
      std::ranges::any_of(plan_.workload, [](const model::bound_route& each) { return !each.acknowledged_by.empty(); });
  if (!has_writes) return {};
  say("reconciling the writes");
  std::expected<std::vector<std::string>, std::string> stored = bed_.stored_keys();
  if (!stored) return std::unexpected(stored.error());
  trial_.writes = subject::reconcile({.acknowledged = sent.acknowledged,
                                      .unanswered = sent.unanswered,
                                      .refused = sent.refused,
                                      .stored = std::move(*stored)});
  if (!trial_.writes.agrees()) fail("writes and rows differ: " + subject::disagreement(trial_.writes));
  return {};
}

}  // namespace assay::campaign
