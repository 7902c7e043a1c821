#include "lab/report/cells.hpp"

#include <algorithm>
#include <cmath>

namespace assay::report {
namespace {

constexpr std::size_t eighths = 8;  // that a cell shows of a bar

}  // namespace

void cell_line::put(std::string_view bytes, std::size_t width, std::string_view colour) {
  if (width == 0) return;
  used_ += width;
  if (bytes.find_first_not_of(' ') == std::string_view::npos) colour = {};  // blanks have none
  if (colour_ && colour != coloured_) {
    if (!coloured_.empty()) line_ += "\x1b[0m";
    if (!colour.empty()) line_.append("\x1b[").append(colour).append("m");
    coloured_ = colour;
  }
  line_ += bytes;
}

cell_line& cell_line::text(std::string_view ascii, std::string_view colour) {
  const std::string_view fits = ascii.substr(0, columns_ - used_);
  put(fits, fits.size(), colour);
  return *this;
}

cell_line& cell_line::cell(std::string_view one, std::string_view colour) {
  if (used_ < columns_) put(one, 1, colour);
  return *this;
}

cell_line& cell_line::until(std::size_t column) {
  const std::size_t end = std::min(column, columns_);
  if (end > used_) put(std::string(end - used_, ' '), end - used_, {});
  return *this;
}

std::string cell_line::done() const {
  return coloured_.empty() ? line_.substr(0, line_.find_last_not_of(' ') + 1) : line_ + "\x1b[0m";
}

std::size_t shade_of(double share) {
  constexpr std::array from{0.01, 0.05, 0.20, 0.50};
  if (!(share > 0)) return 0;
  return 1 + static_cast<std::size_t>(std::ranges::count_if(from, [share](double each) { return share >= each; }));
}

std::string_view shade_cell(std::size_t shade, bool ascii) {
  constexpr std::array<std::string_view, shades> blocks{" ", "·", "░", "▒", "▓", "█"};
  constexpr std::array<std::string_view, shades> plain{" ", ".", "-", "+", "x", "#"};
  return (ascii ? plain : blocks)[std::min(shade, shades - 1)];
}

// From dark to bright, in one hue: much at a low latency is nothing bad.
std::string_view shade_colour(std::size_t shade) {
  constexpr std::array<std::string_view, shades> colours{"", "38;5;31", "38;5;32", "38;5;38", "38;5;44", "38;5;51"};
  return colours[std::min(shade, shades - 1)];
}

std::string_view bar_cell(double share, std::size_t row, std::size_t height, bool ascii) {
  constexpr std::array<std::string_view, eighths + 1> blocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, eighths + 1> plain{" ", "_", "_", ".", "-", "-", "=", "*", "#"};
  const auto all = static_cast<double>(height * eighths);
  const double filled = share > 0 ? std::clamp(std::round(share * all), 1.0, all) : 0;
  const auto below = static_cast<double>((height - 1 - row) * eighths);
  const auto here = static_cast<std::size_t>(std::clamp(filled - below, 0.0, static_cast<double>(eighths)));
  return (ascii ? plain : blocks)[here];
}

}  // namespace assay::report
