#include "cli/run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/load_command.hpp"
#include "cli/values.hpp"
#include "lab/campaign/campaign.hpp"
#include "lab/campaign/results.hpp"
#include "lab/plan/read.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

constexpr duration progress_interval = std::chrono::seconds(1);

int complain(std::string_view command, exit_code code, const std::string& why) {
  fmt::print(stderr, "assay {}: {}\n", command, one_line(why));
  return code;
}

std::string minutes(std::chrono::nanoseconds span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

// A line that is rewritten on a terminal; elsewhere a line for each trial that ended.
class progress {
 public:
  explicit progress(campaign::campaign& of) : of_(of), terminal_(::isatty(STDERR_FILENO) == 1) {}
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

// Keeps the candidates that were asked for. The error names one that the plan does not have.
std::expected<void, std::string> choose(model::plan& plan, const run_arguments& typed) {
  for (const auto* names : {&typed.only, &typed.without}) {
    for (const std::string& name : *names) {
      if (plan.find_candidate(name) != nullptr) continue;
      std::vector<std::string> known;
      for (const model::candidate& each : plan.candidates) known.push_back(each.name);
      const std::string meant = nearest(name, known);
      return std::unexpected(fmt::format("no candidate \"{}\" in {}{}", name, typed.plan,
                                         meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
    }
  }
  std::erase_if(plan.candidates, [&](const model::candidate& each) {
    const bool wanted = typed.only.empty() || std::ranges::find(typed.only, each.name) != typed.only.end();
    const bool unwanted = std::ranges::find(typed.without, each.name) != typed.without.end();
    return !wanted || unwanted || (typed.without_ours && each.ours);
  });
  if (plan.candidates.empty()) return std::unexpected("no candidate is left to run");
  if (plan.find_candidate(plan.reference) == nullptr) plan.reference = plan.candidates.front().name;
  if (typed.repeats) plan.repeats = *typed.repeats;
  return {};
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

int show_results(std::string_view command, const std::string& directory) {
  const auto written = campaign::write_results(directory);
  if (!written) return complain(command, could_not_run, written.error());
  fmt::print("{}\nrecord: {}\nreport: {}\n", written->summary, written->record_path, written->report_path);
  std::fflush(stdout);
  return ok;
}

int exit_of(const campaign::campaign_outcome& outcome) {
  if (outcome.complete > 0) return ok;
  return outcome.invalid > 0 ? invalid_measurement : could_not_run;
}

}  // namespace

int run_command(const run_arguments& typed) {
  std::expected<model::plan, std::string> plan = plan::read_plan(typed.plan);
  if (!plan) return complain("run", usage, plan.error());
  if (const auto chosen = choose(*plan, typed); !chosen) return complain("run", usage, chosen.error());
  const std::string directory = typed.directory.empty() ? "results/" + plan->name : typed.directory;

  stop_signals stop;  // before any thread: Ctrl-C ends the campaign, it does not kill it
  campaign::campaign work({.plan = *plan,
                           .plan_text = read_text(typed.plan),
                           .directory = directory,
                           .tool_version = ASSAY_VERSION,
                           .resume = typed.resume});
  std::atomic<bool> finished{false};
  std::expected<campaign::campaign_outcome, std::string> outcome;
  std::thread running([&] {
    outcome = work.run();
    finished = true;
    stop.notify();
  });
  progress line(work);
  while (!finished) {
    if (stop.wait(progress_interval).value_or(0) != 0) work.stop();
    line.show();
  }
  running.join();
  line.show();
  line.clear();
  if (!outcome) return complain("run", could_not_run, outcome.error());
  if (outcome->interrupted) {
    fmt::print(stderr, "interrupted: {} of {} trials are kept; go on with assay run {} -o {} --resume\n",
               outcome->complete + outcome->invalid + outcome->failed, outcome->planned, typed.plan, directory);
  }
  if (outcome->complete + outcome->invalid + outcome->failed == 0) return could_not_run;
  const int shown = show_results("run", directory);
  return shown == ok ? exit_of(*outcome) : shown;
}

int report_command(const report_arguments& typed) { return show_results("report", typed.directory); }

}  // namespace assay::cli
