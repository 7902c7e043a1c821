#include "lab/decide/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace assay::decide {
namespace {

using model::finding;

std::string blocked(const model::candidate_summary& of, const model::blocking_site& site) {
  return fmt::format("{}{}{} blocks its event loop, {} times in {} runs, {} ms at the longest", code(site.call),
                     site.peer.empty() ? "" : " on " + code(site.peer),
                     site.place.empty() ? "" : " at " + code(site.place), site.count, of.complete,
                     figure(site.longest_ms));
}

std::string why_ruled_out(const model::comparison& judged, const model::candidate_summary& of,
                          evidence_table& evidence) {
  if (of.freezes) {
    const auto* site = of.worst_site(judged.stall_threshold_ms);
    if (site != nullptr) {
      return fmt::format("it freezes: {} ({})", blocked(of, *site), evidence.cite_freeze(of, *site));
    }
  }
  if (of.failed > 0) {
    return fmt::format("{} of its {} runs failed ({})", of.failed, of.complete + of.failed + of.invalid,
                       evidence.cite_runs(of));
  }
  return {};
}

const char* word_of(const std::string& metric) {
  if (metric == "response_p50_ms") return "its median response time";
  if (metric == "goodput_rps") return "its goodput";
  if (metric == "cpu_ms_per_request") return "its CPU time per request";
  if (metric == "rss_mib") return "its memory";
  return "its other metric";
}

// The other verdicts, a bullet a metric.
void add_secondary(std::string& to, const model::comparison& judged, const std::string& candidate, finding wanted,
                   const char* side, evidence_table& evidence) {
  for (const char* metric : {"response_p50_ms", "goodput_rps", "cpu_ms_per_request", "rss_mib"}) {
    std::vector<std::string> phases;
    for (const std::string& phase : judged.phases()) {
      const auto* of = judged.find_comparison(candidate, phase, metric);
      if (of == nullptr || of->verdict != wanted || !of->ratio) continue;
      phases.push_back(fmt::format("{} {}x ({})", escaped(phase), with_interval(*of->ratio), evidence.cite(*of)));
    }
    if (!phases.empty())
      to += fmt::format("- {}, because {} is {}: {}\n", side, word_of(metric), label(wanted), joined(phases));
  }
}

void add_primary(std::string& to, const char* side, const char* what, const std::vector<std::string>& phases) {
  if (!phases.empty()) to += fmt::format("- {}, because its response time {}: {}\n", side, what, joined(phases));
}

// What is given without a comparison: recovery and lag.
void add_measured(std::string& to, const model::comparison& judged, const std::string& candidate,
                  evidence_table& evidence) {
  std::vector<std::string> parts;
  const auto add = [&](const std::string& phase, const char* metric, const char* word, const char* unit) {
    const auto* of = judged.find_metric(candidate, phase, metric);
    if (of == nullptr || !of->over_runs) return;
    parts.push_back(fmt::format("{} {} {} ({})", word, with_interval(*of->over_runs), unit, evidence.cite(*of)));
  };
  const auto phases = judged.phases();
  if (!phases.empty()) {
    add(phases.front(), "lag_p99_ms", "loop lag p99", "ms");
    add(phases.front(), "cpu_ms_per_request", "CPU per request", "ms");
  }
  add("", "recovery_s", "recovery after the fault", "s");
  if (!parts.empty()) to += fmt::format("- Neutral, measured: {}\n", joined(parts));
}

// A run that did not come back has no recovery time to be averaged, and is worse than any that has.
void add_no_recovery(std::string& to, const model::comparison& judged, const model::candidate_summary& candidate,
                     evidence_table& evidence) {
  const auto* recovery = judged.find_metric(candidate.name, "", "recovery_s");
  if (recovery == nullptr || recovery->runs.size() >= candidate.complete) return;
  to += fmt::format("- Bad, because it did not come back after the fault while it was watched, in {} of {} runs ({})\n",
                    candidate.complete - recovery->runs.size(), candidate.complete,
                    evidence.cite_recovery(candidate, recovery->runs.size()));
}

// The doctor's verdict. What the host did to it is no fault of its own.
void add_diagnosis(std::string& to, const model::candidate_summary& of, evidence_table& evidence) {
  const model::candidate_diagnosis& made = of.diagnosis;
  if (made.findings.empty()) {
    to += fmt::format("- Neutral, because its diagnosis is {}: {} ({})\n", in_words(made.verdict), escaped(made.text),
                      evidence.cite_diagnosis(of));
    return;
  }
  for (const model::shared_cause& each : made.findings) {
    const bool of_host = each.what.kind == model::cause::waiting_for_cpu;
    to += fmt::format("- {}, because its diagnosis is {}, in {} of {} runs: {} ({}). {}\n", of_host ? "Neutral" : "Bad",
                      in_words(each.what.kind), each.runs, made.judged, escaped(each.what.text),
                      evidence.cite_cause(of, each), escaped(each.what.next));
  }
}

}  // namespace

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& each : parts) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::vector<option> options_of(const model::comparison& judged, evidence_table& evidence) {
  std::vector<option> options;
  for (const model::candidate_summary& each : judged.candidates) {
    option& made = options.emplace_back();
    made.candidate = &each;
    made.is_reference = each.name == judged.reference;
    made.measured = each.complete > 0;
    made.ruled_out = why_ruled_out(judged, each, evidence);
    for (const std::string& phase : judged.phases()) {
      const auto* primary = judged.find_primary(each.name, phase);
      if (primary == nullptr) continue;
      const std::string said =
          fmt::format("{} {}({})", escaped(phase),
                      primary->ratio ? with_interval(*primary->ratio) + "x " : std::string(), evidence.cite(*primary));
      switch (primary->verdict) {
        case finding::better:
          made.better.push_back(said);
          break;
        case finding::worse:
          made.worse.push_back(said);
          break;
        case finding::equivalent:
          made.equivalent.push_back(said);
          break;
        case finding::inconclusive:
        case finding::not_estimable:
          made.inconclusive.push_back(said);
          made.more_runs.push_back(fmt::format("{}: {}", escaped(phase), escaped(primary->why)));
          break;
      }
    }
  }
  return options;
}

