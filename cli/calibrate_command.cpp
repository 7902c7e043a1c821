#include "cli/calibrate_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <expected>
#include <string>
#include <utility>

#include "cli/load_options.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "lab/load/calibrator.hpp"
#include "lab/report/calibration_report.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

// One line on the terminal, rewritten; nothing when stderr is not one.
class calibration_progress {
 public:
  explicit calibration_progress(const load::calibrator& of) : of_(of), shown_(::isatty(STDERR_FILENO) == 1) {}
  void show(bool) const {
    if (shown_) fmt::print(stderr, "\r\x1b[Kcalibrating: {} responses", of_.look().answers);
  }
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  const load::calibrator& of_;
  bool shown_;
};

}  // namespace

int calibrate_command(const load_arguments& typed) {
  std::expected<load::load_options, std::string> options = read_load_options(typed);
  if (!options) return complain("load", usage, options.error());
  load::load_options checked = *options;
  checked.url = "http://127.0.0.1:1/";  // in place of the server that is not there yet
  load::load_options with_server = checked;
  if (const auto plan = load::normalize(std::move(checked)); !plan) return complain("load", usage, plan.error());
  // The server's ends of the connections are descriptors of this process too; this raises the limit for both.
  constexpr unsigned of_the_server = 16;
  with_server.connections = 2 * with_server.connections + of_the_server;
  if (const auto plan = load::normalize(std::move(with_server)); !plan) {
    return complain("load", usage, "--calibrate, whose server is in this process too: " + plan.error());
  }
  stop_signals stop;  // before any thread
  load::calibrator engine(std::move(*options));
  const calibration_progress line(engine);
  const auto [seen, ended_by] = run_watched(engine, stop, line);
  if (!seen) return came_to_nothing("load", seen.error(), ended_by);
  const std::string text = typed.json ? report::calibration_json(*seen) : report::calibration_text(*seen);
  if (const int said = print("load", text); said != ok) return said;
  return seen->at_ease.valid ? ok : invalid_measurement;
}

}  // namespace assay::cli
