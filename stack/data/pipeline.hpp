// Statements that leave in one go, on one connection: a round trip for all of them instead of one for each.
//
//   data::pipeline sale;
//   sale.add("UPDATE items SET stock = stock - 1 WHERE id = $1", id);
//   sale.add("INSERT INTO orders (item_id) VALUES ($1) RETURNING id", id);
//   const auto outcomes = co_await db.run(sale);          // sql_result<pipeline_results>
//   if (!outcomes) ...                                    // the connection, or the commit at the end: see below
//   if (const data::sql_error* why = data::failure_in(*outcomes)) ...
//
// The server does them in order, and there is an outcome for each. When one fails, those behind it are not done, and
// their outcome is sql_condition::failed_transaction. Outside of a transaction they are one themselves, which commits
// behind the last of them: a failure undoes what came before it, whatever its outcome was. In a transaction a failure
// leaves rolling back, as that of a single statement does.
//
// No outcomes at all: what was refused before it was sent (errc::invalid_argument), a commit that a deferred constraint
// has refused, of which nothing stays; with `unavailable`, a deadline, a cancellation or COPY (errc::unsupported) it is
// not known what stays, and the connection is closed.
//
// Misuse: a statement that needs the answer to one before it. BEGIN, COMMIT and their like: that is pool::begin(). Many
// rows: the answers of all are in memory together.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/data/rows.hpp"
#include "stack/data/sql_error.hpp"
#include "stack/data/value.hpp"

namespace assay::data {

struct pipeline_limits {
  std::size_t max_statements = 256;
  std::size_t max_bytes = 8 * 1024 * 1024;  // of text and values; libpq keeps what has not left
};

class pipeline {
 public:
  struct statement {
    std::string sql;
    std::vector<value> values;
  };

  template <class... Values>
  pipeline& add(std::string_view sql, const Values&... values) {
    return add_values(sql, values_of(values...));
  }
  pipeline& add_values(std::string_view sql, std::vector<value> values);

  std::size_t size() const { return statements_.size(); }
  std::size_t bytes() const { return bytes_; }
  const std::vector<statement>& statements() const { return statements_; }

 private:
  std::vector<statement> statements_;
  std::size_t bytes_ = 0;
};

// One for each statement, in order.
using pipeline_results = std::vector<sql_result<rows>>;

// The first that failed; null when none has.
const sql_error* failure_in(const pipeline_results& outcomes);

}  // namespace assay::data
