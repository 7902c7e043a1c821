#include "cli/stages.hpp"

#include <optional>

#include "cli/values.hpp"
#include "lab/model/number.hpp"

namespace assay::cli {
namespace {

constexpr std::string_view forms =
    "expected LENGTH@RATE, LENGTH@FROM..TO, LENGTH@MEAN~SWING/PERIOD or LENGTH@RATE*TIMES, as in 30s@100, "
    "1m@100..500, 2m@300~200/20s or 30s@100*10";

bool read_ramp(std::string_view from, std::string_view to, load::stage& into) {
  const auto begin = model::parse_number(from);
  into.end_rate_per_s = model::parse_number(to);
  into.rate_per_s = begin.value_or(0);
  return begin && into.end_rate_per_s;
}

bool read_sine(std::string_view mean, std::string_view rest, load::stage& into) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  const auto rate = model::parse_number(mean);
  const auto swing = model::parse_number(rest.substr(0, slash));
  const auto period = parse_duration(rest.substr(slash + 1));
  if (!rate || !swing || !period) return false;
  into.rate_per_s = *rate;
  into.swing_per_s = *swing;
  into.period = *period;
  return true;
}

bool read_burst(std::string_view base, std::string_view times, load::stage& into) {
  into.burst_of_per_s = model::parse_number(base);
  const auto factor = model::parse_number(times);
  into.rate_per_s = into.burst_of_per_s.value_or(0) * factor.value_or(0);
  return into.burst_of_per_s && factor;
}

bool read_rates(std::string_view text, load::stage& into) {
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

}  // namespace

std::expected<load::stage, std::string> parse_stage(std::string_view text) {
  const auto refuse = [&] { return std::unexpected("--stage \"" + std::string(text) + "\": " + std::string(forms)); };
  const auto at = text.find('@');
  if (at == std::string_view::npos) return refuse();
  const auto length = parse_duration(text.substr(0, at));
  load::stage stage;
  if (!length || !read_rates(text.substr(at + 1), stage)) return refuse();
  stage.length = *length;
  return stage;
}

}  // namespace assay::cli
