#include "lab/report/load_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/report/time_row.hpp"

namespace assay::report {
namespace {

// With more rows than this their intervals would push the rest off a terminal of 24 lines.
constexpr std::size_t most_rows_with_intervals = 6;

std::string bounds_text(const model::response_intervals& of, std::string_view name, double quantile) {
  const auto known = std::ranges::find(of.quantiles, quantile, &model::quantile_interval::quantile);
  if (known == of.quantiles.end()) {
    const auto why = std::ranges::find(of.untold, quantile, &model::untold_interval::quantile);
    if (why == of.untold.end()) return fmt::format("{} not estimable", name);
    return fmt::format("{} not estimable ({})", name, model::why_untold(*why));
  }
  return fmt::format("{} {} to {}", name, time_text(known->within.low_ns), time_text(known->within.high_ns));
}

// Below the row of a stage or a route whose load is even: between which bounds its percentiles lie with 95 %.
template <class Row>
void append_row_interval(std::string& to, const Row& of, std::string_view times = "answers") {
  if (!of.intervals) return;
  const auto& quantiles = of.intervals->quantiles;
  const auto median = std::ranges::find(quantiles, 0.5, &model::quantile_interval::quantile);
  if (of.steady && of.steady->drift) {
    to += fmt::format("    95 %: not estimable, the typical response time {} {:.2g} times in it\n",
                      *of.steady->drift > 1 ? "grew" : "fell to", *of.steady->drift);
  } else if (median == quantiles.end()) {
    to += fmt::format("    95 %: not estimable from {} {}", of.latency.response_time.count(), times);
    const auto why = std::ranges::find(of.intervals->untold, 0.5, &model::untold_interval::quantile);
    to += why == of.intervals->untold.end() ? "\n" : fmt::format(": {}\n", model::why_untold(*why));
  } else {
    to += fmt::format("    95 %: {}, {}; worth {:.0f} samples\n", bounds_text(*of.intervals, "p50", 0.5),
                      bounds_text(*of.intervals, "p99", 0.99), median->effective_samples);
  }
}

}  // namespace

bool have_room_for_intervals(std::size_t rows) { return rows <= most_rows_with_intervals; }

void append_stage_interval(std::string& to, const model::load_stage& of, std::string_view times) {
  append_row_interval(to, of, times);
}

void append_stages(std::string& to, const std::vector<model::load_stage>& stages, bool all_intervals) {
  const bool intervals = all_intervals || have_room_for_intervals(stages.size());
  to += fmt::format("  {:<9}{:<15}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n", "from", "planned", "offered", "answered", "errors",
                    "p50", "p99", "max");
  for (const model::load_stage& each : stages) {
    const observe::histogram& response = each.latency.response_time;
    to += fmt::format("  {:<9}{:<15}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n", fmt::format("{:g}s", each.start_s), each.shape,
                      each.offered, each.answered, model::total_of(each.errors), quantile_text(response, 0.5),
                      quantile_text(response, 0.99), known_text(response, static_cast<double>(response.max())));
    if (intervals) append_row_interval(to, each);
  }
}

void append_bursts(std::string& to, const std::vector<model::load_stage>& stages) {
  for (const model::load_stage& each : stages) {
    if (!each.burst) continue;
    const model::burst_return& seen = *each.burst;
    to += fmt::format("  burst {} until {:g}s: ", each.shape, each.start_s + each.length_s);
    if (seen.back_until_s) {
      to += fmt::format("back to the level of before (p99 {}) within {:g} to {:g} s\n",
                        time_text(*seen.level_p99_ms * 1e6), *seen.back_from_s, *seen.back_until_s);
    } else {
      to += fmt::format("{}\n", seen.why_not);
    }
  }
}

void append_routes(std::string& to, const std::vector<model::load_route>& routes, bool intervals) {
  std::size_t widest = 5;
  for (const model::load_route& each : routes) widest = std::max(widest, each.name.size());
  to += fmt::format("  {:<{}}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n", "route", widest + 1, "offered", "answered", "errors",
                    "p50", "p99", "max");
  for (const model::load_route& each : routes) {
    const observe::histogram& response = each.latency.response_time;
    to += fmt::format("  {:<{}}{:>9}{:>9}{:>8}{:>9}{:>9}{:>9}\n", each.name, widest + 1, each.offered, each.answered,
                      model::total_of(each.errors), quantile_text(response, 0.5), quantile_text(response, 0.99),
                      known_text(response, static_cast<double>(response.max())));
    if (intervals) append_row_interval(to, each);
  }
}

}  // namespace assay::report
