#include "lab/campaign/campaign.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>

#include "lab/campaign/facts.hpp"
#include "lab/campaign/order.hpp"
#include "lab/campaign/running_candidate.hpp"
#include "lab/campaign/trial_runner.hpp"
#include "lab/subject/environment.hpp"

namespace assay::campaign {
namespace {

// Beside the phases: start, checks, reset, drain, stop, reconciliation. For the estimate of the time that is left.
constexpr std::chrono::seconds trial_overhead{6};

std::chrono::nanoseconds length_of(const model::plan& plan) {
  std::chrono::nanoseconds length{};
  for (const model::phase& each : plan.phases) length += each.length;
  return length;
}

// Threads that are made from here on inherit it: the lab stays off the candidate's cores.
void pin_this_process(const std::vector<unsigned>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const unsigned cpu : cpus) CPU_SET(cpu, &set);
  std::ignore = ::sched_setaffinity(0, sizeof set, &set);  // refused in some containers; the fairness card shows it
}

std::string line_of(const model::trial& done, unsigned trials) {
  std::string line =
      fmt::format("[{}/{}] {} #{}: {}", done.order, trials, done.candidate, done.repeat, model::label(done.state));
  for (const model::phase_measurement& each : done.phases) {
    if (each.kind == model::phase_kind::warm_up) continue;
    const observe::histogram& times = each.all.latency.response_time;
    if (times.count() == 0) continue;
    line += fmt::format("  {} p99 {:.1f} ms", each.name, static_cast<double>(times.value_at_quantile(0.99)) / 1e6);
  }
  if (done.state != model::trial_state::complete && !done.reasons.empty()) line += "  " + done.reasons.front();
  return line;
}

}  // namespace

struct campaign::state {
  explicit state(campaign_options given) : options(std::move(given)) {}

  using checked = std::expected<void, std::string>;
  checked prepare();
  checked open_store();
  checked build_candidates();
  std::expected<campaign_outcome, std::string> run_trials();
  checked run_trial(const trial_slot& slot);
  void step(std::string what);

  campaign_options options;
  trial_machine machine;
  std::unique_ptr<test_bed> bed;
  std::unique_ptr<store::campaign_store> store;
  std::vector<trial_slot> slots;
  campaign_outcome outcome;
  std::stop_source stopping;

  std::mutex mutex;  // guards the following
  campaign_view view;
  trial_runner* running = nullptr;
  unsigned left_trials = 0;
};

campaign::campaign(campaign_options options) : state_(std::make_unique<state>(std::move(options))) {}
campaign::~campaign() = default;

void campaign::state::step(std::string what) {
  const std::lock_guard lock(mutex);
  view.step = std::move(what);
}

campaign::state::checked campaign::state::prepare() {
  std::error_code failed;
  const std::filesystem::path directory = options.directory;
  const bool has_campaign = std::filesystem::exists(directory / "campaign.db", failed);
  if (has_campaign && !options.resume) {
    return std::unexpected(
        fmt::format("{} holds a campaign already; go on with it by --resume, or choose another directory with -o",
                    options.directory));
  }
  if (const checked installed = test_bed::check_installed(options.plan); !installed) return installed;
  std::filesystem::create_directories(directory / "logs", failed);
  if (failed) return std::unexpected(fmt::format("cannot make {}: {}", options.directory, failed.message()));
  machine.logs = std::filesystem::absolute(directory / "logs").string();
  const bool starts_any =
      std::ranges::any_of(options.plan.candidates, [](const model::candidate& each) { return each.url.empty(); });
  if (starts_any) {
    auto probe = inside::find_probe();
    if (!probe) return std::unexpected(probe.error());
    machine.probe = *probe;
  }
  machine.cpus = subject::split_cpus();
  if (!options.plan.conformance.empty()) {
    auto checks = subject::load_checks(options.plan.conformance);
    if (!checks) return std::unexpected(checks.error());
    machine.checks = std::move(*checks);
  }
  return {};
}

campaign::state::checked campaign::state::build_candidates() {
  for (const model::candidate& each : options.plan.candidates) {
    if (stopping.stop_requested()) return std::unexpected("interrupted");
    step("building " + each.name);
    if (const auto built = subject::build_candidate(each, fmt::format("{}/{}-build.log", machine.logs, each.name),
                                                    std::chrono::minutes(20), stopping.get_token());
        !built) {
      return std::unexpected(built.error());
    }
    const auto versions = subject::capture_versions(each);
    machine.versions[each.name] = versions ? *versions : "unknown: " + versions.error();
  }
  return {};
}

campaign::state::checked campaign::state::open_store() {
  std::map<std::string, std::string> facts = subject::host_facts();
  facts["CPUs of the candidate"] = subject::format_cpu_list(machine.cpus.candidate);
  facts["CPUs of the lab and the dependencies"] = subject::format_cpu_list(machine.cpus.lab);
  if (!machine.cpus.remark.empty()) facts["remark"] = machine.cpus.remark;
  if (!machine.probe.library.empty()) {
    facts["overhead of the probe"] =
        machine.cost_of_probe ? describe(*machine.cost_of_probe) : "not measured: " + machine.cost_of_probe.error();
  }
  if (const std::string fact = running_candidates_fact(options.plan); !fact.empty()) {
    facts["candidates that ran already"] = fact;
  }
  facts.insert(bed->facts().begin(), bed->facts().end());
  auto opened = store::campaign_store::open_or_create(
      options.directory + "/campaign.db", make_header(options.plan, options.plan_text, options.tool_version, facts));
  if (!opened) return std::unexpected(opened.error());
  store = std::move(*opened);
  return check_selection(options.plan, store->header(), options.directory);
}

