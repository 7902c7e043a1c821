// What went wrong with a command: the stack's error, and beside it what Redis said.
//
//   if (!got && got.error().condition == redis_condition::moved) ...   // got.error().code_word() == "MOVED"
//
// The code says how a service should answer (see http_status), the condition what the program may do about it, the
// server's own code and message are for the log.
//
// Misuse: showing `message` to a client. Retrying on `unavailable` without looking at what was asked: the command may
// have been done before the connection was lost.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "stack/runtime/error.hpp"

namespace assay::data::redis {

// The order is stable: it is exported as a metric label.
enum class redis_condition : std::uint8_t {
  none,             // neither the server nor the connection: a deadline, a cancellation, a wrong argument
  unavailable,      // LOADING, MASTERDOWN, CLUSTERDOWN, or the connection was lost, refused or overdue
  pool_exhausted,   // no place came free in time, or too many wait for one
  overloaded,       // OOM, BUSY, TRYAGAIN, "max number of clients"; or too much is on its way to the server
  access_denied,    // NOAUTH, WRONGPASS, NOPERM
  moved,            // MOVED, ASK, CROSSSLOT: the key belongs to another node of a cluster
  wrong_type,       // WRONGTYPE
  read_only,        // READONLY: a replica, or a server without its disk (MISCONF)
  no_script,        // NOSCRIPT: send the text
  aborted,          // EXECABORT: nothing of the transaction was done
  invalid_command,  // ERR: a defect of the program, mostly
  other,
};

std::string_view label(redis_condition condition);

struct [[nodiscard]] redis_error : error {
  redis_condition condition = redis_condition::none;
  std::array<char, 24> server_code{};  // the server's code, NUL-terminated; empty when the server did not speak
  std::string message;                 // the server's own words after it, cut at max_message_bytes

  std::string_view code_word() const { return server_code.data(); }

  static constexpr std::size_t max_message_bytes = 512;
};

template <class T>
using redis_result = std::expected<T, redis_error>;

// One readable line for a log.
std::string describe(const redis_error& failure);

// The error that an error reply stands for: "WRONGTYPE Operation against ...". `what` is static text.
redis_error from_reply(std::string_view said, const char* what);
// The connection is gone or was never there.
redis_error unavailable(errc code, std::string_view message, const char* what);
// What a wait ended with.
redis_error from_wait(const error& failure);

}  // namespace assay::data::redis
