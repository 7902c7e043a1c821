#include "lab/load/stream_verdict.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::load {
namespace {

std::uint64_t measured(const model::stream_result& result) {
  switch (result.kind) {
    case model::stream_kind::idle:
      return result.open_at_end;
    case model::stream_kind::events:
      return result.events;
    case model::stream_kind::echo:
    case model::stream_kind::broadcast:
      break;
  }
  return result.latency.response_time.count();
}

const char* nothing_to_measure(model::stream_kind kind) {
  switch (kind) {
    case model::stream_kind::idle:
      return "no connection was open at the end";
    case model::stream_kind::events:
      return "no event came: there is nothing to measure";
    case model::stream_kind::echo:
    case model::stream_kind::broadcast:
      break;
  }
  return "no message came back: there is nothing to measure";
}

// The rules' words are of requests.
std::string for_streams(std::string reason) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> words{{
      {"use more threads (-t) or a lower rate", "use a lower rate, or several processes with fewer connections"},
      {"requests had no connection", "messages or connections did not come about"},
      {" with idle connections", ""},
  }};
  for (const auto& [theirs, ours] : words) {
    if (const std::size_t at = reason.find(theirs); at != std::string::npos) reason.replace(at, theirs.size(), ours);
  }
  return reason;
}

double p99_ns(const observe::histogram& of) { return static_cast<double>(of.value_at_quantile(0.99)); }

// What the reader is shown, and what is read late in it.
double shown_p99_ns(const model::stream_result& result) {
  if (result.kind != model::stream_kind::events) return p99_ns(result.latency.response_time);
  return p99_ns(result.gap.count() > 0 ? result.gap : result.first_event);
}

}  // namespace

void judge_validity(model::stream_result& result, const verdict_bounds& bounds,
                    const stream_verdict_bounds& of_streams) {
  const bool sends = result.offered_rate.has_value();
  const std::uint64_t count = measured(result);
  result.reasons.clear();
  if (count == 0) result.reasons.emplace_back(nothing_to_measure(result.kind));
  // One in place of none: that there is nothing to measure has been said.
  for (std::string& reason : invalid_reasons(
           result.generator, sends ? model::load_model::open : model::load_model::closed, count + 1, bounds)) {
    result.reasons.push_back(for_streams(std::move(reason)));
  }
  if (result.arrivals_seen) {
    for (std::string& reason : invalid_reasons(*result.arrivals_seen, result.arrivals, bounds)) {
      result.reasons.push_back(for_streams(std::move(reason)));
    }
  }
  // The whole run's lateness is theirs, and says less.
  if (result.generator.own_lag_p99_ns <= bounds.own_lag_p99_ns) {
    for (std::string& reason : invalid_reasons(result.stages, bounds)) {
      result.reasons.push_back(for_streams(std::move(reason)));
    }
  }
  const double first = p99_ns(result.first_event);
  const auto opened_late = static_cast<double>(result.generator.own_lag_p99_ns);
  if (result.kind == model::stream_kind::events && result.generator.own_lag_p99_ns > bounds.own_lag_p99_ns &&
      opened_late > of_streams.receive_lag_share * first) {
    result.reasons.push_back(
        fmt::format("generator late in connecting: p99 {:.2f} ms of {:.2f} ms to the first event is its own: use a "
                    "lower --connect-rate",
                    opened_late / 1e6, first / 1e6));
  }
  const double shown = shown_p99_ns(result);
  const auto own = static_cast<double>(result.receive_lag_p99_ns);
  if (result.receive_lag_p99_ns > bounds.own_lag_p99_ns && own > of_streams.receive_lag_share * shown) {
    result.reasons.push_back(
        fmt::format("generator late in reading: p99 {:.2f} ms of {:.2f} ms is its own: use a lower "
                    "rate, or several processes with fewer connections",
                    own / 1e6, shown / 1e6));
  }
  const std::vector<std::string> stalled = invalid_reasons(result.stalls, model::load_model::open, bounds);
  result.reasons.insert(result.reasons.end(), stalled.begin(), stalled.end());
  result.valid = result.reasons.empty();
}

}  // namespace assay::load
