#include "cli/load_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <thread>
#include <vector>

#include "cli/load_options.hpp"
#include "cli/values.hpp"
#include "lab/load/engine.hpp"
#include "lab/load/gate.hpp"
#include "lab/report/load_json.hpp"
#include "lab/report/load_text.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

constexpr duration progress_interval = std::chrono::milliseconds(500);

// One line on the terminal, rewritten; nothing when stderr is not one. Reads counters that the generators write with
// relaxed stores, so it cannot slow them down.
class progress {
 public:
  progress(const load::load_engine& engine, duration length)
      : engine_(engine), length_(length), shown_(::isatty(STDERR_FILENO) == 1) {}
  void show() {
    if (!shown_) return;
    const load::live_view view = engine_.look();
    const double seconds = std::chrono::duration<double>(view.elapsed).count();
    const double total = std::chrono::duration<double>(length_).count();
    const double rate = static_cast<double>(view.answers - answers_before_) / std::max(seconds - seconds_before_, 1e-9);
    fmt::print(stderr, "\r\x1b[K{:.1f}s of {:.0f}s  {:.0f} responses/s  {} errors", seconds, total,
               seconds > seconds_before_ ? rate : 0.0, view.errors);
    answers_before_ = view.answers;
    seconds_before_ = seconds;
  }
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  const load::load_engine& engine_;
  duration length_;
  bool shown_;
  std::uint64_t answers_before_ = 0;
  double seconds_before_ = 0;
};

int complain(exit_code code, const std::string& why) {
  fmt::print(stderr, "assay load: {}\n", one_line(why));
  return code;
}

}  // namespace

int load_command(const load_arguments& typed) {
  std::expected<load::load_options, std::string> options = read_load_options(typed);
  if (!options) return complain(usage, options.error());
  std::vector<load::gate> gates;
  if (!typed.objectives.empty()) {
    auto read = load::parse_gates(typed.objectives);
    if (!read) return complain(usage, "--slo " + read.error());
    gates = std::move(*read);
  }
  std::expected<load::load_plan, std::string> plan = load::normalize(std::move(*options));
  if (!plan) return complain(usage, plan.error());
  const duration length = plan->options.length;

  stop_signals stop;  // before any thread: Ctrl-C ends the run, it does not kill it
  load::load_engine engine(std::move(*plan));
  std::atomic<bool> finished{false};
  std::expected<model::load_result, std::string> result;
  std::thread running([&] {
    result = engine.run();
    finished = true;
    stop.notify();
  });
  progress line(engine, length);
  bool interrupted = false;
  while (!finished) {
    const int signal = stop.wait(progress_interval).value_or(0);
    // Everything ends soon after stop() except a name look-up, which nobody can cancel: there the second Ctrl-C helps.
    if (signal != 0 && interrupted && engine.look().elapsed == duration::zero()) {
      line.clear();
      std::_Exit(could_not_run);
    }
    interrupted = interrupted || signal != 0;
    if (signal != 0) engine.stop();
    line.show();
  }
  running.join();
  line.clear();
  if (!result) return complain(could_not_run, result.error());
  const bool all_met = load::judge_gates(gates, *result);
  const std::string text =
      typed.json ? report::load_json(*result) : report::load_text(*result, {.spectrum = typed.spectrum});
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return complain(could_not_run, fmt::format("cannot write the result to stdout: {}", std::strerror(errno)));
  }
  if (!result->valid) return invalid_measurement;
  return all_met ? ok : gate_failed;
}

}  // namespace assay::cli
