#include "lab/load/session_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/load/load_merge.hpp"
#include "lab/load/span.hpp"
#include "lab/load/verdict.hpp"
#include "stack/runtime/clock.hpp"

namespace assay::load {
namespace {

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

// The number of sessions under way grows from none until as many end as begin: for as long as 19 of 20 of them take.
// Among those that finish in a run the short ones are too many, but where that matters they take most of the run.
duration even_from(const std::vector<model::load_sessions>& sessions, duration length) {
  std::uint64_t longest_ns = 0;
  for (const model::load_sessions& each : sessions) {
    if (each.started > 0 && each.finished == 0) return length;
    longest_ns = std::max(longest_ns, each.time.value_at_quantile(0.95));
  }
  return std::min(length, duration(static_cast<duration::rep>(longest_ns)));
}

// They run on one thread.
std::string for_sessions(std::string reason) {
  constexpr std::string_view theirs = "use more threads (-t) or a lower rate";
  const std::size_t at = reason.find(theirs);
  if (at != std::string::npos) reason.replace(at, theirs.size(), "use a lower rate, or several processes");
  return reason;
}

}  // namespace

void judge_session_arrivals(model::load_result& result) {
  for (const model::load_sessions& each : result.sessions) {
    if (!each.arrivals_seen) continue;
    for (const std::string& reason : invalid_reasons(*each.arrivals_seen, each.arrivals)) {
      result.reasons.push_back(fmt::format("sessions {}: {}", each.name, for_sessions(reason)));
      result.valid = false;
    }
  }
}

model::load_result session_result_of(const session_plan& plan, const std::vector<model::load_sessions>& sessions,
                                     const std::vector<thread_outcome>& threads, const second_series* series,
                                     instant start, bool interrupted, const run_windows* windows) {
  model::load_result result = merge_load({.plan = plan.load,
                                          .work = plan.work,
                                          .series = series,
                                          .start = start,
                                          .interrupted = interrupted,
                                          .windows = windows,

                                          .even_from = even_from(sessions, plan.work.length())},
                                         threads);
  result.arrivals = plan.scenarios.front().arrivals;
  // How many requests are due follows from the answers: what was asked for are sessions.
  result.offered_rps = static_cast<double>(result.offered_requests) / std::max(1e-9, in_seconds(result.duration));
  result.sessions = sessions;
  set_shares(plan, result.routes);
  judge_session_arrivals(result);
  return result;
}

session_engine::session_engine(session_plan plan)
    : plan_(std::move(plan)),
      series_(plan_.work.keep_seconds ? plan_.work.length() : duration::zero(), 1, plan_.work.kept_seconds),
      windows_(plan_.work) {}

std::expected<model::load_result, std::string> session_engine::run() {
  second_series* const kept = plan_.work.keep_seconds ? &series_ : nullptr;
  const lone_target to{.host = plan_.work.host, .port = plan_.work.port, .io = plan_.work.io, .spin = plan_.work.spin};
  const auto conclude = [this, kept](session_generator& load, const lone_outcome& ran) {
    std::vector<thread_outcome> threads;
    const std::uint64_t due = load.due();
    const instant ended = load.ended();
    threads.push_back({.measured = load.take_measured(),
                       .sending = load.cost(),
                       .cpu = ran.cpu,
                       .due = due,
                       .ended = ended,
                       .backend = ran.backend});
    return session_result_of(plan_, load.sessions(), threads, kept, ran.start, ran.interrupted, &windows_);
  };
  return run_.run(to, plan_, conclude, kept, &windows_);
}

// How long the next session has been due; each that has a place is taken at once.
duration session_engine::behind() const {
  const std::optional<instant> start = run_.start();
  const instant next_due{duration(run_.live().next_due_ns.load(std::memory_order_relaxed))};
  if (!start || next_due < *start || next_due >= *start + plan_.work.length()) return {};
  return std::max(duration::zero(), detail::monotonic_now() - next_due);
}

live_view session_engine::look() const {
  const live_counters& live = run_.live();
  live_view view{.elapsed = run_.elapsed(),
                 .offered = live.offered.load(std::memory_order_relaxed),
                 .behind = behind(),
                 .answers = live.answers.load(std::memory_order_relaxed),
                 .errors = live.errors.load(std::memory_order_relaxed),
                 .cpu = {cpu_of(live)},
                 .last = series_.last()};
  view.due = static_cast<double>(view.offered);
  return view;
}

std::optional<model::live_second> session_engine::second(std::size_t index) const {
  return told_second(series_, index, plan_.work.length());
}

bool session_engine::is_gone(std::size_t index) const { return series_.is_gone(index); }

}  // namespace assay::load
