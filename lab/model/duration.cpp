#include "lab/model/duration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace assay::model {
namespace {

constexpr double most_seconds = 1e9;  // fits the clock with room to spare
constexpr std::array units{std::pair{std::string_view("h"), 3600.0}, std::pair{std::string_view("m"), 60.0},
                           std::pair{std::string_view("s"), 1.0}, std::pair{std::string_view("ms"), 1e-3},
                           std::pair{std::string_view("us"), 1e-6}};

}  // namespace

std::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text, bare_number bare) {
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const auto* const known = std::ranges::find(units, unit, [](const auto& each) { return each.first; });
  const bool in_seconds = unit.empty() && bare == bare_number::seconds;
  const double scale = known != units.end() ? known->second : 1;
  const bool usable = failed == std::errc() && (known != units.end() || in_seconds) && std::isfinite(number);
  if (!usable || std::signbit(number) || number * scale > most_seconds) {
    return std::unexpected("\"" + std::string(text) + "\": expected a duration such as 30s, 5m, 1.5h or 250ms");
  }
  return std::chrono::nanoseconds(std::llround(number * scale * 1e9));
}

std::string duration_text(std::chrono::nanoseconds length) {
  if (length == length.zero()) return "0s";
  std::string best;
  for (const auto& [unit, scale] : units) {
    std::array<char, 32> digits{};
    const double number = static_cast<double>(length.count()) / (scale * 1e9);
    if (number < 1 && unit != units.back().first) continue;  // 150ms, not 0.15s
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
    if (written.ec != std::errc()) continue;
    std::string text(digits.data(), written.ptr);
    text += unit;
    if ((best.empty() || text.size() <= best.size()) && parse_duration(text) == length) best = text;
  }
  return best;
}

}  // namespace assay::model