campaign::state::checked campaign::state::run_trial(const trial_slot& slot) {
  const model::candidate& candidate = *options.plan.find_candidate(slot.candidate);
  trial_runner one(options.plan, candidate, slot, *bed, machine);
  {
    const std::lock_guard lock(mutex);
    running = &one;
    view.trial = slot.order;
    view.candidate = slot.candidate;
    view.repeat = slot.repeat;
    if (stopping.stop_requested()) one.stop();
  }
  const std::expected<model::trial, std::string> done = one.run();
  {
    const std::lock_guard lock(mutex);
    running = nullptr;
    left_trials--;
  }
  if (!done) {
    const unsigned kept = outcome.complete + outcome.invalid + outcome.failed;
    return std::unexpected(fmt::format("{}; {} of {} trials are kept, go on with --resume once that is mended",
                                       done.error(), kept, outcome.planned));
  }
  step("storing");
  if (const checked stored = store->add(*done); !stored) return stored;
  const std::lock_guard lock(mutex);
  view.finished.push_back(line_of(*done, view.trials));
  outcome.complete += done->state == model::trial_state::complete;
  outcome.invalid += done->state == model::trial_state::invalid;
  outcome.failed += done->state == model::trial_state::failed;
  return {};
}

std::expected<campaign_outcome, std::string> campaign::state::run_trials() {
  auto finished = store->finished();
  if (!finished) return std::unexpected(finished.error());
  const checked counted = store->for_each([this](const model::trial& one) {
    outcome.complete += one.state == model::trial_state::complete;
    outcome.invalid += one.state == model::trial_state::invalid;
    outcome.failed += one.state == model::trial_state::failed;
  });
  if (!counted) return std::unexpected(counted.error());
  std::erase_if(slots, [&](const trial_slot& slot) {
    return std::ranges::any_of(*finished, [&](const store::trial_key& key) {
      return key.candidate == slot.candidate && key.repeat == slot.repeat;
    });
  });
  {
    const std::lock_guard lock(mutex);
    left_trials = static_cast<unsigned>(slots.size());
  }
  for (const trial_slot& slot : slots) {
    if (stopping.stop_requested()) break;
    if (const checked done = run_trial(slot); !done && !stopping.stop_requested()) {
      return std::unexpected(done.error());
    }
  }
  outcome.interrupted = stopping.stop_requested();
  return outcome;
}

std::expected<campaign_outcome, std::string> campaign::run() {
  state& self = *state_;
  std::vector<std::string> names;
  for (const model::candidate& each : self.options.plan.candidates) names.push_back(each.name);
  self.slots = trial_order(names, self.options.plan.repeats, self.options.plan.seed);
  self.outcome.planned = static_cast<unsigned>(self.slots.size());
  {
    const std::lock_guard lock(self.mutex);
    self.view.trials = self.outcome.planned;
  }
  if (const auto ready = self.prepare(); !ready) return std::unexpected(ready.error());
  if (const auto built = self.build_candidates(); !built) return std::unexpected(built.error());
  pin_this_process(self.machine.cpus.lab);
  // Before there is anything to disturb it, or that it could disturb.
  if (!self.machine.probe.library.empty()) {
    self.step("measuring the probe");
    self.machine.cost_of_probe =
        measure_probe_cost(self.machine.probe, self.machine.logs + "/probe-cost", self.machine.cpus.candidate);
  }
  self.step("starting the dependencies");
  auto bed = test_bed::start(self.options.plan, self.machine.logs, self.machine.cpus.lab);
  if (!bed) return std::unexpected(bed.error());
  self.bed = std::move(*bed);
  if (const auto opened = self.open_store(); !opened) return std::unexpected(opened.error());
  auto outcome = self.run_trials();
  self.store.reset();
  self.bed.reset();
  return outcome;
}

void campaign::stop() {
  state_->stopping.request_stop();
  const std::lock_guard lock(state_->mutex);
  if (state_->running != nullptr) state_->running->stop();
}

campaign_view campaign::look() {
  state& self = *state_;
  const std::lock_guard lock(self.mutex);
  campaign_view seen = self.view;
  self.view.finished.clear();
  const auto length = length_of(self.options.plan) + trial_overhead;
  seen.left = length * self.left_trials;
  if (self.running == nullptr) return seen;
  const trial_look inside = self.running->look();
  seen.step = inside.step;
  if (inside.load.elapsed <= duration::zero()) return seen;
  if (inside.load.phase < self.options.plan.phases.size()) seen.step = self.options.plan.phases[inside.load.phase].name;
  seen.left = std::max(std::chrono::nanoseconds{}, seen.left - inside.load.elapsed);
  seen.errors = inside.load.errors;
  if (inside.load.last) {
    seen.answered_rps = static_cast<double>(inside.load.last->answered);
    seen.p99_ms = inside.load.last->response_p99_ms;
  }
  return seen;
}

}  // namespace assay::campaign
