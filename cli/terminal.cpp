#include "cli/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

namespace assay::cli {
namespace {

// Alternate screen, cursor away; and back.
constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l\x1b[2J";
constexpr std::string_view leave_screen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view cursor_home = "\x1b[H";
constexpr std::string_view end_of_line = "\x1b[K";
constexpr std::string_view end_of_screen = "\x1b[J";

// What ends a process at once, or stops it. SIGINT and SIGTERM are heard by stop_signals.
constexpr std::array deadly{SIGABRT, SIGALRM, SIGBUS,  SIGFPE,  SIGHUP,  SIGILL, SIGPIPE,
                            SIGQUIT, SIGSEGV, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};

constexpr int no_descriptor = -1;
std::atomic<int> shown_on{no_descriptor};  // for the handlers
std::array<struct sigaction, deadly.size()> handlers_before{};
struct sigaction stop_handler_before{};

// All of it; a terminal that has gone takes nothing, and there is nobody to tell.
void write_all(int descriptor, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) return;
    if (wrote > 0) bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

// A description of its own for the terminal, so that only this one does not block; no_descriptor where the system gives
// none.
int open_again(int descriptor) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

// Gives the screen back, and the signal to whom it was for. In a handler only write(), sigaction() and raise() are
// allowed here, and used.
void on_deadly(int number, siginfo_t* info, void*) noexcept {
  if (const int descriptor = shown_on.exchange(no_descriptor); descriptor != no_descriptor)
    write_all(descriptor, leave_screen);
  const auto which = static_cast<std::size_t>(std::ranges::find(deadly, number) - deadly.begin());
  ::sigaction(number, &handlers_before[which], nullptr);
  // A fault of this thread happens again as soon as this returns, with the address that a report needs.
  const bool faults = number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGSEGV;
  if (!faults || info->si_code <= 0) ::raise(number);
}

// Stops by the system's own rule, which leaves alone what no shell could wake: SIGSTOP would not. draw() takes the
// screen again.
void on_stop(int number) noexcept {
  const int saved = errno;
  if (const int descriptor = shown_on.exchange(no_descriptor); descriptor != no_descriptor) {
    write_all(descriptor, leave_screen);
  }
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  struct sigaction own{};
  ::sigaction(number, &usual, &own);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::raise(number);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);  // here it stops
  ::pthread_sigmask(SIG_BLOCK, &only, nullptr);
  ::sigaction(number, &own, nullptr);
  errno = saved;
}

// What is ignored stays so.
void take_over(int number, const struct sigaction& by, struct sigaction& was) {
  ::sigaction(number, &by, &was);
  if (was.sa_handler == SIG_IGN) ::sigaction(number, &was, nullptr);
}

void install_handlers() {
  struct sigaction dying{};
  dying.sa_sigaction = &on_deadly;
  dying.sa_flags = SA_SIGINFO;
  ::sigfillset(&dying.sa_mask);
  for (std::size_t i = 0; i < deadly.size(); ++i) take_over(deadly[i], dying, handlers_before[i]);
  struct sigaction stopping{};
  stopping.sa_handler = &on_stop;
  stopping.sa_flags = SA_RESTART;
  take_over(SIGTSTP, stopping, stop_handler_before);
}

void restore_handlers() {
  for (std::size_t i = 0; i < deadly.size(); ++i) ::sigaction(deadly[i], &handlers_before[i], nullptr);
  ::sigaction(SIGTSTP, &stop_handler_before, nullptr);
}

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody here sets any
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

std::optional<terminal::cells> terminal::size_of(int descriptor) {
  if (::isatty(descriptor) != 1) return std::nullopt;
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return cells{.columns = 80, .rows = 24};
  }
  return cells{.columns = size.ws_col, .rows = size.ws_row};
}

bool terminal::is_capable() {
  const std::string_view term = variable("TERM");
  return !term.empty() && term != "dumb";
}

// The first that is set counts, as for setlocale().
bool terminal::has_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value(variable(name));
    if (value.empty()) continue;
    std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.contains("utf-8") || value.contains("utf8");
  }
  return false;
}

bool terminal::opens(int descriptor) {
  const int once_more = open_again(descriptor);
  if (once_more != no_descriptor) ::close(once_more);
  return once_more != no_descriptor;
}

// -1: the terminal is not the session's, and nobody else has it.
bool terminal::is_in_front(int descriptor) {
  const pid_t group = ::tcgetpgrp(descriptor);
  return group < 0 || group == ::getpgrp();
}

bool terminal::wants_colour() { return variable("NO_COLOR").empty(); }

terminal::terminal(int descriptor) : descriptor_(descriptor), never_blocks_(open_again(descriptor)) {
  [[maybe_unused]] const int other = shown_on.exchange(descriptor);
  assert(other == no_descriptor);
  install_handlers();
  unsent_ = enter_screen;
  send_unsent();
}

terminal::~terminal() {
  restore_handlers();
  if (shown_on.exchange(no_descriptor) != no_descriptor) {
    write_all(descriptor_, unsent_);  // a sequence that was cut would take the next one with it
    write_all(descriptor_, leave_screen);
  }
  if (never_blocks_ != no_descriptor) ::close(never_blocks_);
}

// As much as the terminal takes now. One that has gone takes all.
void terminal::send_unsent() {
  while (!unsent_.empty() && never_blocks_ != no_descriptor) {
    const ssize_t wrote = ::write(never_blocks_, unsent_.data(), unsent_.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) return;
    if (wrote < 0) return unsent_.clear();
    unsent_.erase(0, static_cast<std::size_t>(wrote));
  }
}

void terminal::draw(std::string_view lines) {
  if (!is_in_front(descriptor_)) return;
  if (shown_on.exchange(descriptor_) == no_descriptor)
    unsent_ = enter_screen;  // after a stop; a frame from before is gone
  send_unsent();
  if (!unsent_.empty()) return;
  std::string& frame = unsent_;
  frame = cursor_home;
  while (true) {
    const std::size_t end = lines.find('\n');
    frame.append(lines.substr(0, end)).append(end_of_line);
    if (end == std::string_view::npos) break;
    frame += "\r\n";
    lines.remove_prefix(end + 1);
  }
  frame += end_of_screen;
  send_unsent();
}

}  // namespace assay::cli
