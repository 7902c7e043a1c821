// A PostgreSQL that knows the answers of a test, on a port of this machine: for services that have a data::pool.
//
//   testing::fake_postgres database;
//   database.on("SELECT name FROM items WHERE id = $1", testing::pg_rows({"name"}, {{"tea"}}));
//   database.on("UPDATE items SET stock = 0", testing::pg_fails("40001", "serialization failure"));
//   data::pool items({.url = database.url()});
//   EXPECT_EQ(database.asked().back().sql, "COMMIT");
//
// It speaks the wire protocol on a thread of its own, so that libpq and the pool are the real ones: what is tested is
// what will run. Statements are known by their text, each as it is written. BEGIN, COMMIT and ROLLBACK are understood,
// a transaction with a failed statement refuses all others, and "SELECT 1" is answered; whatever else is not known
// fails with 42601 and its text.
//
// Misuse: as a model of SQL. It understands none: whether a statement is right is a matter for the real server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace assay::testing {

// A parameter or a field: text as the server writes it; none is NULL.
using pg_text = std::optional<std::string>;

// Object identifiers of types (pg_type).
inline constexpr std::uint32_t pg_type_bool = 16;
inline constexpr std::uint32_t pg_type_int8 = 20;
inline constexpr std::uint32_t pg_type_int4 = 23;
inline constexpr std::uint32_t pg_type_text = 25;
inline constexpr std::uint32_t pg_type_float8 = 701;

struct pg_column {
  pg_column(const char* of) : name(of) {}  // NOLINT(google-explicit-constructor): a column of text is its name
  pg_column(std::string of, std::uint32_t as) : name(std::move(of)), type(as) {}
  std::string name;
  std::uint32_t type = pg_type_text;
};

struct pg_reply {
  enum class kind : std::uint8_t {
    rows,
    failure,
    hangs,   // says nothing more: whoever asked gives up
    closes,  // the connection ends instead
  };
  kind what = kind::rows;
  std::vector<pg_column> columns = {};
  std::vector<std::vector<pg_text>> fields = {};  // of each row
  std::string tag = {};                           // "UPDATE 1"; empty: "SELECT n"
  std::string sqlstate = {};
  std::string message = {};
};

pg_reply pg_rows(std::vector<pg_column> columns, std::vector<std::vector<pg_text>> fields);
// Of a statement without rows: "INSERT 0 1", "UPDATE 3".
pg_reply pg_done(std::string tag);
pg_reply pg_fails(std::string sqlstate, std::string message);

struct pg_statement {
  std::string sql;
  std::vector<pg_text> parameters;
};

class fake_postgres {
 public:
  using answerer = std::function<pg_reply(const std::vector<pg_text>& parameters)>;

  fake_postgres();
  ~fake_postgres();
  fake_postgres(const fake_postgres&) = delete;
  fake_postgres& operator=(const fake_postgres&) = delete;

  // For data::pool_options.
  std::string url() const;

  // Any thread, at any time; the last said of a statement holds. An answerer is called on the server's thread.
  void on(std::string sql, pg_reply with);
  void on(std::string sql, answerer with);
  // Everything that has been executed, in order.
  std::vector<pg_statement> asked() const;
  // Ends every connection and lets nobody in, and does so no longer.
  void go_away();
  void come_back();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::testing
