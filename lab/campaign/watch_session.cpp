#include "lab/campaign/watch_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "lab/campaign/probe_cost.hpp"
#include "lab/inside/proc.hpp"
#include "lab/judge/diagnose.hpp"
#include "lab/judge/holders.hpp"
#include "lab/judge/native_memory.hpp"

namespace assay::campaign {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds watched_stop_grace{5000};

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> variables;
  for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view text(*each);
    if (const auto equals = text.find('='); equals != std::string_view::npos && equals > 0) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

std::expected<std::string, std::string> make_directory() {
  std::error_code failed;
  const fs::path parent = fs::temp_directory_path(failed);
  std::string name = (failed ? fs::path("/tmp") : fs::absolute(parent, failed)).string() + "/assay-watch-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return std::unexpected(fmt::format("cannot make {}: {}", name, std::strerror(errno)));
  }
  return name;
}

}  // namespace

watch_session::watch_session(watch_options options) : options_(std::move(options)) {}

watch_session::~watch_session() {
  database_.reset();
  observer_.reset();
  process_.reset();
  std::error_code ignored;  // a file that is left is not worth a word at the end
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

std::expected<std::uint32_t, std::string> watch_session::start_command() {
  const auto probe = inside::find_probe();
  if (!probe) return std::unexpected(probe.error());
  auto variables = own_environment();
  for (auto& [name, value] : inside::environment(*probe, directory_, options_.runtime, variables)) {
    variables[name] = value;
  }
  variables[inside::stacks_variable] = "1";  // nothing is compared here
  auto started = subject::process::spawn(
      {.command = options_.command, .environment = std::move(variables), .output = options_.output});
  if (!started) return std::unexpected(started.error());
  process_.emplace(std::move(*started));
  probe_ = *probe;
  return static_cast<std::uint32_t>(process_->pid());
}

std::expected<void, std::string> watch_session::start() {
  if (attached()) {
    const auto stat = inside::read_stat(options_.pid);
    if (!stat || stat->state == 'Z') return std::unexpected(fmt::format("there is no process {}", options_.pid));
    pid_ = options_.pid;
    started_ticks_ = stat->start_ticks;
  }
  auto directory = make_directory();
  if (!directory) return std::unexpected(directory.error());
  directory_ = std::move(*directory);
  if (!attached()) {
    const auto pid = start_command();
    if (!pid) return std::unexpected(pid.error());
    pid_ = *pid;
  }
  observer_.emplace(inside::observer_options{.root_pids = [pid = pid_] { return std::vector{pid}; },
                                             .probe_directory = directory_,
                                             .port_names = {},
                                             .runtime = options_.runtime,
                                             .attached = attached(),
                                             .connections = true,
                                             .process_interval = options_.process_interval});
  begin_ = inside::observer::now();
  if (!options_.postgres.empty()) {
    database_.emplace(inside::watched_database{.name = "postgres", .url = options_.postgres});
    database_->start(begin_);
  }
  return observer_->start(begin_);
}

bool watch_session::running() const {
  if (process_) return process_->running();
  const auto stat = inside::read_stat(pid_);
  return stat && stat->start_ticks == started_ticks_ && stat->state != 'Z' && stat->state != 'X';
}

std::optional<model::watch_interval> watch_session::glance(duration back) { return observer_->glance(back); }

// When the service is gone: neither disturbs the other.
void watch_session::measure_probe(const inside::observation& seen, model::watch_result& into) {
  const double cpu_s = into.processes.empty() ? 0 : into.processes.back().cpu_s;
  if (!probe_ || seen.work.turns == 0 || cpu_s <= 0) return;
  const auto cost = measure_probe_cost(*probe_, directory_ + "/cost", {});
  if (!cost) {
    into.notes.push_back("what the probe costs could not be measured: " + cost.error());
    return;
  }
  into.probe = model::probe_share{.of_cpu = cpu_share(*cost, seen.work, cpu_s),
                                  .waits = seen.work.turns,
                                  .calls = seen.work.calls,
                                  .stacks_of_cpu = seen.shim_cpu_s / cpu_s};
}

std::expected<model::watch_result, std::string> watch_session::finish(const std::string& why) {
  model::watch_result made{.command = options_.command, .pid = pid_, .ended = why};
  if (process_) {
    if (const auto report = process_->exit()) {
      made.ended = "it " + subject::describe(*report);
      made.failed = !report->clean();
    }
  } else if (!running()) {
    made.ended = "the process has ended";
  }
  const instant end = inside::observer::now();
  auto seen = observer_->finish({{.name = "watch", .begin = begin_, .end = end}});
  if (database_) made.databases.push_back(std::move(database_->finish().seen));  // as the service still uses it
  if (process_) std::ignore = process_->stop(watched_stop_grace);
  if (!seen) return std::unexpected(seen.error());
  made.runtime = seen->runtime;
  made.length_s = std::chrono::duration<double>(end - begin_).count();
  made.processes = std::move(seen->processes);
  // Looks after the end of all processes show nothing.
  while (!made.processes.empty() && made.processes.back().processes == 0) made.processes.pop_back();
  made.limits = std::move(seen->limits);
  made.connections = std::move(seen->connections);
  made.runtime_looks = std::move(seen->runtime_looks);
  if (!seen->lag.empty()) made.lag = std::move(seen->lag.front());
  made.blocking = std::move(seen->blocking);
  made.events = std::move(seen->events);
  made.failures = std::move(seen->failures);
  made.notes = std::move(seen->notes);
  made.own_cpu_share = seen->own_cpu_share;
  measure_probe(*seen, made);
  made.verdict = judge::diagnose({.length_s = made.length_s,
                                  .processes = made.processes,
                                  .lag = made.lag,
                                  .stalls = seen->stalls,
                                  .blocking = made.blocking,
                                  .connections = made.connections,
                                  .databases = made.databases,
                                  .runtime_looks = made.runtime_looks,
                                  .limits = made.limits});
  judge::name_holders(made.verdict, made.runtime_looks, made.length_s);
  // Their objects are none of malloc's, and they give no account of them.
  const bool own_heap = made.runtime == "python" || made.runtime == "jvm" || made.runtime == "go";
  if (!own_heap) judge::tell_native_memory(made.verdict, made.processes, made.runtime_looks);
  return made;
}

}  // namespace assay::campaign
