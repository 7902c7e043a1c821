#include "cli/watch_load.hpp"

#include <cstdio>

#include "cli/load_outputs.hpp"
#include "cli/load_view.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "lab/report/load_json.hpp"
#include "lab/report/load_text.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

int write_result(const load_arguments& typed, const model::load_result& result) {
  const std::string text =
      typed.json ? report::load_json(result) : report::load_text(result, {.spectrum = typed.spectrum});
  if (const int said = print("load", text, summary_stream(typed)); said != ok) return said;
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
  std::expected<live_outputs, std::string> outputs = live_outputs::open(typed, engine);
  if (!outputs) return complain("load", could_not_run, outputs.error());
  load_view view(engine, std::move(head), outputs->rows(), on_screen && engine.seconds() > 0);
  auto [result, ended_by] = run_watched(engine, stop, view);
  if (!result) return came_to_nothing("load", result.error(), ended_by);
  const auto told = outputs->finish(engine, result->duration);
  const bool all_met = load::judge_gates(gates, *result);
  if (const int failed = write_result(typed, *result); failed != ok) return failed;
  if (!told) return complain("load", could_not_run, told.error());
  if (ended_early(*result, ended_by)) return code_of_signal(ended_by);
  if (!result->valid) return invalid_measurement;
  return all_met ? ok : gate_failed;
}

}  // namespace assay::cli
