#include "cli/session_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <expected>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/load_inputs.hpp"
#include "cli/load_options.hpp"
#include "cli/load_outputs.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "lab/load/gate.hpp"
#include "lab/load/session_engine.hpp"
#include "lab/load/session_plan.hpp"
#include "lab/plan/read_scenarios.hpp"
#include "lab/report/load_json.hpp"
#include "lab/report/load_text.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

// What was typed and means nothing for sessions; empty when nothing was.
std::string_view not_of_sessions(const load_arguments& typed) {
  const std::array given{std::pair{"--broadcast", typed.broadcast},
                         std::pair{"--message", typed.message.has_value()},
                         std::pair{"--connect-rate", typed.connect_rate.has_value()},
                         std::pair{"--source", !typed.sources.empty()},
                         std::pair{"--ndjson", !typed.ndjson.empty()},
                         std::pair{"--prometheus", typed.prometheus.has_value()}};
  for (const auto& [name, typed_it] : given) {
    if (typed_it) return name;
  }
  return {};
}

std::expected<load::session_plan, std::string> session_plan_of(const load_arguments& typed) {
  if (const std::string_view wrong = not_of_sessions(typed); !wrong.empty()) {
    return std::unexpected(fmt::format("{}: not of sessions", wrong));
  }
  std::expected<load::load_options, std::string> options = read_load_options(typed);
  if (!options) return std::unexpected(options.error());
  if (const auto inputs = read_load_inputs(typed, *options); !inputs) return std::unexpected(inputs.error());
  const auto scenarios = plan::read_scenarios(typed.sessions);
  if (!scenarios) return std::unexpected("--sessions " + scenarios.error());
  return load::plan_sessions(*scenarios, std::move(*options));
}

// One line on the terminal, rewritten; nothing when stderr is not one.
class session_progress {
 public:
  session_progress(const load::session_engine& engine, duration length)
      : engine_(engine),
        length_s_(std::chrono::duration<double>(length).count()),
        shown_(::isatty(STDERR_FILENO) == 1) {}
  void show(bool interrupted) const {
    if (!shown_) return;
    const load::session_view seen = engine_.look();
    fmt::print(stderr, "\r\x1b[K{:.1f}s of {:.0f}s  {} requests  {} answered  {} errors{}",
               std::chrono::duration<double>(seen.elapsed).count(), length_s_, seen.offered, seen.answers, seen.errors,
               interrupted ? "  ending" : "");
  }
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  const load::session_engine& engine_;
  double length_s_;
  bool shown_;
};

}  // namespace

int session_command(const load_arguments& typed) {
  std::vector<load::gate> gates;
  if (!typed.objectives.empty()) {
    auto read = load::parse_gates(typed.objectives);
    if (!read) return complain("load", usage, "--slo " + read.error());
    gates = std::move(*read);
  }
  if (const auto names = check_hdr_files(typed.hdr); !names) return complain("load", usage, names.error());
  std::expected<load::session_plan, std::string> plan = session_plan_of(typed);
  if (!plan) return complain("load", usage, plan.error());
  if (const auto had = load::check_gates(gates, plan->load); !had) {
    return complain("load", usage, "--slo " + had.error());
  }
  plan->work.window = load::gate_window(gates);
  const duration length = plan->load.options.length;
  stop_signals stop;  // before any thread: Ctrl-C ends the run, it does not kill it
  load::session_engine engine(std::move(*plan));
  const session_progress line(engine, length);
  auto result = run_watched(engine, stop, line);
  if (!result) return complain("load", could_not_run, result.error());
  const bool all_met = load::judge_gates(gates, *result);
  const std::string text =
      typed.json ? report::load_json(*result) : report::load_text(*result, {.spectrum = typed.spectrum});
  if (const int said = print("load", text); said != ok) return said;
  if (const auto wrote = write_hdr_files(typed.hdr, *result); !wrote) {
    return complain("load", could_not_run, wrote.error());
  }
  if (!result->valid) return invalid_measurement;
  return all_met ? ok : gate_failed;
}

}  // namespace assay::cli
