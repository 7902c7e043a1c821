#include "lab/load/burst_return.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "lab/load/span.hpp"

namespace assay::load {
namespace {

using second = model::load_second;

struct level {
  double p99_ms = 0;
  double error_share = 0;

  bool covers(const level& of) const { return of.p99_ms <= p99_ms && of.error_share <= error_share; }
};

level level_of(const second& of) {
  return {.p99_ms = of.response_p99_ms,
          .error_share = static_cast<double>(of.errors) / static_cast<double>(of.offered)};
}

// The whole seconds between two instants of the run.
std::span<const second> between(const std::vector<second>& seconds, double from_s, double until_s) {
  const auto first = std::min(static_cast<std::size_t>(std::ceil(std::max(from_s, 0.0))), seconds.size());
  const auto last = std::min(static_cast<std::size_t>(std::floor(std::max(until_s, 0.0))), seconds.size());
  return first < last ? std::span(seconds).subspan(first, last - first) : std::span<const second>();
}

std::optional<level> level_before(std::span<const second> seconds) {
  level worst;
  int told = 0;
  for (const second& each : seconds) {
    if (each.offered == 0) continue;
    const level seen = level_of(each);
    worst = {.p99_ms = std::max(worst.p99_ms, seen.p99_ms),
             .error_share = std::max(worst.error_share, seen.error_share)};
    ++told;
  }
  return told >= least_level_seconds ? std::optional(worst) : std::nullopt;
}

// The first second from which on it is settled; nothing when there is none.
const second* settled(std::span<const second> seconds, const level& within) {
  const second* first = nullptr;
  int in_a_row = 0;
  for (const second& each : seconds) {
    if (each.offered == 0) continue;
    if (!within.covers(level_of(each))) {
      in_a_row = 0;
      continue;
    }
    if (in_a_row == 0) first = &each;
    if (++in_a_row == settled_seconds) return first;
  }
  return nullptr;
}

}  // namespace

model::burst_return return_after_burst(const std::vector<stage>& stages, std::size_t index,
                                       const std::vector<second>& seconds, duration measured) {
  duration begin{};
  duration before{};  // where another burst ended
  for (std::size_t i = 0; i < index; ++i) {
    begin += stages[i].length;
    if (stages[i].burst_of_per_s) before = begin;
  }
  const duration end = std::min(begin + stages[index].length, measured);
  duration next = end;
  for (std::size_t i = index + 1; i < stages.size() && !stages[i].burst_of_per_s; ++i) next += stages[i].length;
  next = std::min(next, measured);

  const double begin_s = in_seconds(begin);
  const double end_s = in_seconds(end);
  model::burst_return told{.watched_s = in_seconds(next - end)};
  const double level_from_s = std::max(in_seconds(before), std::floor(begin_s) - most_level_seconds);
  const std::optional<level> was = level_before(between(seconds, level_from_s, begin_s));
  if (!was) {
    told.why_not =
        fmt::format("the level before is not known: expected at least {} seconds of requests before the burst",
                    least_level_seconds);
    return told;
  }
  told.level_p99_ms = was->p99_ms;
  const level allowed{.p99_ms = was->p99_ms * level_allowance, .error_share = was->error_share * level_allowance};
  const second* const back = settled(between(seconds, end_s, in_seconds(next)), allowed);
  if (back == nullptr) {
    told.why_not = fmt::format("not back for {} seconds in a row within {:g} s", settled_seconds, told.watched_s);
    return told;
  }
  told.back_from_s = std::max(0.0, back->at_s - end_s);
  told.back_until_s = back->at_s + 1 - end_s;
  return told;
}

}  // namespace assay::load
