#include "lab/load/part_findings.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "lab/load/span.hpp"
#include "lab/load/steady_state.hpp"

namespace assay::load {
namespace {

// Of the parts from `from` on.
observe::histogram joined(std::span<const observe::histogram> parts, std::size_t from) {
  observe::histogram all = observe::histogram::create(run_parts::layout).value();
  for (const observe::histogram& each : parts.subspan(std::min(from, parts.size()))) {
    std::ignore = all.merge(each);  // of one layout
  }
  return all;
}

}  // namespace

part_findings findings_of(const observe::histogram& all, const run_parts& parts, const stretch& length) {
  part_findings found;
  const double part_s = in_seconds(length.planned) / run_parts::parts;
  const auto whole = static_cast<std::size_t>(in_seconds(length.measured) / part_s + 1e-6);
  found.steady = steadiness_of(parts.histograms().first(std::min(whole, run_parts::parts)), part_s);
  if (found.steady && found.steady->from_s > 0) {
    const auto from = static_cast<std::size_t>(std::llround(found.steady->from_s / part_s));
    found.steady->since = joined(parts.histograms(), from);
  }
  if (found.steady && found.steady->drift) return found;
  found.intervals = intervals_of(all, parts.histograms(), length.asked, length.bunches);
  return found;
}

}  // namespace assay::load
