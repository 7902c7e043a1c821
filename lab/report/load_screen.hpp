// The whole terminal while a load runs: offered and achieved, errors by kind, the generator's health, and a heat-map of
// the response times over time. A function of the snapshot and of the terminal's size alone.
//
// Misuse: printing it where no terminal is; the summary is for that.
#pragma once

#include <string>

#include "lab/model/load_screen.hpp"

namespace assay::report {

struct screen_size {
  unsigned columns = 80;
  unsigned rows = 24;
};

struct screen_style {
  bool colour = false;  // beside the shades; nothing is told by colour alone
  bool ascii = false;   // of a terminal that shows nothing else
};

// Exactly `rows` lines with '\n' between them, none wider than `columns`. What does not fit is left out.
std::string load_screen_text(const model::load_screen& seen, screen_size size, screen_style style = {});

}  // namespace assay::report
