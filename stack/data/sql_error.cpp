#include "stack/data/sql_error.hpp"

#include <algorithm>

namespace assay::data {
namespace {

struct mapping {
  std::string_view prefix;
  sql_condition condition;
  errc code;
};

// The first that fits: single states before their class.
constexpr std::array mappings{
    mapping{"23505", sql_condition::unique_violation, errc::invalid_argument},
    mapping{"23503", sql_condition::foreign_key_violation, errc::invalid_argument},
    mapping{"23514", sql_condition::check_violation, errc::invalid_argument},
    mapping{"23502", sql_condition::not_null_violation, errc::invalid_argument},
    mapping{"40001", sql_condition::serialization_failure, errc::system},
    mapping{"40P01", sql_condition::deadlock, errc::system},
    mapping{"57014", sql_condition::query_canceled, errc::timed_out},
    mapping{"25P02", sql_condition::failed_transaction, errc::system},
    mapping{"57P01", sql_condition::unavailable, errc::closed},
    mapping{"57P02", sql_condition::unavailable, errc::closed},
    mapping{"57P03", sql_condition::unavailable, errc::refused},
    mapping{"08", sql_condition::unavailable, errc::closed},
    mapping{"53", sql_condition::overloaded, errc::limit},
    mapping{"28", sql_condition::access_denied, errc::permission},
    mapping{"42501", sql_condition::access_denied, errc::permission},
    mapping{"22", sql_condition::invalid_data, errc::invalid_argument},
    mapping{"42", sql_condition::invalid_statement, errc::system},
};

// One line without control bytes, and not longer than the limit.
std::string one_line(std::string_view text) {
  text = text.substr(0, sql_error::max_message_bytes);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

}  // namespace

std::string_view label(sql_condition condition) {
  static constexpr std::array<std::string_view, 16> labels{"none",
                                                           "unique_violation",
                                                           "foreign_key_violation",
                                                           "check_violation",
                                                           "not_null_violation",
                                                           "serialization_failure",
                                                           "deadlock",
                                                           "query_canceled",
                                                           "failed_transaction",
                                                           "unavailable",
                                                           "overloaded",
                                                           "pool_exhausted",
                                                           "access_denied",
                                                           "invalid_data",
                                                           "invalid_statement",
                                                           "other"};
  static_assert(labels.size() == static_cast<std::size_t>(sql_condition::other) + 1);
  return labels[std::min(static_cast<std::size_t>(condition), labels.size() - 1)];
}

std::string describe(const sql_error& failure) {
  std::string text = describe(static_cast<const error&>(failure));
  if (failure.condition != sql_condition::none) {
    text += ": ";
    text += label(failure.condition);
  }
  if (!failure.sqlstate().empty()) {
    text += " [";
    text += failure.sqlstate();
    text += ']';
  }
  if (!failure.message.empty()) {
    text += ": ";
    text += failure.message;
  }
  return text;
}

sql_error from_sqlstate(std::string_view sqlstate, std::string_view message, const char* what) {
  sql_error failure{{.code = errc::system, .what = what}, sql_condition::other, {}, one_line(message)};
  std::ranges::copy(sqlstate.substr(0, failure.state.size() - 1), failure.state.begin());
  const auto found = std::ranges::find_if(mappings, [&](const mapping& m) { return sqlstate.starts_with(m.prefix); });
  if (found != mappings.end()) {
    failure.condition = found->condition;
    failure.code = found->code;
  }
  return failure;
}

sql_error unavailable(errc code, std::string_view message, const char* what) {
  return {{.code = code, .what = what}, sql_condition::unavailable, {}, one_line(message)};
}

sql_error from_wait(const error& failure) { return {failure, sql_condition::none, {}, {}}; }

}  // namespace assay::data
