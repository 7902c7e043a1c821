#include <fmt/format.h>

#include "lab/report/campaign_sections.hpp"
#include "lab/report/html.hpp"

namespace assay::report {
namespace {

using model::cause;

// The host's fault is no defect of the candidate, and what was not seen is none either.
std::string_view tone(cause verdict) {
  switch (verdict) {
    case cause::healthy:
      return "better";
    case cause::not_enough_data:
    case cause::waiting_for_cpu:
      return "open";
    default:
      return "worse";
  }
}

std::string seen_cell(const model::candidate_diagnosis& of) {
  std::string cell = escape(of.text);
  if (of.findings.size() > 1) {
    for (const model::shared_cause& each : of.findings) {
      cell += fmt::format("<small>{}: {}; in {} of {} runs</small>", in_words(each.what.kind), escape(each.what.text),
                          each.runs, of.judged);
    }
  }
  for (const std::string& each : of.remarks) cell += fmt::format("<small>{}</small>", escape(each));
  return cell;
}

std::string next_cell(const model::candidate_diagnosis& of) {
  std::string cell;
  for (const model::shared_cause& each : of.findings) {
    cell += (cell.empty() ? "" : "<br>") + escape(each.what.next);
  }
  return cell.empty() ? "–" : cell;
}

}  // namespace

std::string diagnosis_section(const campaign_report& report) {
  std::string section =
      "<h2>Diagnosis</h2><p class=\"muted\">One verdict on each candidate over its runs, and what to do next. Judged "
      "under steady load: a burst is there to saturate, a fault to make requests wait. Calls that block an event loop "
      "count in every phase. <em>Healthy</em> says that nothing of what is looked for was seen, not that it is fast "
      "enough.</p><div class=\"scroll\"><table><thead><tr><th class=\"text\">candidate</th>"
      "<th class=\"text\">verdict</th><th class=\"text\">what was seen</th><th class=\"text\">what to do next</th>"
      "</tr></thead><tbody>";
  for (const model::candidate_summary& each : report.compared.candidates) {
    const model::candidate_diagnosis& of = each.diagnosis;
    section += fmt::format(
        "<tr><td>{}{}</td><td class=\"text\"><span class=\"{}\">{}</span><small>{}</small></td>"
        "<td class=\"text\">{}</td><td class=\"text\">{}</td></tr>",
        escape(each.title), each.ours ? " <small>(ours)</small>" : "", tone(of.verdict), in_words(of.verdict),
        escape(of.phase), seen_cell(of), next_cell(of));
  }
  return section + "</tbody></table></div>";
}

}  // namespace assay::report
