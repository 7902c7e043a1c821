#include "cli/load_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <expected>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cli/calibrate_command.hpp"
#include "cli/crossover_command.hpp"
#include "cli/load_inputs.hpp"
#include "cli/load_options.hpp"
#include "cli/load_outputs.hpp"
#include "cli/load_view.hpp"
#include "cli/run_watched.hpp"
#include "cli/session_command.hpp"
#include "cli/speech.hpp"
#include "cli/stream_command.hpp"
#include "cli/values.hpp"
#include "lab/load/engine.hpp"
#include "lab/load/gate.hpp"
#include "lab/load/live_history.hpp"
#include "lab/load/live_metrics.hpp"
#include "lab/report/load_json.hpp"
#include "lab/report/load_text.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

// The screen shows seconds. Of a run too long to keep them it is not shown.
bool wants_screen(const load_arguments& typed) {
  return !typed.no_screen && !typed.json && typed.ndjson != "-" && has_screen();
}

std::expected<load::load_plan, std::string> plan_of(const load_arguments& typed, bool on_screen) {
  std::expected<load::load_options, std::string> options = read_load_options(typed);
  if (!options) return std::unexpected(options.error());
  const auto notice = read_load_inputs(typed, *options);
  if (!notice) return std::unexpected(notice.error());
  if (!notice->empty()) fmt::print(stderr, "assay load: {}\n", one_line(*notice));
  options->keep_seconds = !typed.ndjson.empty() || typed.prometheus;
  if (on_screen && !options->keep_seconds) {
    load::load_options with_seconds = *options;
    with_seconds.keep_seconds = true;
    if (auto plan = load::normalize(std::move(with_seconds))) return plan;
  }
  return load::normalize(std::move(*options));
}

// What was typed and means nothing for requests; empty when nothing was.
std::string_view of_streams(const load_arguments& typed) {
  if (typed.broadcast) return "--broadcast";
  if (typed.message) return "--message";
  if (typed.connect_rate) return "--connect-rate";
  return typed.sources.empty() ? std::string_view() : "--source";
}

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

int load_command(const load_arguments& typed) {
  if (typed.calibrate) return calibrate_command(typed);
  if (!typed.crossover.empty()) return crossover_command(typed);
  if (is_stream_load(typed)) return stream_command(typed);
  if (!typed.sessions.empty()) return session_command(typed);
  if (const std::string_view wrong = of_streams(typed); !wrong.empty()) {
    return complain("load", usage, fmt::format("{}: expected a URL ws://HOST[:PORT]/PATH, or --sse", wrong));
  }
  std::vector<load::gate> gates;
  if (!typed.objectives.empty()) {
    auto read = load::parse_gates(typed.objectives);
    if (!read) return complain("load", usage, "--slo " + read.error());
    gates = std::move(*read);
  }
  if (typed.json && typed.ndjson == "-")
    return complain("load", usage, "--json and --ndjson -: stdout is for one of them");
  if (const auto names = check_hdr_files(typed.hdr); !names) return complain("load", usage, names.error());
  const bool on_screen = wants_screen(typed);
  std::expected<load::load_plan, std::string> plan = plan_of(typed, on_screen);
  if (!plan) return complain("load", usage, plan.error());
  if (const auto had = load::check_gates(gates, *plan); !had) return complain("load", usage, "--slo " + had.error());
  plan->options.window = load::gate_window(gates);
  const bool has_seconds = plan->options.keep_seconds;
  model::load_screen head = load::head_of(*plan);

  stop_signals stop;  // before any thread: Ctrl-C ends the run, it does not kill it
  load::load_engine engine(std::move(*plan));
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
  load_view view(engine, std::move(head), seconds ? &*seconds : nullptr, on_screen && has_seconds);
  auto result = run_watched(engine, stop, view);
  if (!result) return complain("load", could_not_run, result.error());
  const bool told = !seconds || seconds->finish(engine, result->duration);
  const bool all_met = load::judge_gates(gates, *result);
  if (const int failed = write_result(typed, *result); failed != ok) return failed;
  if (!told) return complain("load", could_not_run, "--ndjson " + typed.ndjson + ": cannot write all of it");
  if (!result->valid) return invalid_measurement;
  return all_met ? ok : gate_failed;
}

}  // namespace assay::cli
