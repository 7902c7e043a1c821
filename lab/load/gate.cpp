#include "lab/load/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "lab/load/recorder.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/model/duration.hpp"
#include "lab/model/number.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::optional<double> number(std::string_view text) {
  const std::optional<double> value = model::parse_number(text);
  return value && std::isfinite(*value) && *value >= 0 ? value : std::nullopt;
}

std::optional<double> share(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto value = number(text);
  if (!value) return std::nullopt;
  const double read = percent ? *value / 100 : *value;
  return read <= 1 ? std::optional(read) : std::nullopt;
}

// "p99.9" is 0.999.
std::optional<double> quantile_of(std::string_view name) {
  if (!name.starts_with('p')) return std::nullopt;
  const auto percent = number(name.substr(1));
  return percent && *percent > 0 && *percent < 100 ? std::optional(*percent / 100) : std::nullopt;
}

std::optional<double> time_ns(std::string_view text) {
  const auto read = model::parse_duration(text);
  return read ? std::optional(static_cast<double>(read->count())) : std::nullopt;
}

// "p99[GET /a]" is p99 of "GET /a".
bool take_part(std::string_view& name, gate& into) {
  const auto begin = name.find('[');
  if (begin == std::string_view::npos) return true;
  if (!name.ends_with(']')) return false;
  into.part = trimmed(name.substr(begin + 1, name.size() - begin - 2));
  name = trimmed(name.substr(0, begin));
  return !into.part.empty() && name != "back";
}

// "50ms every 10s" is 50ms of each window of 10 s.
bool take_window(std::string_view& limit, gate& into) {
  constexpr std::string_view every = " every ";
  const auto begin = limit.find(every);
  if (begin == std::string_view::npos) return true;
  const auto length = model::parse_duration(trimmed(limit.substr(begin + every.size())));
  if (!length || length->count() <= 0) return false;
  into.every = *length;
  limit = trimmed(limit.substr(0, begin));
  return into.part.empty();
}

std::optional<gate> parse_gate(std::string_view text) {
  const auto sign = text.find_first_of("<>", text.find(']') == std::string_view::npos ? 0 : text.rfind(']'));
  if (sign == std::string_view::npos) return std::nullopt;
  std::string_view name = trimmed(text.substr(0, sign));
  std::string_view limit = trimmed(text.substr(sign + 1));
  gate read{.text = std::string(text)};
  if (!take_part(name, read) || !take_window(limit, read)) return std::nullopt;
  if (name == "back" && read.every > duration::zero()) return std::nullopt;
  std::optional<double> parsed;
  if (name == "rate") {
    read.what = gated::rate;
    parsed = number(limit);
  } else if (name == "errors") {
    read.what = gated::error_share;
    parsed = share(limit);
  } else if (name == "mean" || name == "max" || name == "back") {
    read.what = name == "mean" ? gated::mean : name == "max" ? gated::max : gated::back;
    parsed = time_ns(limit);
  } else if (const auto quantile = quantile_of(name)) {
    read.quantile = *quantile;
    parsed = time_ns(limit);
  }
  const char direction = read.what == gated::rate ? '>' : '<';
  if (!parsed || text[sign] != direction) return std::nullopt;
  read.limit = *parsed;
  return read;
}

// Requests that were due, or in the closed model begun.
std::uint64_t attempts_of(const model::load_result& result) {
  if (result.model != model::load_model::closed) return result.offered_requests;
  std::uint64_t attempts = result.requests;
  for (const auto& [kind, count] : result.errors) attempts += is_of_answers(kind) ? 0 : count;
  return attempts;
}

template <class Part>
gated_part part_from(const Part& of, double seconds) {
  gated_part part{.times = &of.latency.response_time,
                  .rate_rps = static_cast<double>(of.answered) / seconds,
                  .intervals = of.intervals ? &*of.intervals : nullptr};
  if (of.offered > 0)
    part.error_share = static_cast<double>(model::total_of(of.errors)) / static_cast<double>(of.offered);
  return part;
}

// Nothing when the run has no such part, or ended before it.
std::optional<gated_part> part_of(const gate& of, const model::load_result& result) {
  if (of.part.empty()) {
    const bool tried = attempts_of(result) > 0;
    return gated_part{.times = &result.latency.response_time,
                      .rate_rps = result.achieved_rps,
                      .error_share = tried ? std::optional(error_share_of(result)) : std::nullopt,
                      .intervals = &result.intervals};
  }
  const auto route = std::ranges::find(result.routes, of.part, &model::load_route::name);
  if (route != result.routes.end()) {
    return part_from(*route, std::max(1e-9, std::chrono::duration<double>(result.duration).count()));
  }
  const auto index = stage_index_of(of.part);
  if (!index || *index >= result.stages.size()) return std::nullopt;
  const model::load_stage& stage = result.stages[*index];
  return part_from(stage, std::max(1e-9, stage.length_s));
}

gated_part part_from(const model::load_window& of) {
  gated_part part{.times = &of.response_time, .rate_rps = static_cast<double>(of.answered) / of.length_s};
  if (of.offered > 0) part.error_share = static_cast<double>(of.errors) / static_cast<double>(of.offered);
  return part;
}

