#include "lab/store/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>
#include <utility>

namespace assay::store {
namespace {

std::string sentence(sqlite3* file, int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "is in use by another assay";
    case SQLITE_FULL:
      return "cannot be written: the disk is full";
    case SQLITE_NOTADB:
      return "is no campaign file";
    case SQLITE_CORRUPT:
      return "is damaged (the results before the damage can be had with `sqlite3 FILE .recover`)";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "cannot be written: no permission";
    default:
      break;
  }
  const int cause = file == nullptr ? 0 : sqlite3_system_errno(file);
  const bool io = (result & 0xff) == SQLITE_IOERR || (result & 0xff) == SQLITE_CANTOPEN;
  return io && cause != 0 ? fmt::format("cannot be used: {}", std::strerror(cause))
                          : fmt::format("cannot be used: {}", sqlite3_errstr(result));
}

}  // namespace

statement::statement(sqlite3* file, sqlite3_stmt* prepared, int prepare_result)
    : file_(file), prepared_(prepared), result_(prepare_result) {}

statement::~statement() { sqlite3_finalize(prepared_); }

statement& statement::bind(std::string_view text) {
  if (result_ == SQLITE_OK) {
    result_ = sqlite3_bind_text64(prepared_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return *this;
}

statement& statement::bind(std::int64_t number) {
  if (result_ == SQLITE_OK) result_ = sqlite3_bind_int64(prepared_, ++bound_, number);
  return *this;
}

std::expected<bool, std::string> statement::step() {
  if (result_ != SQLITE_OK && result_ != SQLITE_ROW) return std::unexpected(sentence(file_, result_));
  result_ = sqlite3_step(prepared_);
  if (result_ == SQLITE_ROW) return true;
  if (result_ == SQLITE_DONE) return false;
  return std::unexpected(sentence(file_, result_));
}

std::string_view statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(prepared_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(prepared_, column));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

std::int64_t statement::number(int column) const { return sqlite3_column_int64(prepared_, column); }

std::expected<std::unique_ptr<database>, std::string> database::open(const std::string& path, open_mode mode) {
  const int flags = mode == open_mode::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* file = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &file, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (result != SQLITE_OK) {
    std::string why = sentence(file, result);
    sqlite3_close_v2(file);
    return std::unexpected(std::move(why));
  }
  sqlite3_extended_result_codes(file, 1);
  return std::unique_ptr<database>(new database(file, path));
}

database::~database() { sqlite3_close_v2(file_); }

std::expected<void, std::string> database::run(const char* sql) {
  const int result = sqlite3_exec(file_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return std::unexpected(sentence(file_, result));
  return {};
}

statement database::prepare(std::string_view sql) const {
  sqlite3_stmt* prepared = nullptr;
  const int result = sqlite3_prepare_v2(file_, sql.data(), static_cast<int>(sql.size()), &prepared, nullptr);
  return {file_, prepared, result};
}

std::expected<std::int64_t, std::string> database::number(std::string_view sql) const {
  statement query = prepare(sql);
  const auto row = query.step();
  if (!row) return std::unexpected(row.error());
  return *row ? query.number(0) : 0;
}

bool database::in_transaction() const { return sqlite3_get_autocommit(file_) == 0; }

}  // namespace assay::store
