// SIGINT and SIGTERM as values for the thread that waits for them, instead of handlers that interrupt everybody.
//
//   stop_signals stop;              // in main, before any thread is started
//   switch (stop.wait()) { ... }    // a signal number, or 0 after notify()
//
// Misuse: creating it after threads have been started; those would still be killed by the signal.
#pragma once

#include <optional>

#include "stack/runtime/time.hpp"

namespace assay {

class stop_signals {
 public:
  stop_signals();
  ~stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  // Blocks until a signal (its number), notify() (0), or the end of `limit` (nothing).
  std::optional<int> wait(duration limit = duration::max());
  // Ends wait(); from any thread.
  void notify() noexcept;

 private:
  int signal_fd_ = -1;
  int notify_fd_ = -1;
};

}  // namespace assay
