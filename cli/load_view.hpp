// What is shown of `assay load` while it runs: the whole screen, or one line on stderr, or nothing. And the rows of
// each second, which are written at the same moments.
//
// It is drawn by the thread that waits for the run, from counters that the generators publish with relaxed stores and
// from seconds that have ended: whoever looks takes no lock that a generator takes.
//
// Misuse: showing the screen where rows go to the same terminal.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/load_outputs.hpp"
#include "cli/terminal.hpp"
#include "lab/load/live_history.hpp"
#include "lab/load/live_run.hpp"

namespace assay::cli {

class load_view {
 public:
  // `seconds` may be null. The screen is there with the first show(), when `on_screen`.
  load_view(const load::live_source& engine, model::load_screen head, second_writer* seconds, bool on_screen);

  void show(bool interrupted);
  // The terminal is as it was.
  void clear();

 private:
  void show_screen(bool interrupted);
  void rewrite_line();

  const load::live_source& engine_;
  second_writer* rows_;
  bool on_screen_;
  bool line_shown_;
  load::live_history seen_;
  std::optional<terminal> screen_;
  terminal::cells drawn_at_{};
  instant looked_at_{};
  std::uint64_t answers_before_ = 0;
  double seconds_before_ = 0;
};

// Whether the screen is to be shown: both of this command's outputs are a terminal that can.
bool has_screen();

}  // namespace assay::cli
