#include "lab/load/stage_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "lab/load/options.hpp"
#include "lab/model/duration.hpp"
#include "lab/model/number.hpp"

namespace assay::load {
namespace {

constexpr std::string_view stage_forms =
    "expected LENGTH@RATE, LENGTH@FROM..TO, LENGTH@MEAN~SWING/PERIOD or LENGTH@RATE*TIMES, as in 30s@100, "
    "1m@100..500, 2m@300~200/20s or 30s@100*10";
constexpr std::string_view group_form =
    "expected TIMESx(STAGE, STAGE, ...), as in 5x(30s@100*10, 1m@100), with a whole number of times from 1 on";

std::optional<duration> read_length(std::string_view text) {
  const auto read = model::parse_duration(text, model::bare_number::seconds);
  return read ? std::optional<duration>(*read) : std::nullopt;
}

bool read_ramp(std::string_view from, std::string_view to, stage& into) {
  const auto begin = model::parse_number(from);
  into.end_rate_per_s = model::parse_number(to);
  into.rate_per_s = begin.value_or(0);
  return begin && into.end_rate_per_s;
}

bool read_sine(std::string_view mean, std::string_view rest, stage& into) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  const auto rate = model::parse_number(mean);
  const auto swing = model::parse_number(rest.substr(0, slash));
  const auto period = read_length(rest.substr(slash + 1));
  if (!rate || !swing || !period) return false;
  into.rate_per_s = *rate;
  into.swing_per_s = *swing;
  into.period = *period;
  return true;
}

bool read_burst(std::string_view base, std::string_view times, stage& into) {
  into.burst_of_per_s = model::parse_number(base);
  const auto factor = model::parse_number(times);
  into.rate_per_s = into.burst_of_per_s.value_or(0) * factor.value_or(0);
  return into.burst_of_per_s && factor;
}

bool read_rates(std::string_view text, stage& into) {
  if (const auto dots = text.find(".."); dots != std::string_view::npos) {
    return read_ramp(text.substr(0, dots), text.substr(dots + 2), into);
  }
  if (const auto wave = text.find('~'); wave != std::string_view::npos) {
    return read_sine(text.substr(0, wave), text.substr(wave + 1), into);
  }
  if (const auto star = text.find('*'); star != std::string_view::npos) {
    return read_burst(text.substr(0, star), text.substr(star + 1), into);
  }
  const auto rate = model::parse_number(text);
  into.rate_per_s = rate.value_or(0);
  return rate.has_value();
}

std::optional<stage> read_stage(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto length = read_length(text.substr(0, at));
  stage read;
  if (!length || !read_rates(text.substr(at + 1), read)) return std::nullopt;
  read.length = *length;
  return read;
}

std::string_view without_spaces(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The number of times, before the parenthesis; nothing when it is none.
std::optional<std::size_t> read_times(std::string_view text) {
  if (!text.ends_with('x')) return std::nullopt;
  const auto read = model::parse_number(text.substr(0, text.size() - 1));
  const bool whole = read && std::isfinite(*read) && *read == std::floor(*read);
  // What is beyond any limit is refused for its stages, with their number.
  return whole && *read >= 1 && *read <= 1e9 ? std::optional(static_cast<std::size_t>(*read)) : std::nullopt;
}

// What stands between the parentheses of a group, once. The error is without the group's text.
std::expected<std::vector<stage>, std::string> read_members(std::string_view list) {
  std::vector<stage> once;
  while (true) {
    const auto comma = list.find(',');
    const std::string_view each = without_spaces(list.substr(0, comma));
    const std::optional<stage> read = read_stage(each);
    if (!read) return std::unexpected(fmt::format("\"{}\" in it: {}", each, stage_forms));
    once.push_back(*read);
    if (comma == std::string_view::npos) return once;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

std::expected<std::vector<stage>, std::string> parse_stages(std::string_view text) {
  const auto refuse = [text](std::string_view why) { return std::unexpected(fmt::format("\"{}\": {}", text, why)); };
  const auto parenthesis = text.find('(');
  if (parenthesis == std::string_view::npos) {
    std::optional<stage> read = read_stage(text);
    if (!read) return refuse(stage_forms);
    return std::vector{std::move(*read)};
  }
  const std::optional<std::size_t> times = read_times(text.substr(0, parenthesis));
  if (!times || !text.ends_with(')')) return refuse(group_form);
  const auto once = read_members(text.substr(parenthesis + 1, text.size() - parenthesis - 2));
  if (!once) return refuse(once.error());
  if (*times > max_stages / once->size()) {
    return refuse(
        fmt::format("{} times {} stages, expected at most {} stages in all", *times, once->size(), max_stages));
  }
  std::vector<stage> all;
  for (std::size_t i = 0; i < *times; ++i) all.insert(all.end(), once->begin(), once->end());
  return all;
}

std::expected<void, std::string> check_stage(const stage& given) {
  const auto is_rate = [](double rate) { return std::isfinite(rate) && rate >= 0 && rate <= max_rate_per_s; };
  const auto refuse = [&given](std::string_view why) {
    return std::unexpected(fmt::format("{}: {}", shape_text(given), why));
  };
  if (!is_rate(given.rate_per_s) || !is_rate(given.end_rate_per_s.value_or(0))) {
    return refuse(fmt::format("expected rates from 0 to {:.0f} requests per second", max_rate_per_s));
  }
  if (!std::isfinite(given.swing_per_s) || given.swing_per_s < 0 || given.swing_per_s > given.rate_per_s) {
    return refuse("expected a swing of at most the mean, since no rate is below zero");
  }
  if (given.swing_per_s > 0 && given.period <= duration::zero()) return refuse("expected a period above 0");
  if (given.burst_of_per_s && (*given.burst_of_per_s <= 0 || given.rate_per_s <= *given.burst_of_per_s)) {
    return refuse("expected a burst of a rate above 0 and of more than 1 time as much");
  }
  if (given.length <= duration::zero() || given.length > max_length) {
    return refuse("expected a length of more than 0 and at most 7 days");
  }
  return {};
}

}  // namespace assay::load
