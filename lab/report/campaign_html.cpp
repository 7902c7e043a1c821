#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lab/report/campaign_report.hpp"
#include "lab/report/campaign_sections.hpp"
#include "lab/report/html.hpp"
#include "web/assets.hpp"

namespace assay::report {
namespace {

std::string timelines(const campaign_report& report) {
  std::string section =
      "<h2>Latency over time</h2><p class=\"muted\">Response time of each second, counted from the instant a request "
      "was meant to be sent, on a logarithmic scale that is the same for all. Bold: the median over the trials. "
      "<span class=\"key burst\"></span> burst, <span class=\"key fault\"></span> fault; at the bottom "
      "<span class=\"key stall\"></span> stalls of the event loop, and faults.";
  if (!report.plan.background.empty()) {
    section += " <span class=\"key task\"></span> Background tasks of the plan, which are not counted as requests.";
  }
  section += "</p>";
  for (const model::candidate_summary& each : report.compared.candidates) {
    section += fmt::format(
        "<h3>{}{}</h3><div class=\"chart\" data-timeline=\"{}\"><p class=\"muted\">The chart needs a "
        "script; its numbers are in the tables.</p></div>",
        escape(each.title), each.ours ? " <small>(ours)</small>" : "", escape(each.name));
  }
  return section;
}

std::string quantile_curves(const campaign_report& report) {
  std::string section =
      "<h2>Response time by quantile</h2><p class=\"muted\">p99 = 50 ms: 99 of 100 requests were answered within "
      "50 ms. Lines: the median over the trials; a dot for every trial. Only quantiles with ten requests beyond them "
      "are drawn.</p>";
  for (const model::phase& each : report.plan.phases) {
    if (each.kind == model::phase_kind::warm_up) continue;
    section += fmt::format("<h3>{}</h3><div class=\"chart\" data-quantiles=\"{}\"></div>", escape(each.name),
                           escape(each.name));
  }
  return section;
}

}  // namespace

std::string campaign_html(const campaign_report& report) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      // Whatever the page holds, it asks nobody for anything.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\">"
      "<link rel=\"icon\" href=\"data:,\"><title>Assay: {}</title><style>{}</style></head><body>",
      escape(report.plan.name), web::report_style());
  page += verdict_section(report);
  page += diagnosis_section(report);
  page += comparison_section(report);
  page += blocking_section(report);
  page += database_section(report);
  page += timelines(report);
  page += quantile_curves(report);
  page += metrics_section(report);
  page += trials_section(report);
  page += fairness_section(report);
  page += fmt::format("<h2>Decision record</h2><pre>{}</pre>", escape(report.record));
  page += method_section();
  page +=
      fmt::format("<script type=\"application/json\" id=\"report-data\">{}</script><script>{}</script></body></html>\n",
                  chart_data(report), web::report_script());
  return page;
}

}  // namespace assay::report
