#include <fmt/format.h>

#include <algorithm>

#include "lab/report/campaign_sections.hpp"
#include "lab/report/database_report.hpp"
#include "lab/report/html.hpp"

namespace assay::report {
namespace {

constexpr std::size_t shown_statements = 3;

// Its trial that waited and held most: the figures of one run, which are one story.
const model::trial* worst_trial(const campaign_report& report, const std::string& candidate, const std::string& name) {
  const model::trial* worst = nullptr;
  double worst_sum = -1;
  for (const model::trial& each : report.trials) {
    if (each.candidate != candidate || each.state != model::trial_state::complete) continue;
    const auto view = std::ranges::find(each.databases, name, &model::database_view::name);
    if (view == each.databases.end()) continue;
    const database_usual usual = usual_of(view->looks);
    if (usual.held + usual.lock_waits <= worst_sum) continue;
    worst_sum = usual.held + usual.lock_waits;
    worst = &each;
  }
  return worst;
}

std::string waits_cell(const model::database_view& of) {
  std::string cell;
  if (!of.locks.empty()) {
    const model::database_wait& first = of.locks.front();
    const char* const how = first.holder_idle ? "held by a transaction that was idle after" : "held by";
    cell +=
        fmt::format("<small>waited for a lock: <code>{}</code>; {} <code>{}</code></small>", escape(first.statement),
                    how, first.holder.empty() ? std::string("another session") : escape(first.holder));
  }
  if (!of.holds.empty()) {
    cell += fmt::format("<small>idle in a transaction, {} s at the longest, after: <code>{}</code></small>",
                        number(of.holds.front().longest_s), escape(of.holds.front().statement));
  }
  for (std::size_t i = 0; i < std::min(shown_statements, of.statements.size()); ++i) {
    const model::database_statement& each = of.statements[i];
    cell += fmt::format("<small>{} calls, {} each: <code>{}</code></small>", each.calls,
                        milliseconds(each.total_ms / std::max<double>(1, static_cast<double>(each.calls))),
                        escape(each.text));
  }
  for (const std::string& each : of.notes) cell += fmt::format("<small>{}</small>", escape(each));
  return cell.empty() ? "–" : cell;
}

std::string row_of(const model::candidate_summary& of, const model::trial& trial, const model::database_view& view) {
  const database_usual usual = usual_of(view.looks);
  return fmt::format(
      "<tr><td>{}{}</td><td class=\"text\">{}</td><td>{}</td><td>{} <small>{} at "
      "most</small></td><td>{}</td><td>{}</td>"
      "<td>{}</td><td>{} <small>of {}</small></td><td class=\"text\">{}</td></tr>",
      escape(of.title), of.ours ? " <small>(ours)</small>" : "", escape(view.name), trial.repeat,
      number(usual.connections), usual.most_connections, number(usual.active), number(usual.held),
      number(usual.lock_waits), usual.most_of_server, view.max_connections, waits_cell(view));
}

}  // namespace

std::string database_section(const campaign_report& report) {
  std::string rows;
  for (const model::candidate_summary& each : report.compared.candidates) {
    for (const model::dependency& planned : report.plan.dependencies) {
      const model::trial* const trial = worst_trial(report, each.name, planned.name);
      if (trial == nullptr) continue;
      rows += row_of(each, *trial, *std::ranges::find(trial->databases, planned.name, &model::database_view::name));
    }
  }
  if (rows.empty()) return {};
  return "<h2>In the database</h2><p class=\"muted\">A look a second at what connections to PostgreSQL do, averages "
         "over "
         "all phases of the run that held and waited most; the longest are those that a look met. <em>Held</em>: a "
         "transaction has been idle for 0.1 s or longer, and nobody else can use its connection. Statements are shown "
         "without their values.</p><div class=\"scroll\"><table><thead><tr><th class=\"text\">candidate</th>"
         "<th class=\"text\">database</th><th>run</th><th>connections</th><th>active</th><th>held</th>"
         "<th>waiting for a lock</th><th>most of the server's</th><th class=\"text\">what was seen</th></tr></thead>"
         "<tbody>" +
         rows + "</tbody></table></div>";
}

}  // namespace assay::report
