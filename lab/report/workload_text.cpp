#include "lab/report/workload_text.hpp"

#include <fmt/format.h>

#include "lab/model/utc_text.hpp"

namespace assay::report {
namespace {

using model::likeness;
using model::measure_comparison;
using enum model::measure_kind;

constexpr std::size_t name_columns = 40;

std::string name_of(const measure_comparison& of) {
  switch (of.kind) {
    case rate:
      return "rate";
    case route:
      return of.of;
    case status:
      return "status " + of.of;
    case bytes:
      return "size of responses, " + of.of;
    case gaps:
      return "gaps between requests, " + of.of;
    case dispersion:
      return "dispersion of counts at " + of.of;
    case peak:
      return "peak to mean at " + of.of;
    case session_length:
      return "requests a session";
    case short_sessions:
      return "sessions of one request";
  }
  return "unknown";
}

std::string value_text(const measure_comparison& of, const std::optional<double>& value) {
  if (!value) return "-";
  if (model::is_share(of.kind)) return fmt::format("{:.2f} %", 100 * *value);
  if (of.kind == rate) return fmt::format("{:.3g}/s", *value);
  if (of.kind == bytes) return fmt::format("{:.4g} B", *value - 1);
  return fmt::format("{:.3g}", *value);
}

std::string change_text(const measure_comparison& of) {
  if (of.verdict == likeness::not_compared) return of.why;
  if (model::is_share(of.kind)) {
    return fmt::format("{:+.2f} ({:+.2f} to {:+.2f}) points, margin {:g}", 100 * of.change, 100 * of.low, 100 * of.high,
                       100 * of.margin);
  }
  return fmt::format("x {:.3g} ({:.3g} to {:.3g}), margin x {:g}", of.change, of.low, of.high, of.margin);
}

void append_verdict(std::string& to, const model::workload_comparison& of) {
  const auto differ = of.count(likeness::differs);
  const auto open = of.count(likeness::inconclusive);
  const auto same = of.count(likeness::same);
  switch (of.verdict()) {
    case likeness::differs:
      to += fmt::format("DIFFERENT: {} of {} measures", differ, differ + open + same);
      break;
    case likeness::same:
      to += fmt::format("THE SAME: all of {} measures, within their margins", same);
      break;
    default:
      to += fmt::format("INCONCLUSIVE: no difference found, {} of {} measures are not known well enough", open,
                        open + same);
  }
  to += '\n';
}

void append_side(std::string& to, char which, const model::workload_side& of) {
  to += fmt::format("  {}  {}: {} requests, {} to {}\n", which, of.name, of.requests, model::utc_text(of.first),
                    model::utc_text(of.last));
}

}  // namespace

std::string workload_text(const model::workload_comparison& of) {
  std::string text;
  append_verdict(text, of);
  append_side(text, 'A', of.a);
  append_side(text, 'B', of.b);
  text += fmt::format("\n{:<12}  {:<{}} {:>10} {:>10}  {}\n", "", "", name_columns, "A", "B",
                      "B against A, with its 95 % interval");
  for (const measure_comparison& each : of.measures) {
    std::string name = name_of(each);
    if (name.size() > name_columns) name = name.substr(0, name_columns - 3) + "...";
    text += fmt::format("{:<12}  {:<{}} {:>10} {:>10}  {}\n", model::label(each.verdict), name, name_columns,
                        value_text(each, each.a), value_text(each, each.b), change_text(each));
  }
  if (of.too_small > 0) {
    text += fmt::format("{:<12}  {} routes and statuses, too rare on both sides to differ by the margin\n",
                        "not compared", of.too_small);
  }
  if (of.steps) {
    text += fmt::format(
        "{:<12}  ways from route to route: {:.2f} of the steps apart ({:.2f} to {:.2f}), margin {:g}; not in the "
        "verdict\n",
        model::label(of.steps->verdict), of.steps->distance, of.steps->low, of.steps->high, of.steps->margin);
  }
  return text;
}

}  // namespace assay::report