// The measured value, nothing when it cannot be told, and its interval, if it has one; and the window that it is of, or
// that does not tell it.
struct measured_value {
  std::optional<double> value = {};
  std::optional<model::time_interval> within = {};
  const model::load_window* in = nullptr;
};

// Of the worst window in which anything was to be sent.
measured_value measured_by_window(const gate& of, const model::load_result& result) {
  measured_value worst;
  for (const model::load_window& each : result.windows) {
    if (each.offered == 0) continue;
    const std::optional<double> value = value_of(of, part_from(each));
    if (!value) return {.in = &each};
    const bool worse = !worst.value || (of.what == gated::rate ? *value < *worst.value : *value > *worst.value);
    if (worse) worst = {.value = value, .in = &each};
  }
  return worst;
}

measured_value measured(const gate& of, const model::load_result& result) {
  if (of.every > duration::zero()) return measured_by_window(of, result);
  if (of.what == gated::back) return {.value = back_after_ns(result.stages)};
  const std::optional<gated_part> part = part_of(of, result);
  if (!part) return {};
  return {.value = value_of(of, *part), .within = interval_of(of, *part)};
}

std::string place_text(const model::load_window* in) {
  return in == nullptr ? "" : fmt::format(" in {:g}s to {:g}s", in->start_s, in->start_s + in->length_s);
}

std::string value_text(const gate& of, double value) {
  if (of.what == gated::rate) return fmt::format("{:.2f}/s", value);
  if (of.what == gated::error_share) return fmt::format("{:.3g}%", 100 * value);
  if (of.what == gated::back) return fmt::format("{:g}s", value / 1e9);
  return fmt::format("{:.4g}ms", value / 1e6);
}

std::string why_unknown(const gate& of, const measured_value& seen, const model::load_result& result) {
  if (seen.in != nullptr) {
    return fmt::format("not estimable from {} answers{}", seen.in->response_time.count(), place_text(seen.in));
  }
  if (of.every > duration::zero()) return "the run had no whole window";
  const std::optional<gated_part> part = part_of(of, result);
  if (!part) return "the run ended before it";
  return of.what == gated::back ? why_not_back(result.stages) : why_no_value(of, *part, "answers");
}

// The comma after the first gate; a name in [...] may have commas and brackets of its own.
std::size_t end_of_gate(std::string_view text) {
  const auto comma = text.find(',');
  const auto open = text.find('[');
  if (comma == std::string_view::npos || open == std::string_view::npos || comma < open) return comma;
  for (auto close = text.find(']', open); close != std::string_view::npos; close = text.find(']', close + 1)) {
    const auto sign = text.find_first_not_of(' ', close + 1);
    if (sign != std::string_view::npos && (text[sign] == '<' || text[sign] == '>')) return text.find(',', sign);
  }
  return comma;
}

std::expected<void, std::string> check_windows(const std::vector<gate>& gates, duration length) {
  const duration window = gate_window(gates);
  for (const gate& each : gates) {
    if (each.every == duration::zero()) continue;
    if (each.every != window) {
      return std::unexpected(fmt::format("\"{}\": expected the same length after every \"every\"", each.text));
    }
    if (window > length || window * static_cast<duration::rep>(max_windows) < length) {
      return std::unexpected(fmt::format("\"{}\": expected from 1 to {} windows in the {:g} s of this run", each.text,
                                         max_windows, std::chrono::duration<double>(length).count()));
    }
  }
  return {};
}

}  // namespace

std::optional<double> back_after_ns(const std::vector<model::load_stage>& stages) {
  std::optional<double> longest;
  for (const model::load_stage& each : stages) {
    if (!each.burst) continue;
    if (!each.burst->back_until_s) return std::nullopt;
    longest = std::max(longest.value_or(0), *each.burst->back_until_s * 1e9);
  }
  return longest;
}

std::string why_not_back(const std::vector<model::load_stage>& stages) {
  const bool any = std::ranges::any_of(stages, [](const auto& each) { return each.burst.has_value(); });
  return any ? "not seen to be back" : "no stage was a burst";
}

std::optional<std::size_t> stage_index_of(std::string_view name) {
  constexpr std::string_view stage = "stage ";
  if (!name.starts_with(stage)) return std::nullopt;
  const auto place = number(name.substr(stage.size()));
  if (!place || *place < 1 || *place > static_cast<double>(max_stages) || *place != std::floor(*place)) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(*place) - 1;
}

std::vector<double> gate_quantiles(const std::vector<gate>& gates) {
  std::vector<double> asked;
  for (const gate& each : gates) {
    if (each.what == gated::quantile) asked.push_back(each.quantile);
  }
  return asked;
}

duration gate_window(const std::vector<gate>& gates) {
  const auto windowed = [](const gate& each) { return each.every > duration::zero(); };
  const auto first = std::ranges::find_if(gates, windowed);
  return first == gates.end() ? duration::zero() : first->every;
}

