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

std::string phrase(const campaign_report& report, const model::metric_comparison& one) {
  return fmt::format("<li><span class=\"{}\">{}</span>: {} in {} against {} ({})</li>", tone(one.verdict),
                     model::label(one.verdict), title_of(report, one.candidate), escape(one.phase),
                     title_of(report, one.reference), escape(one.why));
}

}  // namespace

std::string verdict_section(const campaign_report& report) {
  std::string section = fmt::format(
      "<h1>{}</h1><p class=\"muted\">{} trials, seed {}, {:.0f} % intervals over trials. "
      "Reference: {}.</p><div class=\"verdict\"><ul>",
      escape(report.plan.name), report.trials.size(), report.plan.seed, report.compared.confidence * 100,
      title_of(report, report.compared.reference));
  for (const model::candidate_summary& each : report.compared.candidates) {
    if (!each.freezes || each.blocking.empty()) continue;
    const model::blocking_site& worst = each.blocking.front();
    section += fmt::format(
        "<li><span class=\"worse\">freezes</span>: {}. Its event loop was blocked {} times for {} in "
        "all, {} at the longest, by {}.</li>",
        title_of(report, each.name), worst.count, milliseconds(worst.total_ms), milliseconds(worst.longest_ms),
        place_of(worst));
  }
  for (const model::metric_comparison& each : report.compared.comparisons) {
    const bool decided = each.verdict == model::finding::better || each.verdict == model::finding::worse;
    if (each.primary && decided) section += phrase(report, each);
  }
  const auto open = std::ranges::count_if(report.compared.comparisons, [](const model::metric_comparison& one) {
    return one.primary && (one.verdict == model::finding::inconclusive || one.verdict == model::finding::not_estimable);
  });
  if (open > 0) {
    section += fmt::format(
        "<li><span class=\"open\">inconclusive</span>: {} of the primary comparisons; the table says "
        "which, and how many more runs would tell.</li>",
        open);
  }
  for (const std::string& each : report.compared.anomalies) section += fmt::format("<li>{}</li>", escape(each));
  return section + "</ul></div>";
}

std::string comparison_section(const campaign_report& report) {
  std::string section = fmt::format(
      "<h2>Verdicts</h2><div class=\"scroll\"><table><caption>Ratio to {}, with its interval. One primary metric a "
      "phase, "
      "declared before the data were seen; their p-values are adjusted together (Holm).</caption><thead><tr>"
      "<th class=\"text\">candidate</th><th class=\"text\">phase</th><th class=\"text\">metric</th><th>ratio</th>"
      "<th>adjusted p</th><th class=\"text\">verdict</th></tr></thead><tbody>",
      title_of(report, report.compared.reference));
  for (const model::metric_comparison& each : report.compared.comparisons) {
    if (!each.primary) continue;
    section += fmt::format(
        "<tr><td>{}</td><td class=\"text\">{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td>"
        "<td class=\"text\"><span class=\"{}\">{}</span><small>{}</small></td></tr>",
        title_of(report, each.candidate), escape(each.phase), escape(each.metric),
        with_interval(each.ratio, "", each.why), each.p_value ? number(*each.p_value) : "–", tone(each.verdict),
        model::label(each.verdict), escape(each.why));
  }
  return section + "</tbody></table></div>";
}

std::string blocking_section(const campaign_report& report) {
  std::string section = fmt::format(
      "<h2>What blocked the event loop</h2><p class=\"muted\">Calls of at least {} ms on a thread that runs an event "
      "loop. While one lasts, nothing else of that loop is served.</p>",
      number(report.plan.stall_threshold_ms));
  for (const model::candidate_summary& each : report.compared.candidates) {
    if (each.blocking.empty()) {
      const model::candidate* const planned = report.plan.find_candidate(each.name);
      const bool looked = planned == nullptr || planned->url.empty();
      section += fmt::format("<p>{}: {}.</p>", title_of(report, each.name),
                             looked ? "none seen" : "not looked for, it was not started by assay");
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
    for (const std::string& metric : metrics) section += fmt::format("<th>{}</th>", escape(metric));
    section += "</tr></thead><tbody>";
    for (const model::candidate_summary& candidate : report.compared.candidates) {
      section += fmt::format("<tr><td>{}</td>", title_of(report, candidate.name));
      for (const std::string& metric : metrics) {
        const auto found = std::ranges::find_if(report.compared.metrics, [&](const model::metric_summary& one) {
          return one.candidate == candidate.name && one.phase == phase && one.metric == metric;
        });
        section += "<td>" +
                   (found == report.compared.metrics.end() ? std::string("–")
                                                           : with_interval(found->over_runs, "", found->why_not)) +
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
  for (const model::trial& each : report.trials) {
    std::string reasons;
    for (const std::string& reason : each.reasons) reasons += "<small>" + escape(reason) + "</small>";
    const std::string writes = each.writes.done
                                   ? fmt::format("{} acknowledged, {} stored{}", each.writes.acknowledged,
                                                 each.writes.stored, each.writes.agrees() ? "" : ": they differ")
                                   : std::string("not reconciled");
    section += fmt::format(
        "<tr><td>{}</td><td class=\"text\">{}</td><td>{}</td><td class=\"text\">{}{}</td><td>{} s</td>"
        "<td>{}</td><td class=\"text\">{}</td></tr>",
        each.order, title_of(report, each.candidate), each.repeat, model::label(each.state), reasons,
        number(each.start_up_s), each.recovery_s ? number(*each.recovery_s) + " s" : "not seen", writes);
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
