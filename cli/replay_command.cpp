#include "cli/replay_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/replay_inputs.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/load/replay_engine.hpp"
#include "lab/report/replay_report.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

// One line on the terminal, rewritten; nothing when stderr is not one.
class replay_progress {
 public:
  explicit replay_progress(const load::replay_engine& engine) : engine_(engine), shown_(::isatty(STDERR_FILENO) == 1) {}
  void show(bool) const {
    if (!shown_) return;
    const load::replay_view view = engine_.look();
    fmt::print(stderr, "\r\x1b[K{:.0f}s of {:.0f}s  {} of {} requests  {} answers  {} unlike the recording or failed",
               std::chrono::duration<double>(view.elapsed).count(),
               std::chrono::duration<double>(engine_.plan().length()).count(), view.had_turn,
               engine_.plan().sends.size(), view.answers, view.errors);
  }
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  const load::replay_engine& engine_;
  bool shown_;
};

}  // namespace

int replay_command(const replay_arguments& typed) {
  auto options = read_replay_options(typed);
  if (!options) return complain("replay", usage, options.error());
  auto recording = read_recording(typed, options->rules);
  if (!recording) return complain("replay", usage, recording.error());
  auto plan = load::plan_replay(std::move(*recording), std::move(*options));
  if (!plan) return complain("replay", usage, plan.error());

  stop_signals stop;  // before any thread: Ctrl-C ends the run, it does not kill it
  load::replay_engine engine(std::move(*plan));
  const replay_progress line(engine);
  const auto [result, ended_by] = run_watched(engine, stop, line);
  if (!result) return came_to_nothing("replay", result.error(), ended_by);
  const std::string text = typed.json ? report::replay_json(*result) : report::replay_text(*result);
  if (const int said = print("replay", text); said != ok) return said;
  if (ended_early(*result, ended_by)) return code_of_signal(ended_by);
  return result->valid ? ok : invalid_measurement;
}

}  // namespace assay::cli
