// What went wrong with a statement: the stack's error, and beside it what PostgreSQL said.
//
//   if (!added && added.error().condition == data::sql_condition::unique_violation) ...
//
// A sql_result<T> converts to result<T> where only the code counts. The code says how a service should answer (see
// http_status), the condition what the program may do about it, the SQLSTATE and the message are for the log.
//
// Misuse: showing `message` to a client; it names tables, constraints and values. Retrying on `unavailable` without
// looking at what was asked: the statement may have been done before the connection was lost.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "stack/runtime/error.hpp"

namespace assay::data {

// The order is stable: it is exported as a metric label.
enum class sql_condition : std::uint8_t {
  none,                   // neither the server nor the connection: a deadline, a cancellation, a wrong argument
  unique_violation,       // 23505
  foreign_key_violation,  // 23503
  check_violation,        // 23514
  not_null_violation,     // 23502
  serialization_failure,  // 40001: the transaction may be tried again
  deadlock,               // 40P01: likewise
  query_canceled,         // 57014: statement_timeout, or an administrator
  failed_transaction,     // 25P02, or a COMMIT that the server answered with ROLLBACK
  unavailable,            // 08xxx, 57P01..57P03, or the connection was lost or refused
  overloaded,             // 53xxx: too many connections, out of memory or disk
  pool_exhausted,         // no connection became free in time, or too many wait for one
  access_denied,          // 28xxx, 42501
  invalid_data,           // 22xxx: a value that its type does not have
  invalid_statement,      // 42xxx: a defect of the program
  other,
};

std::string_view label(sql_condition condition);

struct [[nodiscard]] sql_error : error {
  sql_condition condition = sql_condition::none;
  std::array<char, 6> state{};  // SQLSTATE, NUL-terminated; empty when the server did not speak
  std::string message;          // the server's or libpq's own words, cut at max_message_bytes

  std::string_view sqlstate() const { return state.data(); }

  static constexpr std::size_t max_message_bytes = 512;
};

template <class T>
using sql_result = std::expected<T, sql_error>;

// One readable line for a log.
std::string describe(const sql_error& failure);

// The error that a SQLSTATE stands for. `what` is static text; `message` is cut and made one line.
sql_error from_sqlstate(std::string_view sqlstate, std::string_view message, const char* what);
// The connection is gone or was never there.
sql_error unavailable(errc code, std::string_view message, const char* what);
// What a wait ended with.
sql_error from_wait(const error& failure);

}  // namespace assay::data
