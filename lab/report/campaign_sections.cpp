#include "lab/report/campaign_sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lab/report/html.hpp"

namespace assay::report {
namespace {

const model::candidate_summary* find_candidate(const campaign_report& report, const std::string& name) {
  const auto found = std::ranges::find(report.compared.candidates, name, &model::candidate_summary::name);
  return found == report.compared.candidates.end() ? nullptr : &*found;
}

std::string title_of(const campaign_report& report, const std::string& name) {
  const model::candidate_summary* const found = find_candidate(report, name);
  if (found == nullptr) return escape(name);
  return escape(found->title) + (found->ours ? " <small>(ours)</small>" : "");
}

std::string place_of(const model::blocking_site& site) {
  return fmt::format("<code>{}</code>{}{}", escape(site.call),
                     site.peer.empty() ? std::string() : " on " + escape(site.peer),
                     site.place.empty() ? std::string() : " at <code>" + escape(site.place) + "</code>");
}

// What rules a candidate out whatever its figures are: said before them.
std::string knock_outs(const campaign_report& report) {
  std::string items;
  for (const model::candidate_summary& each : report.compared.candidates) {
    if (const auto* worst = each.worst_site(report.compared.stall_threshold_ms); each.freezes && worst != nullptr) {
      items += fmt::format(
          "<li><span class=\"worse\">freezes</span>: {}. Its event loop was blocked {} times for {} in "
          "all, {} at the longest, by {}.</li>",
          title_of(report, each.name), worst->count, milliseconds(worst->total_ms), milliseconds(worst->longest_ms),
          place_of(*worst));
    }
    if (each.failed > 0) {
      items += fmt::format("<li><span class=\"worse\">failed</span>: {}, in {} of {} runs.</li>",
                           title_of(report, each.name), each.failed, each.complete + each.failed + each.invalid);
    }
    if (each.complete == 0) {
      items += fmt::format("<li><span class=\"open\">not measured</span>: {}, no run of it was complete.</li>",
                           title_of(report, each.name));
    }
  }
  return items.empty() ? items : "<ul>" + items + "</ul>";
}

std::string verdict_cell(const campaign_report& report, const std::string& candidate, const std::string& phase) {
  const auto* const primary = report.compared.find_primary(candidate, phase);
  if (primary == nullptr) return "<td class=\"text muted\">too few requests planned</td>";
  std::string cell = fmt::format("<td class=\"text\"><span class=\"{}\">{}</span>", tone(primary->verdict),
                                 model::label(primary->verdict));
  if (primary->ratio) {
    cell += fmt::format("<small>{}× [{}, {}]</small>", number(primary->ratio->value), number(primary->ratio->low),
                        number(primary->ratio->high));
  }
  return cell + "</td>";
}

// "p99", the quantile that is judged in a phase; empty where none is.
std::string judged_quantile(const campaign_report& report, const std::string& phase) {
  for (const model::metric_comparison& each : report.compared.comparisons) {
    if (each.primary && each.phase == phase) return each.metric == "response_p90_ms" ? "p90" : "p99";
  }
  return {};
}

// The answer: every candidate against the reference, in every phase.
std::string verdict_table(const campaign_report& report) {
  const bool any = std::ranges::any_of(report.compared.candidates, [&](const model::candidate_summary& each) {
    return each.name != report.compared.reference;
  });
  if (!any) return "<p>One candidate: there is nothing to compare it with.</p>";
  std::string table = fmt::format(
      "<div class=\"scroll\"><table><caption>Response time as a multiple of {}’s, with its {:.0f} % interval: 0.5× is "
      "half as long. <em>Better</em> and <em>worse</em> are beyond doubt and more than the margin that matters; "
      "<em>equivalent</em> is within it; <em>inconclusive</em>: these runs cannot tell.</caption><thead><tr>"
      "<th class=\"text\">candidate</th>",
      title_of(report, report.compared.reference), report.compared.confidence * 100);
  for (const model::phase& phase : report.plan.phases) {
    if (phase.kind == model::phase_kind::warm_up) continue;
    table += fmt::format("<th class=\"text\">{} <small>{}</small></th>", escape(phase.name),
                         judged_quantile(report, phase.name));
  }
  table += "</tr></thead><tbody>";
  for (const model::candidate_summary& each : report.compared.candidates) {
    if (each.name == report.compared.reference) continue;
    table += fmt::format("<tr><td>{}</td>", title_of(report, each.name));
    for (const model::phase& phase : report.plan.phases) {
      if (phase.kind != model::phase_kind::warm_up) table += verdict_cell(report, each.name, phase.name);
    }
    table += "</tr>";
  }
  return table + "</tbody></table></div>";
}

}  // namespace

std::string verdict_section(const campaign_report& report) {
  std::string section =
      fmt::format("<h1>{}</h1><p class=\"muted\">{} trials, seed {}. Reference: {}.</p>", escape(report.plan.name),
                  report.trials.size(), report.plan.seed, title_of(report, report.compared.reference));
  section += "<div class=\"verdict\">" + knock_outs(report) + verdict_table(report) + "</div>";
  if (report.compared.anomalies.empty()) return section;
  section += "<h2>To know before the numbers</h2><ul>";
  for (const std::string& each : report.compared.anomalies) section += fmt::format("<li>{}</li>", escape(each));
  return section + "</ul>";
}

std::string comparison_section(const campaign_report& report) {
  std::string section = fmt::format(
      "<h2>Verdicts in detail</h2><div class=\"scroll\"><table><caption>Ratio to {}, with its {:.0f} % interval over n "
      "runs; below 1 is faster. One primary metric a phase, declared before the data were seen. Adjusted p: the chance "
      "of so much when the true difference is within the margin, corrected for all of these comparisons "
      "(Holm).</caption><thead><tr>"
      "<th class=\"text\">candidate</th><th class=\"text\">phase</th><th class=\"text\">metric</th><th>ratio</th>"
      "<th>adjusted p</th><th class=\"text\">verdict</th></tr></thead><tbody>",
      title_of(report, report.compared.reference), report.compared.confidence * 100);
  for (const model::metric_comparison& each : report.compared.comparisons) {
    if (!each.primary) continue;
    section += fmt::format(
        "<tr><td>{}</td><td class=\"text\">{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td>"
        "<td class=\"text\"><span class=\"{}\">{}</span><small>{}</small></td></tr>",
        title_of(report, each.candidate), escape(each.phase), escape(form_of(each.metric).title),
        with_interval(each.ratio, "", each.why), each.p_value ? probability(*each.p_value) : "–", tone(each.verdict),
        model::label(each.verdict), escape(each.why));
  }
  return section + "</tbody></table></div>";
}

namespace {

// No blocking call was seen: which says something only where one could have been.
const char* why_none(const campaign_report& report, const model::candidate_summary& of) {
  const model::candidate* const planned = report.plan.find_candidate(of.name);
  if (planned != nullptr && !planned->url.empty()) return "not looked for, it was not started by assay";
  if (of.complete == 0) return "nothing is known, no run of it was complete";
  const bool loop_seen = std::ranges::any_of(report.trials, [&](const model::trial& each) {
    return each.candidate == of.name && std::ranges::any_of(each.lag, [](const model::loop_lag& lag) {
             return lag.quality != model::lag_quality::none;
           });
  });
  return loop_seen ? "none seen" : "nothing is known, no event loop of it was seen";
}

}  // namespace

std::string blocking_section(const campaign_report& report) {
  std::string section = fmt::format(
      "<h2>What blocked the event loop</h2><p class=\"muted\">Calls of at least {} ms on a thread that runs an event "
      "loop, and what filled its stalls instead: computing, or the lack of a CPU. While one lasts, nothing else of "
      "that "
      "loop is served.</p>",
      number(report.plan.stall_threshold_ms));
  for (const model::candidate_summary& each : report.compared.candidates) {
    if (each.blocking.empty()) {
      section += fmt::format("<p>{}: {}.</p>", title_of(report, each.name), why_none(report, each));
      continue;
    }
    section += fmt::format(
        "<h3>{}</h3><div class=\"scroll\"><table><thead><tr><th class=\"text\">call</th><th>times</th>"
        "<th>in all</th><th>longest</th><th class=\"text\">stack of one</th></tr></thead><tbody>",
        title_of(report, each.name));
    for (const model::blocking_site& site : each.blocking) {
      std::string stack;
      for (const std::string& frame : site.stack) stack += escape(frame) + "\n";
      section += fmt::format(
          "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"text\"><code "
          "class=\"stack\">{}</code></td></tr>",
          place_of(site), site.count, milliseconds(site.total_ms), milliseconds(site.longest_ms), stack);
    }
    section += "</tbody></table></div>";
  }
  return section;
}

std::string metrics_section(const campaign_report& report) {
  std::string section = "<h2>Every metric</h2>";
  std::vector<std::string> phases;
  for (const model::metric_summary& each : report.compared.metrics) {
    if (std::ranges::find(phases, each.phase) == phases.end()) phases.push_back(each.phase);
  }
  for (const std::string& phase : phases) {
    std::vector<std::string> metrics;
    for (const model::metric_summary& each : report.compared.metrics) {
      if (each.phase == phase && std::ranges::find(metrics, each.metric) == metrics.end())
        metrics.push_back(each.metric);
    }
    section += fmt::format("<h3>{}</h3><div class=\"scroll\"><table><thead><tr><th class=\"text\">candidate</th>",
                           phase.empty() ? std::string("whole trial") : escape(phase));
    for (const std::string& metric : metrics) section += fmt::format("<th>{}</th>", escape(form_of(metric).heading()));
    section += "</tr></thead><tbody>";
    for (const model::candidate_summary& candidate : report.compared.candidates) {
      section += fmt::format("<tr><td>{}</td>", title_of(report, candidate.name));
      for (const std::string& metric : metrics) {
        const auto found = std::ranges::find_if(report.compared.metrics, [&](const model::metric_summary& one) {
          return one.candidate == candidate.name && one.phase == phase && one.metric == metric;
        });
        section += "<td>" +
                   (found == report.compared.metrics.end()
                        ? std::string("–")
                        : with_interval(form_of(metric).scaled(found->over_runs), "", found->why_not)) +
                   "</td>";
      }
      section += "</tr>";
    }
    section += "</tbody></table></div>";
  }
  return section;
}

std::string trials_section(const campaign_report& report) {
  std::string section =
      "<h2>Trials</h2><div class=\"scroll\"><table><caption>In the order they ran; what was dropped, and why.</caption>"
      "<thead><tr><th>#</th><th class=\"text\">candidate</th><th>repeat</th><th "
      "class=\"text\">state</th><th>start-up</th>"
      "<th>recovery</th><th class=\"text\">writes</th></tr></thead><tbody>";
  const bool had_fault = std::ranges::count(report.plan.phases, model::phase_kind::fault, &model::phase::kind) > 0;
  for (const model::trial& each : report.trials) {
    std::string reasons;
    for (const std::string& reason : each.reasons) reasons += "<small>" + escape(reason) + "</small>";
    const std::string writes = each.writes.done
                                   ? fmt::format("{} acknowledged, {} stored{}", each.writes.acknowledged,
                                                 each.writes.stored, each.writes.agrees() ? "" : ": they differ")
                                   : std::string("not reconciled");
    section += fmt::format(
        "<tr><td>{}</td><td class=\"text\">{}</td><td>{}</td><td class=\"text\">{}{}</td><td>{}</td>"
        "<td>{}</td><td class=\"text\">{}</td></tr>",
        each.order, title_of(report, each.candidate), each.repeat, model::label(each.state), reasons,
        each.start_up_s > 0 ? number(each.start_up_s) + " s" : "ran already",
        each.recovery_s ? number(*each.recovery_s) + " s" : (had_fault ? "not seen" : "no fault"), writes);
  }
  return section + "</tbody></table></div>";
}

std::string fairness_section(const campaign_report& report) {
  std::string section =
      "<h2>Fairness card</h2><p class=\"muted\">What ran, where, and how it was watched.</p>"
      "<div class=\"scroll\"><table><tbody>";
  for (const auto& [name, value] : report.facts) {
    section +=
        fmt::format("<tr><th class=\"text\">{}</th><td class=\"text\">{}</td></tr>", escape(name), escape(value));
  }
  section += "</tbody></table></div>";
  std::set<std::string> shown;
  for (const model::trial& each : report.trials) {
    if (!shown.insert(each.candidate).second) continue;
    section += fmt::format("<h3>{}</h3><div class=\"scroll\"><table><tbody>", title_of(report, each.candidate));
    for (const auto& [name, value] : each.facts) {
      section +=
          fmt::format("<tr><th class=\"text\">{}</th><td class=\"text\">{}</td></tr>", escape(name), escape(value));
    }
    section += "</tbody></table></div>";
  }
  return section;
}

std::string method_section() {
  return "<h2>Method, and how to misread this</h2><p>Every trial is a fresh process; candidates are interleaved in "
         "random "
         "order. The trial is the unit: intervals are over trials, never over pooled requests. Arrivals follow a "
         "schedule "
         "that does not wait for answers, and each response time counts from the instant its request was meant to be "
         "sent, so a stall is charged to every request that met it. Timeouts stand in the distributions with their "
         "lower "
         "bound. Lag is what a request that arrives at a random moment waits until the loop looks for it. "
         "<em>Inconclusive</em> is a result: it says that these trials cannot tell. One machine, one kernel, "
         "dependencies beside the candidate: compare the candidates with each other, and not with another report.</p>";
}

}  // namespace assay::report
