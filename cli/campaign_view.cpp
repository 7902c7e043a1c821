#include "cli/campaign_view.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/campaign/results.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

constexpr duration trial_progress_interval = std::chrono::seconds(1);

std::string minutes(std::chrono::nanoseconds span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

// A line that is rewritten on a terminal; elsewhere a line for each trial that ended.
class trial_progress {
 public:
  explicit trial_progress(campaign::campaign& of) : of_(of), terminal_(::isatty(STDERR_FILENO) == 1) {}
  void show() {
    const campaign::campaign_view view = of_.look();
    for (const std::string& line : view.finished) {
      clear();
      fmt::print(stderr, "{}\n", one_line(line));  // it quotes what the candidate has printed
    }
    if (!terminal_ || view.trials == 0) return;
    clear();
    fmt::print(stderr, "[{}/{}] {} #{} {}", view.trial, view.trials, view.candidate, view.repeat, view.step);
    if (view.answered_rps > 0) fmt::print(stderr, "  {:.0f} answers/s  p99 {:.1f} ms", view.answered_rps, view.p99_ms);
    if (view.errors > 0) fmt::print(stderr, "  {} errors", view.errors);
    if (view.left.count() > 0) fmt::print(stderr, "  {} left", minutes(view.left));
  }
  void clear() const {
    if (terminal_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  campaign::campaign& of_;
  bool terminal_;
};

int exit_of(const campaign::campaign_outcome& outcome) {
  if (outcome.complete > 0) return ok;
  return outcome.invalid > 0 ? invalid_measurement : could_not_run;
}

}  // namespace

int run_campaign(std::string_view command, campaign::campaign_options options, const std::string& to_resume) {
  const std::string directory = options.directory;
  stop_signals stop;  // before any thread: Ctrl-C ends the campaign, it does not kill it
  campaign::campaign work(std::move(options));
  std::atomic<bool> finished{false};
  std::expected<campaign::campaign_outcome, std::string> outcome;
  std::thread running([&] {
    outcome = work.run();
    finished = true;
    stop.notify();
  });
  trial_progress line(work);
  while (!finished) {
    if (stop.wait(trial_progress_interval).value_or(0) != 0) work.stop();
    line.show();
  }
  running.join();
  line.show();
  line.clear();
  if (!outcome) return complain(command, could_not_run, outcome.error());
  const unsigned kept = outcome->complete + outcome->invalid + outcome->failed;
  if (outcome->interrupted) {
    fmt::print(stderr, "interrupted: {} of {} trials are kept; go on with {}\n", kept, outcome->planned, to_resume);
  }
  if (kept == 0) return could_not_run;
  const int shown = show_results(command, directory);
  const bool judged = shown == gate_failed && outcome->complete > 0;
  return shown == ok || (shown == gate_failed && !judged) ? exit_of(*outcome) : shown;
}

int show_results(std::string_view command, const std::string& directory) {
  const auto written = campaign::write_results(directory);
  if (!written) return complain(command, could_not_run, written.error());
  fmt::print("{}\nrecord: {}\nreport: {}\n", written->summary, written->record_path, written->report_path);
  std::fflush(stdout);
  return written->objectives_broken ? gate_failed : ok;
}

}  // namespace assay::cli
