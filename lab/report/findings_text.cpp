#include "lab/report/findings_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "lab/report/time_row.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::report {
namespace {

constexpr std::array columns{0.5, 0.9, 0.99, 0.999};

// Of the columns, a line for each reason; of those that share one the longest run tells all.
void append_untold(std::string& to, const std::vector<model::untold_interval>& untold) {
  for (const auto why :
       {model::untold_reason::few_parts, model::untold_reason::few_moments, model::untold_reason::long_moments}) {
    std::vector<std::string> names;
    model::untold_interval longest{.why = why};
    for (const model::untold_interval& each : untold) {
      const bool is_column = each.quantile == model::untold_interval::of_mean ||
                             std::ranges::find(columns, each.quantile) != columns.end();
      if (each.why != why || !is_column) continue;
      names.push_back(model::name_of(each));
      longest.times_longer = std::max(longest.times_longer, each.times_longer);
    }
    if (names.empty()) continue;
    to += fmt::format("    95 % of {}: not estimable: {}\n", fmt::join(names, ", "), model::why_untold(longest));
  }
}

}  // namespace

void append_intervals(std::string& to, const model::response_intervals& of) {
  if (!of.why_not.empty()) to += fmt::format("    95 %: not estimable: {}\n", of.why_not);
  if (!of.mean && of.quantiles.empty()) return append_untold(to, of.untold);
  const auto quantile = [&of](double q) {
    return std::ranges::find(of.quantiles, q, &model::quantile_interval::quantile);
  };
  for (const auto& [name, end] : {std::pair{"  95 % from", &model::time_interval::low_ns},
                                  std::pair{"  95 % to", &model::time_interval::high_ns}}) {
    to += fmt::format("  {:<14}{:>9}", name, of.mean ? time_text(*of.mean.*end) : "-");
    for (const double q : columns) {
      const auto known = quantile(q);
      to += fmt::format("{:>9}", known == of.quantiles.end() ? "-" : time_text(known->within.*end));
    }
    to += '\n';
  }
  append_untold(to, of.untold);
  if (of.from_s > 0) {
    to += fmt::format("    95 % are of the run from {:.3g}s on: until then the load grew\n", of.from_s);
  }
}

void append_steadiness(std::string& to, const std::optional<model::steadiness>& of, std::string_view what) {
  if (!of) return;
  if (of->from_s > 0) {
    to += fmt::format(
        "  steady from {:.3g}s on; until then the typical {} took {:.2g} times as long, and the times above are of "
        "both\n",
        of->from_s, what, of->before);
    if (of->since) append_row(to, fmt::format("from {:.3g}s on", of->from_s), *of->since);
    append_intervals(to, of->intervals);
  }
  if (of->drift) {
    to += fmt::format(
        "  not steady: the typical time {} {:.2g} times in this run, and no percentile says what "
        "comes after it\n",
        *of->drift > 1 ? "grew" : "fell to", *of->drift);
  }
}

void append_spectrum(std::string& to, std::string_view name, const observe::histogram& of) {
  constexpr int steps_a_halving = 5;
  constexpr double last_quantile = 0.99999;
  to += fmt::format("\n  {}: detailed percentile spectrum\n{:>12} {:>14} {:>10} {:>14}\n\n", name, "Value(ms)",
                    "Percentile", "TotalCount", "1/(1-Percentile)");
  double quantile = 0;
  for (int step = 0; quantile < last_quantile; ++step) {
    if (quantile > 0 && !observe::estimable(quantile, of.count())) break;
    const std::uint64_t value = std::min(of.value_at_quantile(quantile), of.max());  // a bucket may end beyond max()
    to += fmt::format("{:>12.3f} {:>14.6f} {:>10} {:>14.2f}\n", static_cast<double>(value) / 1e6, quantile,
                      of.count_at_or_below(value), 1 / (1 - quantile));
    quantile = 1 - std::pow(0.5, (step + 1.0) / steps_a_halving);
  }
  to += fmt::format("{:>12.3f} {:>14.6f} {:>10}\n", static_cast<double>(of.max()) / 1e6, 1.0, of.count());
  to += fmt::format("#[Mean = {:.3f}, Max = {:.3f}, Total count = {}]\n", of.mean() / 1e6,
                    static_cast<double>(of.max()) / 1e6, of.count());
}

std::string tick_text(std::chrono::nanoseconds tick) {
  return tick > tick.zero() ? fmt::format(" in ticks of {}", time_text(static_cast<double>(tick.count())))
                            : std::string();
}

void append_send_fit(std::string& to, const model::arrival_fit& of, model::arrival_law law, std::string_view name) {
  if (of.span_ns > 0) {
    to += fmt::format("  {}: {:.2g} % of {} spans of {} have another number of sends than {} arrivals in ticks", name,
                      100 * of.spans_off, of.spans, time_text(of.span_ns), label(law));
  } else {
    to += fmt::format("  {}: {:.2g} % of {} gaps differ from {} ones by more than {} and a quarter of the mean", name,
                      100 * of.gaps_off, of.gaps, label(law), time_text(of.tolerance_ns));
  }
  if (of.distance) {
    to += fmt::format("; distance {:.3f} from that law, by chance up to {:.3f}", *of.distance, *of.distance_by_chance);
  }
  to += '\n';
}

}  // namespace assay::report
