#include "cli/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <numeric>

namespace assay::cli {
namespace {

constexpr double most_seconds = 1e9;  // fits the clock with room to spare

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::expected<duration, std::string> parse_duration(std::string_view text) {
  constexpr std::array units{std::pair{std::string_view("ms"), 1e-3}, std::pair{std::string_view("s"), 1.0},
                             std::pair{std::string_view("m"), 60.0}, std::pair{std::string_view("h"), 3600.0},
                             std::pair{std::string_view(""), 1.0}};
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const auto* const known = std::ranges::find(units, unit, [](const auto& each) { return each.first; });
  const bool usable = failed == std::errc() && known != units.end() && std::isfinite(number) && number >= 0;
  if (!usable || number * known->second > most_seconds) {
    return std::unexpected("\"" + std::string(text) + "\": expected a duration such as 30s, 5m, 1.5h or 250ms");
  }
  return duration(std::llround(number * known->second * 1e9));
}

std::expected<std::pair<std::string, std::string>, std::string> parse_header(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::unexpected("-H \"" + std::string(text) + "\": expected \"Name: value\"");
  }
  const auto value = text.find_first_not_of(' ', colon + 1);
  return std::pair{std::string(text.substr(0, colon)),
                   value == std::string_view::npos ? std::string() : std::string(text.substr(value))};
}

std::expected<std::string, std::string> read_body(const std::string& text) {
  if (!text.starts_with('@')) return text;
  const std::string path = text.substr(1);
  std::ifstream file(path, std::ios::binary);
  std::string content;
  std::array<char, 4096> piece{};
  // read() turns a failure, a directory say, into badbit; an istreambuf_iterator would throw.
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    content.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) return std::unexpected("-b @" + path + ": cannot read that file");
  return content;
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return line;
}

std::string nearest(std::string_view typed, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string& each : candidates) {
    const std::size_t distance = edit_distance(typed, each);
    if (distance < best_distance) {
      best_distance = distance;
      best = each;
    }
  }
  return best;
}

}  // namespace assay::cli
