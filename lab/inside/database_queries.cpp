#include "lab/inside/database_queries.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

#include "lab/inside/statement_shape.hpp"

namespace assay::inside {

// Of other roles' connections the kind is hidden from whoever may not see them: they count as clients.
const char* const sql_of_server =
    "SELECT /* assay */ current_setting('server_version'), current_setting('server_version_num')::bigint, "
    "current_setting('max_connections')::bigint, current_database()";

const char* const sql_of_moment =
    "SELECT /* assay */ extract(epoch FROM clock_timestamp())::float8, count(*) FROM pg_stat_activity "
    "WHERE datname IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'";

const char* const sql_of_backends =
    "SELECT /* assay */ pid::bigint, coalesce(state, ''), coalesce(wait_event_type, ''), coalesce(wait_event, ''), "
    "left(coalesce(query, ''), 1024), coalesce(extract(epoch FROM state_change), 0)::float8, "
    "CASE WHEN wait_event_type = 'Lock' THEN array_to_string(pg_blocking_pids(pid), ' ') ELSE '' END "
    "FROM pg_stat_activity WHERE datname = $1::name AND pid <> pg_backend_pid() "
    "AND coalesce(backend_type, 'client backend') = 'client backend' LIMIT 1000";

const char* sql_of_statements(std::int64_t version) {
  constexpr std::int64_t renamed = 130'000;
  return version >= renamed
             ? "SELECT /* assay */ s.queryid::text, left(s.query, 1024), s.calls::bigint, s.total_exec_time::float8, "
               "s.rows::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
               "WHERE d.datname = $1::name AND s.queryid IS NOT NULL ORDER BY s.total_exec_time DESC LIMIT 5000"
             : "SELECT /* assay */ s.queryid::text, left(s.query, 1024), s.calls::bigint, s.total_time::float8, "
               "s.rows::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
               "WHERE d.datname = $1::name AND s.queryid IS NOT NULL ORDER BY s.total_time DESC LIMIT 5000";
}

namespace {

std::optional<unsigned> unsigned_of(const result<std::int64_t>& value) {
  if (!value || *value < 0 || *value > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<unsigned>(*value);
}

// "12 4711"
std::vector<std::int64_t> numbers_of(std::string_view text) {
  std::vector<std::int64_t> numbers;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{}) break;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  }
  return numbers;
}

std::uint64_t gained(std::uint64_t before, std::uint64_t after) { return after >= before ? after - before : after; }

}  // namespace

std::optional<database_server> read_server(const data::rows& from) {
  if (from.size() != 1) return std::nullopt;
  const data::row only = from[0];
  const auto number = only.get<std::int64_t>(1);
  const auto most = unsigned_of(only.get<std::int64_t>(2));
  auto version = only.get<std::string>(0);
  auto database = only.get<std::string>(3);
  if (!number || !most || !version || !database) return std::nullopt;
  return database_server{
      .version = std::move(*version), .number = *number, .max_connections = *most, .database = std::move(*database)};
}

bool read_moment(const data::rows& from, database_answer& into) {
  if (from.size() != 1) return false;
  const auto now = from[0].get<double>(0);
  const auto count = unsigned_of(from[0].get<std::int64_t>(1));
  if (!now || !count) return false;
  into.now = *now;
  into.of_server = *count;
  return true;
}

bool read_backends(const data::rows& from, database_answer& into) {
  for (const data::row each : from) {
    const auto pid = each.get<std::int64_t>(0);
    const auto since = each.get<double>(5);
    auto state = each.get<std::string>(1);
    auto wait_type = each.get<std::string>(2);
    auto wait_event = each.get<std::string>(3);
    auto statement = each.get<std::string>(4);
    const auto blockers = each.get<std::string_view>(6);
    if (!pid || !since || !state || !wait_type || !wait_event || !statement || !blockers) return false;
    into.backends.push_back({.pid = *pid,
                             .state = std::move(*state),
                             .wait_type = std::move(*wait_type),
                             .wait_event = std::move(*wait_event),
                             .statement = std::move(*statement),
                             .since = *since,
                             .blocked_by = numbers_of(*blockers)});
  }
  return true;
}

std::optional<statement_counts> read_statements(const data::rows& from) {
  statement_counts made;
  for (const data::row each : from) {
    const auto id = each.get<std::string>(0);
    const auto text = each.get<std::string_view>(1);
    const auto calls = each.get<std::int64_t>(2);
    const auto total_ms = each.get<double>(3);
    const auto rows = each.get<std::int64_t>(4);
    if (!id || !text || !calls || !total_ms || !rows || *calls < 0 || *rows < 0) return std::nullopt;
    if (text->contains("/* assay */")) continue;  // the observer's own
    model::database_statement& of = made[*id];    // one for each role that has sent it
    of.text = statement_shape(*text);
    of.calls += static_cast<std::uint64_t>(*calls);
    of.total_ms += *total_ms;
    of.rows += static_cast<std::uint64_t>(*rows);
  }
  return made;
}

std::vector<model::database_statement> used_between(const statement_counts& before, const statement_counts& after) {
  std::vector<model::database_statement> used;
  for (const auto& [id, now] : after) {
    const auto found = before.find(id);
    const model::database_statement then = found == before.end() ? model::database_statement{} : found->second;
    const bool reset = now.calls < then.calls;
    model::database_statement made{.text = now.text,
                                   .calls = gained(then.calls, now.calls),
                                   .total_ms = reset ? now.total_ms : now.total_ms - then.total_ms,
                                   .rows = reset ? now.rows : gained(then.rows, now.rows)};
    if (made.calls > 0) used.push_back(std::move(made));
  }
  std::ranges::sort(used, [](const model::database_statement& a, const model::database_statement& b) {
    return std::tie(b.total_ms, a.text) < std::tie(a.total_ms, b.text);
  });
  if (used.size() > most_statements) used.resize(most_statements);
  return used;
}

}  // namespace assay::inside
