#include "cli/watch_load.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>

#include "cli/load_outputs.hpp"
#include "cli/load_view.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "lab/load/live_metrics.hpp"
#include "lab/report/load_json.hpp"
#include "lab/report/load_text.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

int write_result(const load_arguments& typed, const model::load_result& result) {
  const std::string text =
      typed.json ? report::load_json(result) : report::load_text(result, {.spectrum = typed.spectrum});
  std::FILE* const into = typed.ndjson == "-" ? stderr : stdout;  // one kind of rows on stdout
  if (const int said = print("load", text, into); said != ok) return said;
  if (const auto wrote = write_hdr_files(typed.hdr, result); !wrote)
    return complain("load", could_not_run, wrote.error());
  return ok;
}

}  // namespace

std::expected<std::vector<load::gate>, std::string> read_outputs(const load_arguments& typed) {
  std::vector<load::gate> gates;
  if (!typed.objectives.empty()) {
    auto read = load::parse_gates(typed.objectives);
    if (!read) return std::unexpected("--slo " + read.error());
    gates = std::move(*read);
  }
  if (typed.json && typed.ndjson == "-") return std::unexpected("--json and --ndjson -: stdout is for one of them");
  if (const auto names = check_hdr_files(typed.hdr); !names) return std::unexpected(names.error());
  return gates;
}

bool wants_screen(const load_arguments& typed) {
  return !typed.no_screen && !typed.json && typed.ndjson != "-" && has_screen();
}

int watch_load(const load_arguments& typed, load::live_run& engine, model::load_screen head,
               const std::vector<load::gate>& gates, bool on_screen) {
  stop_signals stop;  // before any thread: Ctrl-C ends the run, it does not kill it
  std::optional<second_writer> seconds;
  if (!typed.ndjson.empty()) {
    auto opened = second_writer::open(typed.ndjson);
    if (!opened) return complain("load", could_not_run, opened.error());
    seconds = std::move(*opened);
  }
  std::unique_ptr<load::live_metrics> metrics;
  if (typed.prometheus) {
    auto opened = load::live_metrics::open(*typed.prometheus, [&engine] { return engine.look(); });
    if (!opened) return complain("load", could_not_run, "--prometheus: " + opened.error());
    metrics = std::move(*opened);
    fmt::print(stderr, "assay load: metrics at http://127.0.0.1:{}/metrics\n", metrics->port());
  }
  load_view view(engine, std::move(head), seconds ? &*seconds : nullptr, on_screen && engine.seconds() > 0);
  auto [result, ended_by] = run_watched(engine, stop, view);
  if (!result) return came_to_nothing("load", result.error(), ended_by);
  const bool told = !seconds || seconds->finish(engine, result->duration);
  const bool all_met = load::judge_gates(gates, *result);
  if (const int failed = write_result(typed, *result); failed != ok) return failed;
  if (!told) return complain("load", could_not_run, "--ndjson " + typed.ndjson + ": cannot write all of it");
  if (ended_early(*result, ended_by)) return code_of_signal(ended_by);
  if (!result->valid) return invalid_measurement;
  return all_met ? ok : gate_failed;
}

}  // namespace assay::cli
