// A process that this one starts, and everything that descends from it: none of it outlives its handle, nor this
// process, however that ends.
//
//   const auto shop = process::spawn({.command = {"/usr/bin/node", "shop.js"}, .environment = env, .directory = dir});
//   if (!shop) return shop.error();                       // "cannot start /usr/bin/node: No such file or directory"
//   const auto died = shop->wait_exit(std::chrono::seconds(30));
//
// Between the two stands a keeper (keeper.hpp): this very program, run again. It owns the child, adopts what the child
// leaves behind, and ends all of it when it is told to or when the socket to this process closes, kill -9 included.
// When the child ends by itself, the keeper ends what it left.
//
// Misuse: a program whose main() does not hand the keeper's arguments to run_keeper_if_asked(); every spawn fails then.
// Signalling pid() oneself: it may be another process by then. Use stop().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace assay::subject {

inline constexpr std::chrono::milliseconds default_grace{2000};

struct spawn_request {
  std::vector<std::string> command = {};                // found through the PATH of `environment` unless it has a slash
  std::map<std::string, std::string> environment = {};  // all of it
  std::string directory = {};         // a relative command is looked for there; empty: the current one
  std::vector<unsigned> cpus = {};    // empty: those of this process
  std::string user = {};              // run as this user; empty: as this process
  std::string output = {};            // file that stdout is appended to; empty: /dev/null
  std::string errors = {};            // the same for stderr; empty: as `output`
  std::uint64_t max_descriptors = 0;  // 0: as this process
  // A directory of the child's own, removed with all that is in it when nothing is left of the child. Absolute.
  std::string scratch = {};
  int stop_signal = 15;  // what it is asked to stop with: SIGTERM
};

// How the child itself ended.
struct exit_report {
  int status = 0;  // of exit(); meaningless when a signal ended it
  int signal = 0;  // 0: it exited
  double user_s = 0;
  double system_s = 0;
  std::uint64_t max_rss_bytes = 0;
  bool keeper_lost = false;  // somebody killed the keeper, and with it the child: nothing else is known

  bool clean() const { return status == 0 && signal == 0 && !keeper_lost; }
};
// "exited with status 3", "was ended by signal 9 (Killed)".
std::string describe(const exit_report& report);

class process {
 public:
  // Blocks until the child's exec() has succeeded, or why it has not.
  static std::expected<process, std::string> spawn(const spawn_request& request);
  process(process&&) noexcept;
  process& operator=(process&&) noexcept;
  // Stops it.
  ~process();

  pid_t pid() const;
  pid_t keeper_pid() const;  // parent of the child and of everything that it has left behind
  std::chrono::steady_clock::time_point started() const;

  // These may be called from several threads at a time.
  bool running() const;  // the child itself
  std::optional<exit_report> exit() const { return wait_exit(std::chrono::milliseconds(0)); }
  std::optional<exit_report> wait_exit(std::chrono::milliseconds limit) const;

  // Asks the child's process group to stop, kills it and every descendant `grace` later, and waits until nothing is
  // left. The report, or what could not be ended.
  std::expected<exit_report, std::string> stop(std::chrono::milliseconds grace = default_grace);
  // The same without waiting, to stop several at a time.
  void ask_to_stop(std::chrono::milliseconds grace = default_grace);

 private:
  struct state;
  explicit process(std::unique_ptr<state> owned);
  std::unique_ptr<state> state_;
};

}  // namespace assay::subject
