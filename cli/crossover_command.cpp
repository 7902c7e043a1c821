#include "cli/crossover_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <expected>
#include <string>
#include <utility>

#include "cli/load_options.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/judge/crossover.hpp"
#include "lab/load/crossover_sweep.hpp"
#include "lab/report/crossover_report.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

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
  // On Ctrl-C what was measured by then is judged.
  auto [result, ended_by] = run_until_signal([&sweep] { return sweep.run(); }, [&sweep] { sweep.stop(); }, stop);
  if (!result) return came_to_nothing("load", result.error(), ended_by);
  judge::judge_crossover(*result);
  const std::string text = typed.json ? report::crossover_json(*result) : report::crossover_text(*result);
  if (const int said = print("load", text); said != ok) return said;
  return ended_by != 0 ? code_of_signal(ended_by) : ok;
}

}  // namespace assay::cli
