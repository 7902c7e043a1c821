#include "lab/load/part_findings.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

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

double seconds_a_part(const stretch& of) { return in_seconds(of.planned) / run_parts::parts; }

// The first that is not left out; a tenth of one is nothing.
std::size_t first_of(const stretch& of) {
  return static_cast<std::size_t>(in_seconds(of.even_from) / seconds_a_part(of) + 0.9);
}

// Those that are not left out, as far as they were measured to their end.
std::span<const observe::histogram> whole_of(const run_parts& parts, const stretch& of) {
  const auto end = static_cast<std::size_t>(in_seconds(of.measured) / seconds_a_part(of) + 1e-6);
  const std::span<const observe::histogram> whole = parts.histograms().first(std::min(end, run_parts::parts));
  return whole.subspan(std::min(first_of(of), whole.size()));
}

// Those that are left out take their bunches with them.
std::uint64_t bunches_in(const observe::histogram& used, const observe::histogram& all, std::uint64_t bunches) {
  if (bunches == each_its_own || all.count() == 0) return bunches;
  const double share = static_cast<double>(used.count()) / static_cast<double>(all.count());
  return static_cast<std::uint64_t>(static_cast<double>(bunches) * std::min(share, 1.0));
}

}  // namespace

std::string why_not_even(const run_parts& parts, const stretch& length) {
  if (2 * length.even_from > length.measured) {
    return "sessions take more than half of the run: for most of it more and more of them were under way";
  }
  std::vector<double> logs;
  for (const observe::histogram& each : whole_of(parts, length)) {
    logs.push_back(std::log(static_cast<double>(std::max<std::uint64_t>(each.count(), 1))));
  }
  if (logs.size() < least_steady_parts) return "the run was ended too early";
  const std::optional<double> drift = steadiness_of_series(logs, seconds_a_part(length)).drift;
  if (!drift) return {};
  return *drift > 1 ? "more and more requests were due through all of the run"
                    : "fewer and fewer requests were due through all of the run";
}

part_findings findings_of(const observe::histogram& all, const run_parts& parts, const stretch& length) {
  part_findings found;
  const double part_s = seconds_a_part(length);
  const std::size_t first = std::min(first_of(length), run_parts::parts);
  const double begin_s = static_cast<double>(first) * part_s;
  found.steady = steadiness_of(whole_of(parts, length), part_s);
  if (found.steady && found.steady->from_s > 0) {
    const auto from = static_cast<std::size_t>(std::llround(found.steady->from_s / part_s));
    const auto rest = parts.histograms().subspan(first + from);
    found.steady->since = joined(rest, 0);
    found.steady->from_s += begin_s;
    if (!found.steady->drift) {
      const observe::histogram& since = *found.steady->since;
      found.steady->intervals = intervals_of(since, rest, length.asked, bunches_in(since, all, length.bunches));
    }
  }
  if (found.steady && found.steady->drift) return found;
  const std::span<const observe::histogram> used = parts.histograms().subspan(first);
  const observe::histogram of_used = first == 0 ? all : joined(used, 0);
  found.intervals = intervals_of(of_used, used, length.asked, bunches_in(of_used, all, length.bunches));
  found.intervals.from_s = begin_s;
  return found;
}

}  // namespace assay::load
