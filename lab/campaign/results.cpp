#include "lab/campaign/results.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "lab/campaign/facts.hpp"
#include "lab/decide/record.hpp"
#include "lab/judge/compare.hpp"
#include "lab/model/comparison_json.hpp"
#include "lab/plan/read.hpp"
#include "lab/report/campaign_report.hpp"
#include "lab/report/comparison_text.hpp"
#include "lab/store/campaign_store.hpp"

namespace assay::campaign {
namespace {

// Whole or not at all: written beside it, and renamed.
std::expected<void, std::string> write_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  const auto complain = [&] { return std::unexpected(fmt::format("cannot write {}: {}", path, std::strerror(errno))); };
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return complain();
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t wrote = ::write(file, text.data() + at, text.size() - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      const auto failure = complain();
      ::close(file);
      ::unlink(draft.c_str());
      return failure;
    }
    at += static_cast<std::size_t>(wrote);
  }
  const bool kept = ::fsync(file) == 0 && ::close(file) == 0 && ::rename(draft.c_str(), path.c_str()) == 0;
  if (!kept) return complain();
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
  report::campaign_report page{.plan = *plan, .compared = written.compared, .facts = facts_of(header)};
  page.record = decide::decision_record(written.compared, *plan);
  page.trials = std::move(*trials);
  written.summary = report::comparison_text(written.compared);
  written.report_path = directory + "/report.html";
  written.record_path = directory + "/record.md";
  written.json_path = directory + "/report.json";
  if (const auto done = write_file(written.json_path, model::comparison_to_json(written.compared)); !done) {
    return std::unexpected(done.error());
  }
  if (const auto done = write_file(written.record_path, page.record); !done) return std::unexpected(done.error());
  if (const auto done = write_file(written.report_path, report::campaign_html(page)); !done) {
    return std::unexpected(done.error());
  }
  return written;
}

}  // namespace assay::campaign
