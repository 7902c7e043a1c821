// What a PostgreSQL is asked about itself, and how its answers are read. From version 10 on.
//
// Misuse: more than one of these a second: finding who blocks whom holds the server's lock tables for a moment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/inside/database_history.hpp"
#include "lab/model/database.hpp"
#include "stack/data/rows.hpp"

namespace assay::inside {

inline constexpr std::int64_t least_database_version = 100'000;  // 10: what kind of process a connection is
inline constexpr std::size_t most_backends = 1000;               // of a look; the limit in sql_of_backends
inline constexpr std::size_t most_statements = 10;               // in the result, by total time

// One row: version, its number, max_connections, the database.
extern const char* const sql_of_server;
// One row: the server's time, and its connections of clients.
extern const char* const sql_of_moment;
// $1: the database. Its connections of clients but the one that asks.
extern const char* const sql_of_backends;
// $1: the database. By pg_stat_statements, whose columns have other names before version 13.
const char* sql_of_statements(std::int64_t version);

struct database_server {
  std::string version;
  std::int64_t number = 0;
  unsigned max_connections = 0;
  std::string database;
};

// Nothing when the answer is not of the form that the query asks for.
std::optional<database_server> read_server(const data::rows& from);
bool read_moment(const data::rows& from, database_answer& into);
bool read_backends(const data::rows& from, database_answer& into);

// Cumulative, by the server's number of the statement.
using statement_counts = std::map<std::string, model::database_statement>;
std::optional<statement_counts> read_statements(const data::rows& from);
// What came between, the most total time first. Counts that fell have been reset meanwhile: what they are now.
std::vector<model::database_statement> used_between(const statement_counts& before, const statement_counts& after);

}  // namespace assay::inside
