#include "cli/load_view.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "lab/report/load_screen.hpp"
#include "stack/runtime/clock.hpp"

namespace assay::cli {
namespace {

// Between two looks. show() comes twice as often, and hears a terminal that has changed its size.
constexpr duration look_interval = std::chrono::milliseconds(950);

}  // namespace

bool has_screen() {
  return ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1 && terminal::is_capable() &&
         terminal::is_in_front(STDOUT_FILENO) && terminal::opens(STDOUT_FILENO);
}

load_view::load_view(const load::live_source& engine, model::load_screen head, second_writer* seconds, bool on_screen)
    : engine_(engine),
      rows_(seconds),
      on_screen_(on_screen),
      line_shown_(!on_screen && ::isatty(STDERR_FILENO) == 1),
      seen_(std::move(head)) {}

void load_view::show(bool interrupted) {
  if (on_screen_) show_screen(interrupted);
  if (line_shown_) rewrite_line();
  if (rows_ != nullptr && !interrupted) rows_->follow(engine_);
}

void load_view::clear() {
  screen_.reset();
  if (line_shown_) fmt::print(stderr, "\r\x1b[K");
}

void load_view::show_screen(bool interrupted) {
  const std::optional<terminal::cells> size = terminal::size_of(STDOUT_FILENO);
  if (!size) return;  // it has gone
  const instant now = detail::monotonic_now();
  const bool due = now - looked_at_ >= look_interval || (interrupted && !seen_.screen().ending);
  if (!due && *size == drawn_at_) return;
  if (due) {
    looked_at_ = now;
    if (interrupted) seen_.ends();
    seen_.look(engine_.look(), [this](std::size_t index) { return engine_.second(index); }, engine_.seconds());
  }
  drawn_at_ = *size;
  if (!screen_) screen_.emplace(STDOUT_FILENO);
  screen_->draw(report::load_screen_text(seen_.screen(), {.columns = size->columns, .rows = size->rows},
                                         {.colour = terminal::wants_colour(), .ascii = !terminal::has_unicode()}));
}

// Rewritten; nothing when stderr is no terminal.
void load_view::rewrite_line() {
  const load::live_view view = engine_.look();
  const double seconds = std::chrono::duration<double>(view.elapsed).count();
  const double rate = static_cast<double>(view.answers - answers_before_) / std::max(seconds - seconds_before_, 1e-9);
  fmt::print(stderr, "\r\x1b[K{:.1f}s of {:.0f}s  {:.0f} responses/s  {} errors", seconds, seen_.screen().length_s,
             seconds > seconds_before_ ? rate : 0.0, view.errors);
  answers_before_ = view.answers;
  seconds_before_ = seconds;
}

}  // namespace assay::cli
