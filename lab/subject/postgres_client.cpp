#include "lab/subject/postgres_client.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>

namespace assay::subject {
namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

constexpr std::size_t max_sql_bytes = std::size_t{256} * 1024 * 1024;

struct closes {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* got) const { PQclear(got); }
};
using connection = std::unique_ptr<PGconn, closes>;
using answer = std::unique_ptr<PGresult, closes>;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

// False at the deadline.
bool wait_on(PGconn* on, short events, steady::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady::now()).count();
    if (left <= 0) return false;
    pollfd socket = {.fd = PQsocket(on), .events = events, .revents = 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(std::min<milliseconds::rep>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

std::expected<connection, std::string> connect(const postgres_login& at, steady::time_point until) {
  connection opened(PQconnectStart(at.url.c_str()));
  if (!opened) return std::unexpected("no memory for a connection");
  PQsetNoticeProcessor(opened.get(), [](void*, const char*) {}, nullptr);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED && PQstatus(opened.get()) != CONNECTION_BAD) {
    if (!wait_on(opened.get(), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until)) {
      return std::unexpected("PostgreSQL does not answer");
    }
    next = PQconnectPoll(opened.get());
  }
  if (next != PGRES_POLLING_OK) return std::unexpected(trimmed(PQerrorMessage(opened.get())));
  PQsetnonblocking(opened.get(), 1);
  return opened;
}

// "12: syntax error": the line that the server points at, if it does.
std::string failure(const PGresult* got, const std::string& sql) {
  const auto field = [got](int code) {
    const char* text = PQresultErrorField(got, code);
    return std::string(text == nullptr ? "" : text);
  };
  std::string message = field(PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = trimmed(PQresultErrorMessage(got));
  if (const std::string detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty()) message += "; " + trimmed(detail);
  const std::string position = field(PG_DIAG_STATEMENT_POSITION);
  std::size_t characters = 0;
  const auto parsed = std::from_chars(position.data(), position.data() + position.size(), characters);
  if (parsed.ec != std::errc()) return " " + message;
  // It counts characters, not bytes.
  std::size_t line = 1;
  for (const char c : sql) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80 && characters-- <= 1) break;
    if (c == '\n') line++;
  }
  return fmt::format("{}: {}", line, message);
}

// The next result of what was sent; null after the last.
std::expected<answer, std::string> next_answer(PGconn* on, steady::time_point until) {
  while (true) {
    const int unsent = PQflush(on);
    if (unsent < 0 || PQconsumeInput(on) == 0) return std::unexpected(trimmed(PQerrorMessage(on)));
    if (unsent == 0 && PQisBusy(on) == 0) return answer(PQgetResult(on));
    if (!wait_on(on, static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), until)) {
      return std::unexpected("PostgreSQL has not finished in time");
    }
  }
}

// Every result is looked at; the last one is handed on.
std::expected<answer, std::string> execute(const postgres_login& at, const std::string& sql, const std::string& name) {
  const steady::time_point until = steady::now() + at.limit;
  const auto wrong = [&name](const std::string& why) { return std::unexpected(fmt::format("{}: {}", name, why)); };
  if (sql.find('\0') != std::string::npos) return wrong("it holds NUL bytes");
  const auto on = connect(at, until);
  if (!on) return wrong(on.error());
  if (PQsendQuery(on->get(), sql.c_str()) == 0) return wrong(trimmed(PQerrorMessage(on->get())));
  answer last;
  while (true) {
    auto got = next_answer(on->get(), until);
    if (!got) return wrong(got.error());
    if (!*got) return last;
    switch (PQresultStatus(got->get())) {
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_EMPTY_QUERY:
        break;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH:
        return wrong("COPY from or to the client is not supported; write INSERT");
      default:
        return std::unexpected(fmt::format("{}:{}", name, failure(got->get(), sql)));
    }
    last = std::move(*got);
  }
}

}  // namespace

std::expected<void, std::string> run_sql(const postgres_login& at, const std::string& sql, const std::string& name) {
  const auto done = execute(at, sql, name);
  if (!done) return std::unexpected(done.error());
  return {};
}

std::expected<void, std::string> run_sql_file(const postgres_login& at, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  if (!file || size < 0) return std::unexpected(fmt::format("{}: cannot be read", path));
  if (static_cast<std::size_t>(size) > max_sql_bytes) return std::unexpected(fmt::format("{}: over 256 MiB", path));
  file.seekg(0);
  const std::string sql{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return std::unexpected(fmt::format("{}: cannot be read", path));
  return run_sql(at, sql, path);
}

std::expected<std::vector<std::string>, std::string> query_column(const postgres_login& at, const std::string& sql) {
  const auto got = execute(at, sql, "query");
  if (!got) return std::unexpected(got.error());
  const PGresult* rows = got->get();
  if (rows == nullptr || PQnfields(rows) < 1) return std::unexpected("query: it gives no column");
  if (static_cast<std::size_t>(PQntuples(rows)) > max_column_rows) {
    return std::unexpected(fmt::format("query: more than {} rows", max_column_rows));
  }
  std::vector<std::string> column;
  column.reserve(static_cast<std::size_t>(PQntuples(rows)));
  for (int row = 0; row < PQntuples(rows); row++) {
    if (PQgetisnull(rows, row, 0) != 0) return std::unexpected(fmt::format("query: row {} is NULL", row + 1));
    column.emplace_back(PQgetvalue(rows, row, 0), static_cast<std::size_t>(PQgetlength(rows, row, 0)));
  }
  return column;
}

std::string quoted_identifier(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace assay::subject
