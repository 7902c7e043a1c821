// SQLite behind four functions, with errors as one sentence.
//
// Misuse: letting a statement outlive its database; holding a text() view beyond the next step().
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace assay::store {

enum class open_mode : std::uint8_t { create, read };

// One prepared statement. Failures while binding show in step().
class statement {
 public:
  statement(sqlite3* file, sqlite3_stmt* prepared, int prepare_result);
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;
  ~statement();

  statement& bind(std::string_view text);
  statement& bind(std::int64_t number);
  /// True: a row is there. False: the statement is done.
  [[nodiscard]] std::expected<bool, std::string> step();
  std::string_view text(int column) const;
  std::int64_t number(int column) const;

 private:
  sqlite3* file_;
  sqlite3_stmt* prepared_;
  int result_;
  int bound_ = 0;
};

class database {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<database>, std::string> open(const std::string& path,
                                                                                  open_mode mode);
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database();

  /// Runs statements that give no rows.
  [[nodiscard]] std::expected<void, std::string> run(const char* sql);
  [[nodiscard]] statement prepare(std::string_view sql) const;
  /// The first column of the first row.
  [[nodiscard]] std::expected<std::int64_t, std::string> number(std::string_view sql) const;
  bool in_transaction() const;
  const std::string& path() const { return path_; }

 private:
  database(sqlite3* file, std::string path) : file_(file), path_(std::move(path)) {}

  sqlite3* file_;
  std::string path_;
};

}  // namespace assay::store
