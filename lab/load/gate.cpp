#include "lab/load/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lab/load/recorder.hpp"
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

std::optional<gate> parse_gate(std::string_view text) {
  const auto sign = text.find_first_of("<>");
  if (sign == std::string_view::npos) return std::nullopt;
  const std::string_view name = trimmed(text.substr(0, sign));
  const std::string_view limit = trimmed(text.substr(sign + 1));
  gate read{.text = std::string(text)};
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
  if (result.model == model::load_model::open) return result.offered_requests;
  std::uint64_t attempts = result.requests;
  for (const auto& [kind, count] : result.errors) attempts += is_of_answers(kind) ? 0 : count;
  return attempts;
}

// The longest of all bursts; nothing when there was none, or one was not seen to be over.
std::optional<double> back_after_ns(const std::vector<model::load_stage>& stages) {
  std::optional<double> longest;
  for (const model::load_stage& each : stages) {
    if (!each.burst) continue;
    if (!each.burst->back_until_s) return std::nullopt;
    longest = std::max(longest.value_or(0), *each.burst->back_until_s * 1e9);
  }
  return longest;
}

// The measured value; nothing when it cannot be told.
std::optional<double> measured(const gate& of, const model::load_result& result) {
  const observe::histogram& times = result.latency.response_time;
  switch (of.what) {
    case gated::rate:
      return result.achieved_rps;
    case gated::error_share:
      return error_share_of(result);
    case gated::mean:
      return times.count() > 0 ? std::optional(times.mean()) : std::nullopt;
    case gated::max:
      return times.count() > 0 ? std::optional(static_cast<double>(times.max())) : std::nullopt;
    case gated::quantile:
      return observe::estimated_quantile(times, of.quantile);
    case gated::back:
      return back_after_ns(result.stages);
  }
  return std::nullopt;
}

std::string value_text(const gate& of, double value) {
  if (of.what == gated::rate) return fmt::format("{:.2f}/s", value);
  if (of.what == gated::error_share) return fmt::format("{:.3g}%", 100 * value);
  if (of.what == gated::back) return fmt::format("{:g}s", value / 1e9);
  return fmt::format("{:.4g}ms", value / 1e6);
}

std::string why_unknown(const gate& of, const model::load_result& result) {
  if (of.what != gated::back) {
    return fmt::format("not estimable from {} answers", result.latency.response_time.count());
  }
  const bool any = std::ranges::any_of(result.stages, [](const auto& each) { return each.burst.has_value(); });
  return any ? "not seen to be back" : "no stage was a burst";
}

}  // namespace

double error_share_of(const model::load_result& result) {
  std::uint64_t failed = 0;
  for (const auto& [kind, count] : result.errors) failed += count;
  const std::uint64_t attempts = attempts_of(result);
  return attempts == 0 ? 1 : static_cast<double>(failed) / static_cast<double>(attempts);
}

std::expected<std::vector<gate>, std::string> parse_gates(std::string_view text) {
  std::vector<gate> gates;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view one = trimmed(text.substr(0, comma));
    std::optional<gate> read = parse_gate(one);
    if (!read) {
      return std::unexpected(fmt::format(
          "\"{}\": expected a gate such as p99<50ms, mean<10ms, max<1s, errors<0.1%, rate>950 or back<10s", one));
    }
    gates.push_back(std::move(*read));
    if (comma == std::string_view::npos) return gates;
    text.remove_prefix(comma + 1);
  }
}

bool judge_gates(const std::vector<gate>& gates, model::load_result& result) {
  bool all_met = true;
  for (const gate& each : gates) {
    const std::optional<double> value = measured(each, result);
    const bool met = value && (each.what == gated::rate ? *value > each.limit : *value < each.limit);
    all_met = all_met && met;
    result.gates.push_back(
        {.gate = each.text, .met = met, .measured = value ? value_text(each, *value) : why_unknown(each, result)});
  }
  return all_met;
}

}  // namespace assay::load
