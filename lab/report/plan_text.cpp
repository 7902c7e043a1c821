#include "lab/report/plan_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lab/model/duration.hpp"

namespace assay::report {
namespace {

using model::duration_text;

// "9m20s": nobody reads 560 seconds.
std::string readable(std::chrono::nanoseconds length) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(length).count();
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

// "20000", never "2e+04".
std::string rate(double per_s) {
  return per_s >= 999.5 ? fmt::format("{:.0f}/s", per_s) : fmt::format("{:.4g}/s", per_s);
}

std::string faults_of(const model::phase& phase) {
  std::vector<std::string> each;
  for (const model::fault& fault : phase.faults) {
    each.push_back(fault.kind == model::fault_kind::latency
                       ? fmt::format("{} of {}: median {}, sigma {}", label(fault.kind), fault.dependency,
                                     duration_text(fault.latency_median), fault.latency_sigma)
                       : fmt::format("{} of {}", label(fault.kind), fault.dependency));
  }
  return fmt::to_string(fmt::join(each, "; "));
}

std::string course_text(const model::phase_course& of) {
  std::vector<std::string> said;
  if (of.parts > 0) {
    said.push_back(
        fmt::format("{} to {} in {} parts one after the other", rate(of.least_per_s), rate(of.most_per_s), of.parts));
  }
  std::vector<std::string> scales;
  for (const auto& [scale, value] : of.dispersion) scales.push_back(fmt::format("{:.3g} at {} s", value, scale));
  if (!scales.empty()) {
    said.push_back(
        fmt::format("bursts: the counts vary {} times as much as Poisson arrivals", fmt::join(scales, ", ")));
  }
  if (of.too_short) said.emplace_back("bursts, of which so short a phase shows few");
  return fmt::format("    {}\n", fmt::join(said, "; "));
}

void add_phases(std::string& text, const model::plan& plan, const model::forecast& forecast) {
  text +=
      fmt::format("\n  {:<21}{:<10}{:>10}{:>9}{:>11}   full length\n", "phase", "kind", "rate", "length", "requests");
  for (const model::phase& each : plan.phases) {
    const double requests = each.rate_per_s * std::chrono::duration<double>(each.length).count();
    text += fmt::format("  {:<21}{:<10}{:>10}{:>9}{:>11.0f}   {} for {}\n", each.name, label(each.kind),
                        rate(each.rate_per_s), duration_text(each.length), requests, rate(each.full_rate_per_s),
                        duration_text(each.full_length));
    const auto course = std::ranges::find(forecast.courses, each.name, &model::phase_course::phase);
    if (course != forecast.courses.end()) text += course_text(*course);
    if (!each.faults.empty()) text += fmt::format("    {}\n", faults_of(each));
  }
}

void add_workload(std::string& text, const model::plan& plan) {
  double total = 0;
  for (const model::bound_route& each : plan.workload) total += each.weight;
  text += "\n  share    route\n";
  for (const model::bound_route& each : plan.workload) {
    text += fmt::format("  {:>5.1f} %  {}{}\n", 100 * each.weight / total, each.name,
                        each.acknowledged_by.empty() ? "" : "  (acknowledged writes are looked up afterwards)");
  }
}

void add_objectives(std::string& text, const model::plan& plan) {
  const auto list = [&text](std::string_view title, const std::vector<model::objective>& all) {
    if (!all.empty()) text += fmt::format("\n  {}\n", title);
    for (const model::objective& each : all) text += fmt::format("  {}\n", each.text);
  };
  list("objective, of each steady phase", plan.objectives);
  list("proposed from the log, to be confirmed: nobody is judged by it", plan.proposed);
}

void add_background(std::string& text, const model::plan& plan, const model::forecast& forecast) {
  if (plan.background.empty()) return;
  text += "\n  background task, not counted as requests\n";
  for (std::size_t i = 0; i < plan.background.size() && i < forecast.background_times.size(); ++i) {
    const model::background_task& each = plan.background[i];
    const std::uint64_t times = forecast.background_times[i];
    text += fmt::format(
        "  {:<20}every {}, {}: {}{}\n", each.name, duration_text(each.every),
        times == 0 ? "never in so short a trial" : fmt::format("{} time{} a trial", times, times == 1 ? "" : "s"),
        each.command.empty() ? each.method + " " + each.target : fmt::format("{}", fmt::join(each.command, " ")),
        each.phases.empty() ? "" : fmt::format(", in {}", fmt::join(each.phases, ", ")));
  }
}

void add_differences(std::string& text, const model::plan& plan, const model::forecast& forecast) {
  text += "\nWhat the repeats can tell apart (95 % intervals around a ratio of two candidates):\n";
  if (forecast.differences.empty()) {
    text += plan.repeats < 2 ? "  nothing: one run of each says nothing about the spread between runs\n"
                             : "  nothing: there is nothing to compare\n";
    return;
  }
  for (const model::detectable_difference& each : forecast.differences) {
    text += fmt::format("  if runs spread by {:.0f} %: +-{:.0f} % for one comparison, +-{:.0f} % for all {} together\n",
                        100 * each.assumed_log_sd, 100 * each.alone, 100 * each.family, forecast.comparisons);
    text +=
        fmt::format("    a p99 that is {:.0f} % longer is found four times of five, {:.0f} % beside all the others\n",
                    100 * each.found_alone, 100 * each.found_family);
  }
  text += fmt::format("  Differences below {:.0f} % do not matter and are not looked for.\n", 100 * forecast.margin);
  text += "  The spread is assumed (standard deviation of the logarithm); the campaign measures its own.\n";
}

}  // namespace

std::string plan_text(const model::plan& plan, const model::forecast& forecast) {
  std::string text = fmt::format("{}: {} candidates x {} repeats = {} trials, about {}, {:.0f} requests\n", plan.name,
                                 plan.candidates.size(), plan.repeats, forecast.trials,
                                 readable(forecast.campaign_length), forecast.campaign_requests);
  text += fmt::format("a trial: {} of load, {} allowed around it, {:.0f} requests, {} arrivals\n",
                      readable(forecast.trial_length), readable(forecast.trial_overhead), forecast.trial_requests,
                      label(plan.arrivals));
  text += "builds of candidates come before and are not counted\n";
  add_phases(text, plan, forecast);
  add_workload(text, plan);
  add_background(text, plan, forecast);
  add_objectives(text, plan);
  text += "\n  candidate\n";
  for (const model::candidate& each : plan.candidates) {
    text += fmt::format("  {:<20}{}{}{}\n", each.name, each.title, each.ours ? " (ours)" : "",
                        each.name == plan.reference ? " (reference)" : "");
  }
  add_differences(text, plan, forecast);
  return text;
}

}  // namespace assay::report
