// Lines of a terminal, put together cell by cell and cut at its width; shades and bars for what is drawn in them.
//
// Misuse: text wider than a cell a character, or with control characters; including it outside of this room.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assay::report {

// SGR parameters; nothing: as the terminal has it.
inline constexpr std::string_view bold = "1";
inline constexpr std::string_view red = "31";

// One line. Colours are written only where they are wanted, and once for what follows in the same.
class cell_line {
 public:
  cell_line(std::size_t columns, bool colour) : columns_(columns), colour_(colour) {}

  // ASCII, as far as it fits.
  cell_line& text(std::string_view ascii, std::string_view colour = {});
  // One cell, of any bytes.
  cell_line& cell(std::string_view one, std::string_view colour = {});
  // Blanks up to that column.
  cell_line& until(std::size_t column);
  // Without blanks at its end.
  std::string done() const;

 private:
  void put(std::string_view bytes, std::size_t width, std::string_view colour);

  std::size_t columns_;
  bool colour_;
  std::size_t used_ = 0;
  std::string line_;
  std::string_view coloured_;  // what is written next will be of that colour
};

// How much of a second's response times lie in one band, in steps that the eye tells apart: none, any at all, and from
// 1, 5, 20 and 50 % on.
inline constexpr std::size_t shades = 6;
std::size_t shade_of(double share);
std::string_view shade_cell(std::size_t shade, bool ascii);
std::string_view shade_colour(std::size_t shade);

// The cell in row `row` from the top, of `height`, of a bar of that share (0 to 1) of them all. What is not nothing
// shows.
std::string_view bar_cell(double share, std::size_t row, std::size_t height, bool ascii);

}  // namespace assay::report
