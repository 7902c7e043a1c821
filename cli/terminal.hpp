// The whole screen of a terminal, for as long as this lives: what was on it before is there again afterwards, also when
// the process dies of a signal.
//
//   if (const auto size = terminal::size_of(STDOUT_FILENO)) ...
//   terminal shown(STDOUT_FILENO);
//   shown.draw(text);          // lines with '\n' between them
//
// The terminal's modes are left alone: keys do what they do in a shell. Ctrl-Z gives the screen back until the process
// goes on.
//
// Misuse: two at the same time; writing to the terminal past it.
#pragma once

#include <optional>
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
  // Whether the terminal is this process's to write on: the shell has it while the process is in the background.
  static bool is_in_front(int descriptor);
  // NO_COLOR (https://no-color.org) and TERM.
  static bool wants_colour();

  explicit terminal(int descriptor);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  // Left out where the terminal takes nothing at the moment, and in the background.
  void draw(std::string_view lines);

 private:
  int descriptor_;
};

}  // namespace assay::cli