std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const load_plan& plan) {
  if (const auto windows = check_windows(gates, plan.options.length); !windows) return windows;
  const std::size_t stages = plan.options.stages.size() > 1 ? plan.options.stages.size() : 0;
  const bool several = plan.several && plan.several->size() > 1;
  for (const gate& each : gates) {
    if (each.part.empty()) continue;
    bool known = stage_index_of(each.part).value_or(stages) < stages;
    for (std::size_t i = 0; several && i < plan.several->size(); ++i)
      known = known || (*plan.several)[i].name == each.part;
    if (known) continue;
    return std::unexpected(fmt::format(
        "\"{}\": this run has no \"{}\": expected the name of one of several requests, or stage 1 to stage {}",
        each.text, each.part, std::max<std::size_t>(stages, 1)));
  }
  return {};
}

double error_share_of(const model::load_result& result) {
  const std::uint64_t attempts = attempts_of(result);
  return attempts == 0 ? 1 : static_cast<double>(model::total_of(result.errors)) / static_cast<double>(attempts);
}

std::expected<std::vector<gate>, std::string> parse_gates(std::string_view text) {
  std::vector<gate> gates;
  while (true) {
    const auto comma = end_of_gate(text);
    const std::string_view one = trimmed(text.substr(0, comma));
    std::optional<gate> read = parse_gate(one);
    if (!read) {
      return std::unexpected(
          fmt::format("\"{}\": expected a gate such as p99<50ms, mean<10ms, max<1s, errors<0.1%, rate>950, back<10s, "
                      "p99[GET /a]<50ms or p99<50ms every 10s",
                      one));
    }
    gates.push_back(std::move(*read));
    if (comma == std::string_view::npos) return gates;
    text.remove_prefix(comma + 1);
  }
}

std::optional<double> value_of(const gate& of, const gated_part& part) {
  const observe::histogram& times = *part.times;
  switch (of.what) {
    case gated::rate:
      return part.rate_rps;
    case gated::error_share:
      return part.error_share;
    case gated::mean:
      return times.count() > 0 ? std::optional(times.mean()) : std::nullopt;
    case gated::max:
      return times.count() > 0 ? std::optional(static_cast<double>(times.max())) : std::nullopt;
    case gated::quantile:
      return observe::estimated_quantile(times, of.quantile);
    case gated::back:
      break;
  }
  return std::nullopt;
}

std::optional<model::time_interval> interval_of(const gate& of, const gated_part& part) {
  if (part.intervals == nullptr) return std::nullopt;
  if (of.what == gated::mean) return part.intervals->mean;
  if (of.what != gated::quantile) return std::nullopt;
  const auto& told = part.intervals->quantiles;
  const auto known = std::ranges::find(told, of.quantile, &model::quantile_interval::quantile);
  return known == told.end() ? std::nullopt : std::optional(known->within);
}

std::string why_no_value(const gate& of, const gated_part& part, std::string_view times) {
  if (of.what == gated::error_share) return "nothing was due";
  return fmt::format("not estimable from {} {}", part.times->count(), times);
}

model::gate_outcome outcome_of(const gate& of, const std::optional<double>& value, const std::string& remark,
                               const std::optional<model::time_interval>& within) {
  const bool met = value && (of.what == gated::rate ? *value > of.limit : *value < of.limit);
  model::gate_outcome outcome{
      .gate = of.text, .met = met, .measured = value ? value_text(of, *value) + remark : remark};
  if (value && within) {
    outcome.within = within;
    outcome.proven = met ? within->high_ns < of.limit : within->low_ns >= of.limit;
  }
  return outcome;
}

std::optional<std::string> untold_for_stalls(const gate& of, const model::own_stalls& stalls) {
  const bool of_run = of.part.empty() && of.every == duration::zero();
  if (!of_run || (of.what != gated::quantile && of.what != gated::max)) return std::nullopt;
  const double quantile = of.what == gated::max ? 1 : of.quantile;
  // By the same number that was asked for: 99.9 / 100 is not 0.999.
  const auto& asked = stalls.asked;
  const auto found = std::ranges::find(asked, quantile, &model::touched_time::quantile);
  if (found == asked.end() || found->least_ns >= of.limit) return std::nullopt;
  return fmt::format("\"{}\" is not told: {} can be the generator's own stall, without which it is {} or more", of.text,
                     value_text(of, found->measured_ns), value_text(of, found->least_ns));
}

bool judge_gates(const std::vector<gate>& gates, model::load_result& result) {
  bool all_met = true;
  for (const gate& each : gates) {
    const measured_value seen = measured(each, result);
    const std::string remark = seen.value ? place_text(seen.in) : why_unknown(each, seen, result);
    result.gates.push_back(outcome_of(each, seen.value, remark, seen.within));
    all_met = all_met && result.gates.back().met;
    if (!seen.value || result.gates.back().met) continue;
    if (std::optional<std::string> why = untold_for_stalls(each, result.stalls)) {
      result.reasons.push_back(std::move(*why));
      result.valid = false;
    }
  }
  return all_met;
}

}  // namespace assay::load
