#include "cli/crossover_command.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <expected>
#include <string>
#include <thread>
#include <utility>

#include "cli/load_options.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/judge/crossover.hpp"
#include "lab/load/crossover_sweep.hpp"
#include "lab/report/crossover_report.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

using swept = std::expected<model::crossover_result, std::string>;

// Ends the sweep on Ctrl-C; what was measured by then is judged. `ended_by` is the signal, if there was one.
swept sweep_until_signal(load::crossover_sweep& sweep, stop_signals& stop, int& ended_by) {
  std::atomic<bool> finished{false};
  swept result;
  std::thread running([&] {
    result = sweep.run();
    finished = true;
    stop.notify();
  });
  while (!finished) {
    const int asked = stop.wait().value_or(0);
    if (asked == 0) continue;
    ended_by = asked;
    sweep.stop();
  }
  running.join();
  return result;
}

// As each of the two will be loaded.
std::expected<void, std::string> check_urls(const load::load_options& options, const std::vector<std::string>& urls) {
  for (const std::string& url : urls) {
    load::load_options one = options;
    one.url = url;
    if (const auto plan = load::normalize(std::move(one)); !plan) return std::unexpected(plan.error());
  }
  return {};
}

}  // namespace

int crossover_command(const load_arguments& typed) {
  auto options = read_load_options(typed);
  if (!options) return complain("load", usage, options.error());
  if (typed.repeats < 2 || typed.repeats > load::max_crossover_repeats) {
    return complain("load", usage, fmt::format("--repeats: expected 2 to {}", load::max_crossover_repeats));
  }
  if (const auto sound = check_urls(*options, typed.crossover); !sound) return complain("load", usage, sound.error());

  stop_signals stop;  // before any thread
  const std::size_t levels = load::crossover_levels(options->threads, options->connections).size();
  const std::size_t runs = load::crossover_order(levels, typed.repeats).size();
  const double length_s = std::chrono::duration<double>(options->length).count();
  fmt::print(stderr, "assay load: {} runs, {:.0f} s or little more\n", runs, static_cast<double>(runs) * length_s);
  std::size_t count = 0;
  load::crossover_sweep sweep(std::move(*options), {typed.crossover[0], typed.crossover[1]}, {.repeats = typed.repeats},
                              [&](unsigned connections, std::size_t side, const model::load_result& seen) {
                                fmt::print(stderr, "run {} of {}: {}\n", ++count, runs,
                                           one_line(report::crossover_run_text(connections, side, seen)));
                              });
  int ended_by = 0;
  auto result = sweep_until_signal(sweep, stop, ended_by);
  if (!result) return complain("load", could_not_run, result.error());
  judge::judge_crossover(*result);
  const std::string text = typed.json ? report::crossover_json(*result) : report::crossover_text(*result);
  if (const int said = print("load", text); said != ok) return said;
  return ended_by != 0 ? code_of_signal(ended_by) : ok;
}

}  // namespace assay::cli
