// Expected failures as values: `result<T>` is `std::expected<T, error>`.
//
// A reason maps 1:1 to an HTTP status, a metric label and a log field, so that what a client is told, what a
// dashboard counts and what a log line says are the same thing. Exceptions are for bugs: a throw through one
// co_await costs about 2 us, an expected about 20 ns, and failures are most frequent exactly under overload.
//
// Misuse: dropping a result. `result` and every function that returns one are [[nodiscard]]; to ignore a failure on
// purpose, write `std::ignore = co_await stream.send(bytes);` and say why.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace assay {

// Why a piece of work was asked to stop. The order is stable: it is exported as a metric label.
enum class cancel_reason : std::uint8_t {
  none,            // not cancelled
  deadline,        // its deadline passed
  peer_closed,     // the client that asked for it went away
  shutdown,        // the process is draining
  overload,        // it was shed
  sibling_failed,  // another child of the same scope failed
  user,            // the program asked
};

// What went wrong. The order is stable: it is exported as a metric label.
enum class errc : std::uint8_t {
  timed_out,         // a deadline passed while waiting
  cancelled,         // cancelled for a reason other than a deadline
  closed,            // the peer closed its side in good order where more was needed
  reset,             // the connection was reset or aborted
  refused,           // nobody listens there
  unreachable,       // no route to the host or the network
  address_in_use,    // another process listens there
  unresolved,        // the name has no address
  limit,             // a named limit was reached: queue full, pool full, too large
  no_descriptors,    // the process or the system is out of file descriptors
  no_memory,         // the kernel had no memory or locked memory for it
  permission,        // the system refused it
  protocol,          // the peer broke the protocol
  invalid_argument,  // the caller's value is out of range
  unsupported,       // this system or this build cannot do it
  system,            // anything else the kernel said: see system_errno
};

struct [[nodiscard]] error {
  errc code = errc::system;
  cancel_reason reason = cancel_reason::none;  // set with errc::cancelled and errc::timed_out
  int system_errno = 0;                        // 0 when the kernel was not involved
  const char* what = "";                       // static text: the operation that failed, for the reader of a log

  friend bool operator==(const error& a, const error& b) { return a.code == b.code && a.reason == b.reason; }
};

template <class T>
using result = std::expected<T, error>;

// snake_case label for metrics and JSON, for example "timed_out".
std::string_view label(errc code);
std::string_view label(cancel_reason reason);

// One readable line: operation, reason and the system's own text where there is one.
std::string describe(const error& failure);

// Maps a positive errno to an error; `what` must be static text.
error from_errno(int positive_errno, const char* what);

// The HTTP status a server answers when this failure ends a request.
int http_status(const error& failure);

}  // namespace assay
