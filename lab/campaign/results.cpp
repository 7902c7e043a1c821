#include "lab/campaign/results.hpp"

#include <fmt/format.h>

#include "lab/campaign/facts.hpp"
#include "lab/decide/record.hpp"
#include "lab/judge/compare.hpp"
#include "lab/judge/objectives.hpp"
#include "lab/model/comparison_json.hpp"
#include "lab/model/write_file.hpp"
#include "lab/plan/read.hpp"
#include "lab/report/campaign_report.hpp"
#include "lab/report/comparison_text.hpp"
#include "lab/store/campaign_store.hpp"

namespace assay::campaign {
namespace {

std::expected<void, std::string> write(const std::string& path, const std::string& text) {
  const auto written = model::write_file(path, text);
  if (!written) return std::unexpected(fmt::format("cannot write {}: {}", path, written.error()));
  return {};
}

}  // namespace

std::expected<written_results, std::string> write_results(const std::string& directory) {
  auto opened = store::campaign_store::open_to_read(directory + "/campaign.db");
  if (!opened) return std::unexpected(opened.error());
  const store::campaign_header& header = (*opened)->header();
  // As it was when the campaign ran; the file may have changed since. It names the plan in errors only.
  auto plan = stored_plan(header);
  if (!plan) return std::unexpected(plan.error());
  auto trials = (*opened)->load_all();
  if (!trials) return std::unexpected(trials.error());
  if (trials->empty()) return std::unexpected(directory + ": no trial has finished yet");

  written_results written;
  written.compared = judge::compare(*plan, *trials);
  // Before what was unusual: it was asked for.
  const std::vector<std::string> broken = judge::broken_objectives(*plan, *trials);
  written.objectives_broken = !broken.empty();
  written.compared.anomalies.insert(written.compared.anomalies.begin(), broken.begin(), broken.end());
  written.compared.source.experiment_id = fmt::format("{}-{}", header.plan_name, header.created);
  written.compared.source.created = header.created;
  written.compared.source.tool_version = header.tool_version;
  written.compared.source.host = facts_of(header);
  report::campaign_report page;
  page.plan = *plan;
  page.compared = written.compared;
  page.facts = facts_of(header);
  page.record = decide::decision_record(written.compared, *plan);
  page.trials = std::move(*trials);
  written.summary = report::comparison_text(written.compared);
  written.report_path = directory + "/report.html";
  written.record_path = directory + "/record.md";
  written.json_path = directory + "/report.json";
  if (const auto done = write(written.json_path, model::comparison_to_json(written.compared)); !done) {
    return std::unexpected(done.error());
  }
  if (const auto done = write(written.record_path, page.record); !done) return std::unexpected(done.error());
  if (const auto done = write(written.report_path, report::campaign_html(page)); !done) {
    return std::unexpected(done.error());
  }
  return written;
}

}  // namespace assay::campaign
