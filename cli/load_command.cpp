#include "cli/load_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "cli/load_inputs.hpp"
#include "cli/load_options.hpp"
#include "cli/load_outputs.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "cli/stream_command.hpp"
#include "cli/values.hpp"
#include "lab/load/engine.hpp"
#include "lab/load/gate.hpp"
#include "lab/load/live_metrics.hpp"
#include "lab/report/load_json.hpp"
#include "lab/report/load_text.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

// One line on the terminal, rewritten; nothing when stderr is not one. And the rows of each second. Reads counters that
// the generators write with relaxed stores, so it cannot slow them down.
class load_progress {
 public:
  load_progress(load::load_engine& engine, duration length, second_writer* seconds)
      : engine_(engine), length_(length), rows_(seconds), shown_(::isatty(STDERR_FILENO) == 1) {}
  void show(bool interrupted) {
    if (shown_) rewrite();
    if (rows_ != nullptr && !interrupted) rows_->follow(engine_);
  }
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  void rewrite() {
    const load::live_view view = engine_.look();
    const double seconds = std::chrono::duration<double>(view.elapsed).count();
    const double total = std::chrono::duration<double>(length_).count();
    const double rate = static_cast<double>(view.answers - answers_before_) / std::max(seconds - seconds_before_, 1e-9);
    fmt::print(stderr, "\r\x1b[K{:.1f}s of {:.0f}s  {:.0f} responses/s  {} errors", seconds, total,
               seconds > seconds_before_ ? rate : 0.0, view.errors);
    answers_before_ = view.answers;
    seconds_before_ = seconds;
  }

  load::load_engine& engine_;
  duration length_;
  second_writer* rows_;
  bool shown_;
  std::uint64_t answers_before_ = 0;
  double seconds_before_ = 0;
};

std::expected<load::load_plan, std::string> plan_of(const load_arguments& typed) {
  std::expected<load::load_options, std::string> options = read_load_options(typed);
  if (!options) return std::unexpected(options.error());
  const auto notice = read_load_inputs(typed, *options);
  if (!notice) return std::unexpected(notice.error());
  if (!notice->empty()) fmt::print(stderr, "assay load: {}\n", one_line(*notice));
  options->keep_seconds = !typed.ndjson.empty() || typed.prometheus;
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
  if (is_stream_load(typed)) return stream_command(typed);
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
  std::expected<load::load_plan, std::string> plan = plan_of(typed);
  if (!plan) return complain("load", usage, plan.error());
  const duration length = plan->options.length;

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
  load_progress line(engine, length, seconds ? &*seconds : nullptr);
  auto result = run_watched(engine, stop, line);
  if (!result) return complain("load", could_not_run, result.error());
  const bool told = !seconds || seconds->finish(engine, result->duration);
  const bool all_met = load::judge_gates(gates, *result);
  if (const int failed = write_result(typed, *result); failed != ok) return failed;
  if (!told) return complain("load", could_not_run, "--ndjson " + typed.ndjson + ": cannot write all of it");
  if (!result->valid) return invalid_measurement;
  return all_met ? ok : gate_failed;
}

}  // namespace assay::cli
