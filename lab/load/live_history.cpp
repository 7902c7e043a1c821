#include "lab/load/live_history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lab/load/second_series.hpp"
#include "lab/load/span.hpp"

namespace assay::load {
namespace {

// More of a second's sends late than that, and their p99 is: what the verdict asks of the whole run.
constexpr double late_share = 0.01;

std::string title_of(const load_plan& plan) {
  const load_options& options = plan.options;
  if (options.routes.size() > 1) return fmt::format("{} requests to {}", options.routes.size(), options.url);
  return fmt::format("{} {}", options.method, options.url);
}

std::string shape_of(const load_plan& plan) {
  const load_options& options = plan.options;
  std::string text = options.rate_per_s ? "open model, " : "closed model, ";
  if (options.stages.size() > 1) {
    text += fmt::format("{} stages, ", options.stages.size());
  } else if (options.rate_per_s) {
    text += fmt::format("{:.6g} requests/s, ", *options.rate_per_s);
  }
  if (options.rate_per_s) text += fmt::format("{} arrivals, ", label(options.arrivals));
  return text + fmt::format("{} connections, {} thread{}", options.connections, options.threads,
                            options.threads == 1 ? "" : "s");
}

std::string plural(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string shape_of(const session_plan& plan) {
  const load_options& options = plan.load.options;
  std::string text = "partly-open model, ";
  if (options.stages.size() > 1) {
    text += fmt::format("{} stages, ", options.stages.size());
  } else {
    text += fmt::format("{:.6g} sessions/s, ", *options.rate_per_s);
  }
  const model::arrival_law law = plan.scenarios.front().arrivals;
  const bool all_alike =
      std::ranges::all_of(plan.scenarios, [&](const session_scenario& each) { return each.arrivals == law; });
  if (all_alike) text += fmt::format("{} arrivals, ", label(law));
  return text + fmt::format("up to {} at once", options.connections);
}

// In a broadcast all that is counted are deliveries.
std::string shape_of(const stream_plan& plan) {
  const stream_options& options = plan.options;
  std::string text = "open model, ";
  if (plan.kind == model::stream_kind::broadcast) text += "deliveries of ";
  if (options.stages.size() > 1) {
    text += fmt::format("{} stages, ", options.stages.size());
  } else {
    text += fmt::format("{:.6g} messages/s, ", *options.rate_per_s);
  }
  return text + fmt::format("{} arrivals, {}", label(options.arrivals), plural(options.connections, "connection"));
}

}  // namespace

model::load_screen head_of(const stream_plan& plan) {
  return {.target = fmt::format("{} {}", label(plan.kind), plan.options.url),
          .shape = shape_of(plan),
          .open = true,
          .length_s = in_seconds(plan.options.length),
          .connections = plan.options.connections};
}

model::load_screen head_of(const session_plan& plan) {
  return {.target = fmt::format("{}, {} to {}", plural(plan.scenarios.size(), "scenario"),
                                plural(plan.work.requests.size(), "request"), plan.load.options.url),
          .shape = shape_of(plan),
          .open = true,
          .spins = plan.load.options.spin,
          .length_s = in_seconds(plan.load.options.length)};
}

model::load_screen head_of(const load_plan& plan) {
  return {.target = title_of(plan),
          .shape = shape_of(plan),
          .open = plan.options.rate_per_s.has_value(),
          .spins = plan.options.spin,
          .length_s = in_seconds(plan.options.length)};
}

void live_history::take_rates(const live_view& now) {
  const double elapsed_s = in_seconds(now.elapsed);
  const double since_s = elapsed_s - screen_.elapsed_s;
  if (since_s > 0) {
    screen_.due_per_s = (now.due - screen_.due) / since_s;
    screen_.answers_per_s = static_cast<double>(now.answers - screen_.answers) / since_s;
    screen_.errors_per_s = static_cast<double>(now.errors - screen_.errors) / since_s;
  }
  screen_.elapsed_s = elapsed_s;
  screen_.due = now.due;
  screen_.answers = now.answers;
  screen_.errors = now.errors;
  screen_.behind_s = in_seconds(now.behind);
  screen_.open_connections = now.open_connections.value_or(0);
}

// True when it has ended, and is accounted for.
bool live_history::take(const second_source& second, std::size_t index) {
  std::optional<model::live_second> told = second(index);
  if (!told) return false;
  for (const auto& [kind, count] : told->errors) screen_.errors_by_kind[kind] += count;
  latest_late_share_ = told->own_late_share;
  screen_.own_lag_max_ms = std::max(screen_.own_lag_max_ms, told->own_lag_max_ms);
  if (index >= screen_.first_second) screen_.seconds[index - screen_.first_second] = std::move(told);
  return true;
}

void live_history::take_seconds(const second_source& second, std::size_t begun) {
  for (std::size_t next = screen_.first_second + screen_.seconds.size(); next < begun; ++next) {
    screen_.seconds.emplace_back();
    under_way_.push_back(next);
  }
  if (screen_.seconds.size() > model::most_screen_seconds) {
    const std::size_t gone = screen_.seconds.size() - model::most_screen_seconds;
    screen_.seconds.erase(screen_.seconds.begin(), screen_.seconds.begin() + static_cast<std::ptrdiff_t>(gone));
    screen_.first_second += gone;
  }
  // One that has hung for so long is not kept any more.
  std::erase_if(under_way_, [&](std::size_t index) { return take(second, index) || index + latest_seconds < begun; });
}

void live_history::judge() {
  screen_.cpu_share = cpu_.share();
  if (!screen_.spins && screen_.cpu_share && *screen_.cpu_share > bounds_.cpu_share) {
    screen_.health = "OUT OF CPU";
  } else if (screen_.open && latest_late_share_ > late_share) {
    screen_.health = "LATE";
  } else {
    screen_.health = "in time";
  }
}

void live_history::look(const live_view& now, const second_source& second, std::size_t seconds) {
  take_rates(now);
  cpu_.look(now);
  if (now.elapsed > duration::zero()) {
    take_seconds(second, std::min(seconds, static_cast<std::size_t>(screen_.elapsed_s) + 1));
  }
  judge();
}

}  // namespace assay::load