std::string pros_and_cons(const model::comparison& judged, const model::plan& plan, const option& of,
                          evidence_table& evidence) {
  const std::string& name = of.candidate->name;
  std::string text;
  if (!of.measured) {
    return fmt::format("- Bad, because no run of it was complete ({})\n", evidence.cite_runs(*of.candidate));
  }
  if (of.is_reference) {
    std::vector<std::string> parts;
    for (const std::string& phase : judged.phases()) {
      for (const char* metric : {"response_p99_ms", "response_p90_ms"}) {
        const auto* summary = judged.find_metric(name, phase, metric);
        if (summary == nullptr || !summary->over_runs) continue;
        parts.push_back(fmt::format("{} {} {} ms ({})", escaped(phase), code(metric),
                                    with_interval(*summary->over_runs), evidence.cite(*summary)));
        break;
      }
    }
    text += fmt::format("- Neutral, because it is the reference: {}\n", joined(parts));
  }
  add_primary(text, "Good", "is better", of.better);
  add_secondary(text, judged, name, finding::better, "Good", evidence);
  add_primary(text, "Neutral", "is equivalent to the reference's", of.equivalent);
  add_primary(text, "Neutral", "is inconclusive", of.inconclusive);
  add_measured(text, judged, name, evidence);
  add_primary(text, "Bad", "is worse", of.worse);
  add_secondary(text, judged, name, finding::worse, "Bad", evidence);
  if (std::ranges::count(plan.phases, model::phase_kind::fault, &model::phase::kind) > 0) {
    add_no_recovery(text, judged, *of.candidate, evidence);
  }
  add_diagnosis(text, *of.candidate, evidence);
  if (!of.ruled_out.empty()) text += fmt::format("- Bad, because {}\n", of.ruled_out);
  if (of.candidate->invalid > 0) {
    text +=
        fmt::format("- Neutral, because {} run{} could not be used, through no fault of it ({})\n",
                    of.candidate->invalid, of.candidate->invalid == 1 ? "" : "s", evidence.cite_runs(*of.candidate));
  }
  return text;
}

}  // namespace assay::decide
