#include "lab/load/gate_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "lab/model/duration.hpp"
#include "lab/model/number.hpp"

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
  return true;
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

}  // namespace

std::expected<std::vector<gate>, std::string> parse_gates(std::string_view text) {
  std::vector<gate> gates;
  while (true) {
    const auto comma = end_of_gate(text);
    const std::string_view one = trimmed(text.substr(0, comma));
    std::optional<gate> read = parse_gate(one);
    if (!read) {
      return std::unexpected(
          fmt::format("\"{}\": expected a gate such as p99<50ms, mean<10ms, max<1s, errors<0.1%, rate>950, back<10s, "
                      "p99[GET /a]<50ms or p99[GET /a]<50ms every 10s",
                      one));
    }
    gates.push_back(std::move(*read));
    if (comma == std::string_view::npos) return gates;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace assay::load
