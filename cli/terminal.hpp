// The whole screen of a terminal, for as long as this lives: what was on it before is there again afterwards, also when
// the process dies of a signal.
//
//   if (const auto size = terminal::size_of(STDOUT_FILENO)) ...
//   terminal shown(STDOUT_FILENO);
//   shown.draw(text);          // lines with '\n' between them
//
// The terminal's modes are left alone: keys do what they do in a shell. Ctrl-Z gives the screen back until the process
// goes on. A terminal that takes nothing, after Ctrl-S or behind a slow line, holds up nobody: what does not fit into
// it waits, and frames are left out until that is gone. Only what gives the screen back at the end waits for the
// terminal.
//
// Misuse: two at the same time; writing to the terminal past it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace assay::cli {

class terminal {
 public:
  struct cells {
    unsigned columns = 0;
    unsigned rows = 0;
    friend bool operator==(const cells&, const cells&) = default;
  };
  // Of the terminal that the descriptor is; nothing when it is none. One that does not say has 80 by 24.
  static std::optional<cells> size_of(int descriptor);
  // Whether escape sequences mean anything to it, and whether it shows more than ASCII, as the environment has it.
  static bool is_capable();
  static bool has_unicode();
  // Whether it can be opened once more, which it is for being written to without waiting: not by a user whose it is
  // not.
  static bool opens(int descriptor);
  // Whether the terminal is this process's to write on: the shell has it while the process is in the background.
  static bool is_in_front(int descriptor);
  // NO_COLOR (https://no-color.org) and TERM.
  static bool wants_colour();

  explicit terminal(int descriptor);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  // Left out where the terminal has not taken the one before, and in the background. Does not block.
  void draw(std::string_view lines);

 private:
  void send_unsent();

  int descriptor_;
  int never_blocks_;    // the same terminal, opened once more: the descriptor's own flags are the shell's too
  std::string unsent_;  // of the latest frame, or of what took the screen
};

}  // namespace assay::cli
