#include "lab/decide/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "lab/decide/evidence.hpp"
#include "lab/decide/options.hpp"

namespace assay::decide {
namespace {

double seconds(std::chrono::nanoseconds of) { return std::chrono::duration<double>(of).count(); }

double busiest_rate(const model::plan& plan) {
  double most = 0;
  for (const model::phase& each : plan.phases) most = std::max(most, each.rate_per_s);
  return most;
}

bool any_inconclusive(const std::vector<option>& options) {
  return std::ranges::any_of(options, [](const option& each) { return !each.inconclusive.empty(); });
}

std::vector<std::string> revisit_when(const model::plan& plan, const std::vector<option>& options) {
  std::vector<std::string> triggers;
  triggers.push_back(fmt::format("the load in production passes {} requests/s, the most that was offered here",
                                 figure(busiest_rate(plan))));
  triggers.emplace_back("the route mix of the access log leaves the plan's");
  triggers.emplace_back("a candidate, its runtime or a client library changes its major version");
  if (any_inconclusive(options)) triggers.emplace_back("more runs are there: some comparisons are inconclusive");
  return triggers;
}

std::string front_matter(const model::comparison& judged, const model::plan& plan, const std::vector<option>& options) {
  const model::provenance& source = judged.source;
  std::string text = "---\nstatus: proposed\n";
  text += fmt::format("date: {}\n", in_quotes(source.created.substr(0, source.created.find('T'))));
  text +=
      fmt::format("experiment_id: {}\nplan: {}\nplan_sha256: {}\nresults_sha256: {}\n", in_quotes(source.experiment_id),
                  in_quotes(judged.plan_name), in_quotes(source.plan_sha256), in_quotes(source.results_sha256));
  text += fmt::format("tool_version: {}\nseed: {}\nrepeats: {}\nconfidence: {}\nrevisit_when:\n",
                      in_quotes(source.tool_version), source.seed, source.repeats, judged.confidence);
  for (const std::string& each : revisit_when(plan, options)) text += fmt::format("  - {}\n", in_quotes(each));
  return text + "---\n";
}

std::string context(const model::comparison& judged, const model::plan& plan) {
  std::string text = fmt::format(
      "\n## Context and Problem Statement\n\n{} web stacks were run under the workload of plan {}: {} routes, fresh "
      "processes, {} runs each, in random order. Which of them hold up, and which do not?\n\n",
      judged.candidates.size(), code(judged.plan_name), plan.workload.size(), plan.repeats);
  text += "| Phase | Requests/s | Length | Full process |\n|---|---|---|---|\n";
  for (const model::phase& each : plan.phases) {
    const bool full = each.full_length.count() > 0;
    text += fmt::format(
        "| {} ({}) | {} | {} s | {} |\n", escaped(each.name), label(each.kind), figure(each.rate_per_s),
        figure(seconds(each.length)),
        full ? fmt::format("{} requests/s, {} s", figure(each.full_rate_per_s), figure(seconds(each.full_length)))
             : "the same");
  }
  return text;
}

std::string drivers(const model::comparison& judged) {
  std::string text = "\n## Decision Drivers\n\n";
  text += "- No freezing: nothing may block an event loop (knock-out)\n";
  text += "- No failed run, no acknowledged write lost (knock-out)\n";
  std::vector<std::string> phases;
  for (const std::string& phase : judged.phases()) {
    for (const auto& each : judged.comparisons) {
      if (!each.primary || each.phase != phase) continue;
      phases.push_back(fmt::format("{} {}", escaped(phase), code(each.metric)));
      break;
    }
  }
  text += fmt::format("- Response time, declared before the runs: {}\n", phases.empty() ? "none" : joined(phases));
  return text + "- CPU time and memory per request, recovery after a fault\n";
}

std::string against_reference(const option& of, const std::string& reference) {
  std::vector<std::string> parts;
  const auto add = [&](const char* word, const std::vector<std::string>& phases) {
    if (!phases.empty()) parts.push_back(fmt::format("{} in {}", word, joined(phases)));
  };
  add("worse", of.worse);
  add("better", of.better);
  add("equivalent", of.equivalent);
  add("the evidence is inconclusive", of.inconclusive);
  std::string text;
  for (const std::string& each : parts) text += (text.empty() ? "" : "; ") + each;
  return fmt::format("- {} against {}: {}.\n", named(*of.candidate), reference,
                     text.empty() ? "no phase could be compared" : text);
}

std::string outcome(const model::comparison& judged, const std::vector<option>& options) {
  std::string text = "\n## Decision Outcome\n\n";
  std::vector<const option*> left;
  for (const option& each : options) {
    if (!each.ruled_out.empty()) {
      text += fmt::format("- **{} must not be chosen**: {}.\n", named(*each.candidate), each.ruled_out);
    } else if (!each.measured) {
      text +=
          fmt::format("- {} was not measured: no run of it was complete. Nothing is known.\n", named(*each.candidate));
    } else {
      left.push_back(&each);
    }
  }
  const auto* base = judged.find_candidate(judged.reference);
  const std::string reference = base == nullptr ? escaped(judged.reference) : named(*base);
  std::vector<std::string> names;
  std::vector<std::string> others;
  for (const option* each : left) {
    names.push_back(named(*each->candidate));
    if (each->is_reference) continue;
    others.push_back(named(*each->candidate));
    text += against_reference(*each, reference);
  }
  text += names.empty() ? "\nNo option is left.\n"
                        : fmt::format("\nThe evidence leaves {} option{}: {}.", names.size(),
                                      names.size() == 1 ? "" : "s", joined(names));
  if (names.size() > 1) {
    text += " What it does not tell apart is decided by what was not measured: skills, operations, cost of change.";
  }
  if (others.size() > 1) {
    text += fmt::format(" {} were each compared with {}, not with one another.", joined(others), reference);
  }
  return text + "\n";
}

std::string consequences(const model::comparison& judged, evidence_table& evidence) {
  std::string text;
  for (const auto& each : judged.candidates) {
    const auto* site = each.worst_site(judged.stall_threshold_ms);
    if (!each.freezes || site == nullptr) continue;
    const std::string cause = site->peer.empty() ? code(site->call) : code(site->peer);
    text += fmt::format("- Bad, because with {} one slow {} holds up every request of the event loop ({})\n",
                        named(each), cause, evidence.cite_freeze(each, *site));
    text += fmt::format("- Good, because the call is known: without it {} can be measured again\n", named(each));
  }
  return text.empty() ? text : "\n### Consequences\n\n" + text;
}

std::string more_information(const model::comparison& judged, const model::plan& plan,
                             const std::vector<option>& options, const evidence_table& evidence) {
  std::string text = "\n## More Information\n\n### Evidence\n\n" + evidence.markdown();
  text +=
      "\nRatios are candidate / reference. Primary verdicts are bold: one family under Holm's correction, 5 %; the "
      "others are a second family, 1 %.\n";
  text += "\n### Threats to validity\n\n";
  text += fmt::format("- {} runs of each candidate, on one host{}; generator, dependencies and candidate share it.\n",
                      plan.repeats,
                      judged.source.host.contains("cpu") ? " (" + escaped(judged.source.host.at("cpu")) + ")" : "");
  const bool shortened =
      std::ranges::any_of(plan.phases, [](const model::phase& each) { return each.full_length > each.length; });
  if (shortened) text += "- Phases are shorter than in the full process: slow growth and rare events do not show.\n";
  text += "- Requests are drawn from a plan, not replayed; each candidate is as well tuned as its authors made it.\n";
  constexpr std::size_t most_anomalies = 10;
  for (std::size_t i = 0; i < std::min(most_anomalies, judged.anomalies.size()); ++i) {
    text += fmt::format("- {}\n", escaped(judged.anomalies[i]));
  }
  if (judged.anomalies.size() > most_anomalies) {
    text += fmt::format("- and {} more, in the report\n", judged.anomalies.size() - most_anomalies);
  }
  text += "\n### What would change it\n\n";
  for (const option& each : options) {
    if (each.candidate->freezes) {
      text += fmt::format("- {} without its blocking call, measured again\n", named(*each.candidate));
    }
    for (const std::string& why : each.more_runs) text += fmt::format("- {}, {}\n", named(*each.candidate), why);
  }
  for (const std::string& each : revisit_when(plan, options)) text += fmt::format("- {}\n", each);
  return text;
}

}  // namespace

std::string decision_record(const model::comparison& judged, const model::plan& plan) {
  evidence_table evidence;
  const std::vector<option> options = options_of(judged, evidence);
  std::string text = front_matter(judged, plan, options);
  text += fmt::format("\n# Web stack for {}\n", escaped(judged.plan_name));
  text += context(judged, plan);
  text += drivers(judged);
  text += "\n## Considered Options\n\n";
  for (const option& each : options) {
    text += fmt::format("- {}{}\n", named(*each.candidate), each.is_reference ? ", the reference" : "");
  }
  text += outcome(judged, options);
  text += consequences(judged, evidence);
  text += "\n## Pros and Cons of the Options\n";
  for (const option& each : options) {
    text += fmt::format("\n### {}\n\n{}", named(*each.candidate), pros_and_cons(judged, plan, each, evidence));
  }
  text += more_information(judged, plan, options, evidence);
  return text;
}

}  // namespace assay::decide
