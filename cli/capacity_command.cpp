#include "cli/capacity_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <expected>

#include "cli/load_inputs.hpp"
#include "cli/load_options.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/load/capacity_curve.hpp"
#include "lab/load/capacity_finder.hpp"
#include "lab/load/gate.hpp"
#include "lab/model/number.hpp"
#include "lab/report/capacity_report.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

std::expected<double, std::string> parse_share(std::string_view flag, std::string_view text) {
  std::string_view digits = text;
  const bool percent = digits.ends_with('%');
  if (percent) digits.remove_suffix(1);
  const double value = model::parse_number(digits).value_or(0) / (percent ? 100 : 1);
  if (!(value >= 0.001 && value <= 1)) {
    return std::unexpected(fmt::format("{} \"{}\": expected from 0.1% to 100%", flag, text));
  }
  return value;
}

// Doubled up to so many while too few of them bound what is found; not where somebody said how many.
constexpr unsigned most_connections = 4096;

// Objectives that single runs at chosen rates can be judged by.
std::expected<std::vector<load::gate>, std::string> read_gates(const std::string& typed) {
  auto gates = load::parse_gates(typed);
  if (!gates) return std::unexpected("--slo " + gates.error());
  const auto any = [&gates](load::gated what) {
    return std::ranges::any_of(*gates, [what](const load::gate& each) { return each.what == what; });
  };
  if (any(load::gated::back)) {
    return std::unexpected("--slo back: is of a burst, and these runs have none; see assay load --stage");
  }
  if (any(load::gated::rate)) {
    return std::unexpected("--slo rate: the rate is what is looked for; say from which one on with --from");
  }
  if (load::gate_window(*gates) > duration::zero()) {
    return std::unexpected("--slo with \"every\": each of these runs is judged as a whole");
  }
  return *gates;
}

std::expected<load::capacity_options, std::string> read_search(const capacity_arguments& typed) {
  load::capacity_options search;
  const auto from = parse_rate("--from", typed.from);
  if (!from) return std::unexpected(from.error());
  const auto most = parse_rate("--most", typed.most);
  if (!most) return std::unexpected(most.error());
  const auto precision = parse_share("--precision", typed.precision);
  if (!precision) return std::unexpected(precision.error());
  if (!(*from >= search.least_rps && *from <= *most && *most <= load::max_rate_per_s)) {
    return std::unexpected(fmt::format("--from {} --most {}: expected rates from {} to {}, in this order", typed.from,
                                       typed.most, search.least_rps, load::max_rate_per_s));
  }
  search.from_rps = *from;
  search.most_rps = *most;
  search.precision = *precision;
  if (typed.runs < 3 || typed.runs > 1000) return std::unexpected("--runs: expected 3 to 1000");
  search.most_runs = typed.runs;
  return search;
}

// A run at the first rate: the others differ in that alone.
std::expected<load::load_plan, std::string> read_plan(const capacity_arguments& typed, double from_rps) {
  std::expected<load::load_options, std::string> options = read_load_options(typed.load);
  if (!options) return std::unexpected(options.error());
  const auto notice = read_load_inputs(typed.load, *options);
  if (!notice) return std::unexpected(notice.error());
  if (!notice->empty()) fmt::print(stderr, "assay capacity: {}\n", one_line(*notice));
  options->rate_per_s = from_rps;
  return load::normalize(std::move(*options));
}

}  // namespace

int capacity_command(const capacity_arguments& typed) {
  auto gates = read_gates(typed.load.objectives);
  if (!gates) return complain("capacity", usage, gates.error());
  auto search = read_search(typed);
  if (!search) return complain("capacity", usage, search.error());
  const auto plan = read_plan(typed, search->from_rps);
  if (!plan) return complain("capacity", usage, plan.error());
  if (const auto had = load::check_gates(*gates, *plan); !had) {
    return complain("capacity", usage, "--slo " + had.error());
  }
  const auto of_steady = [&plan](const load::gate& each) {
    return each.part == load::steady_part && !load::request_index_of(each.part, *plan);
  };
  if (std::ranges::any_of(*gates, of_steady)) {
    return complain("capacity", usage, "--slo with [steady]: each of these runs is judged as a whole");
  }
  search->least_rps = std::max(search->least_rps, load::least_tellable_rps(*gates, *plan));
  if (search->from_rps < search->least_rps) {
    return complain(
        "capacity", usage,
        fmt::format("--slo {}: at {:g} req/s runs of {:g} s are too short for that percentile, though they "
                    "are made up to 20 times as long: expected --from {:.0f} or more, or a longer -d",
                    typed.load.objectives, search->from_rps,
                    std::chrono::duration<double>(plan->options.length).count(), std::ceil(search->least_rps)));
  }
  if (typed.curve == 1 || typed.curve > load::most_curve_points) {
    return complain("capacity", usage, fmt::format("--curve: expected 0, or from 2 to {}", load::most_curve_points));
  }

  stop_signals stop;  // before any thread
  std::size_t count = 0;
  const load::finder_options how{.curve_points = typed.no_curve ? 0 : typed.curve,
                                 .most_connections = typed.load.has_connections ? 0 : most_connections};
  load::capacity_finder finder(*plan, std::move(*gates), *search, how, [&count](const model::capacity_run& run) {
    fmt::print(stderr, "run {}: {}\n", ++count, report::capacity_run_text(run));
  });
  // On Ctrl-C what was found by then is reported.
  const auto [result, ended_by] =
      run_until_signal([&finder] { return finder.find(); }, [&finder] { finder.stop(); }, stop);
  if (!result) return came_to_nothing("capacity", result.error(), ended_by);
  const std::string text = typed.load.json ? report::capacity_json(*result) : report::capacity_text(*result);
  if (const int said = print("capacity", text); said != ok) return said;
  // The curve too is what was asked for: a search that had found its interval is ended early all the same.
  if (ended_by != 0) return code_of_signal(ended_by);
  return result->estimate.outcome == model::capacity_outcome::below_least ? gate_failed : ok;
}

}  // namespace assay::cli
