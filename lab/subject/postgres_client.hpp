// Statements for a PostgreSQL server, one connection a call, with a deadline that holds even when the server hangs.
//
// Misuse: under load. This is for schema, reset and reconciliation, before and after what is measured.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <vector>

namespace assay::subject {

inline constexpr std::size_t max_column_rows = 20'000'000;

struct postgres_login {
  std::string url;
  std::chrono::milliseconds limit = std::chrono::seconds(60);  // for connecting and all statements of a call
};

// All statements of `sql`, as one transaction unless it says otherwise. `name` is what an error begins with, with the
// line: "schema.sql:12: syntax error at or near …".
std::expected<void, std::string> run_sql(const postgres_login& at, const std::string& sql, const std::string& name);
std::expected<void, std::string> run_sql_file(const postgres_login& at, const std::string& path);

// The first column of the one result, row by row. A NULL is an error.
std::expected<std::vector<std::string>, std::string> query_column(const postgres_login& at, const std::string& sql);

// "name" as an identifier in SQL, quoted.
std::string quoted_identifier(const std::string& name);

}  // namespace assay::subject
