// PostgreSQL for services: a bounded pool of connections, statements, and transactions that cannot be forgotten.
//
//   data::pool db({.url = "postgresql://shop@127.0.0.1/shop", .max_connections = 10});
//   auto found = co_await db.query("SELECT name FROM items WHERE id = $1", id);     // sql_result<rows>
//
//   auto tx = co_await db.begin();                                                   // sql_result<transaction>
//   auto done = co_await tx->query("UPDATE items SET stock = stock - 1 WHERE id = $1", id);
//   if (done) done = co_await tx->commit();       // without it the end of the block rolls back
//
//   auto outcomes = co_await db.run(both);                // a data::pipeline: statements in one go, see pipeline.hpp
//
// Connections are opened when they are needed. Each wait has a limit: for a connection (in a bounded line), for
// connecting, for a statement, and the context's deadline over all. A statement that is abandoned by deadline or
// cancellation is cancelled in the server, and takes its connection with it; so does one whose connection fails. While
// the server is away, one attempt at a time is made, with growing, jittered pauses between, and everybody else is told
// at once: errc::refused. One that accepts and says nothing is away as well, once it has had fair_wait for it. A
// transaction that is not committed is rolled back at once: ROLLBACK is sent, or the connection closed. Nothing is
// retried here: only the program knows what may be done twice.
//
// Misuse: destroying the pool while anything of it is in use (aborts); a transaction held while waiting for something
// else, which holds a connection and the server's locks; a statement's text that ends before the co_await does; text
// made of values, since each new text is prepared once on each connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/data/connection.hpp"
#include "stack/net/server_absence.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::data {

// Every bound of the pool; all finite.
struct pool_options {
  std::string url;  // libpq URI or "key=value ..."; one host
  std::size_t max_connections = 10;
  std::size_t max_waiters = 1024;                         // for a connection; beyond it sql_condition::pool_exhausted
  std::size_t min_idle = 0;                               // opened by open(), and not closed for being idle
  duration wait_timeout = std::chrono::seconds(5);        // for a connection; then pool_exhausted
  duration connect_timeout = std::chrono::seconds(5);     // TCP, TLS and authentication
  duration query_timeout = std::chrono::seconds(30);      // of a statement or a whole pipeline, here
  duration statement_timeout = std::chrono::seconds(30);  // of a statement, in the server; zero: the server's own
  // From begin() to its end; then only rolling back is left. Zero: no limit.
  duration transaction_timeout = std::chrono::minutes(1);
  duration idle_timeout = std::chrono::minutes(5);  // an idle connection above min_idle is closed then
  duration max_age = std::chrono::minutes(30);      // a connection is replaced then; spread by a tenth
  // A server that says nothing is away, though its callers have less time than the limits above: once an attempt to
  // connect has had so long, or so many statements in a row have.
  duration fair_wait = std::chrono::milliseconds(500);
  unsigned max_unanswered = 3;
  duration backoff_min = std::chrono::milliseconds(50);  // between attempts to connect
  duration backoff_max = std::chrono::seconds(1);
  pipeline_limits pipelines{};          // beyond them a pipeline is refused: errc::invalid_argument
  std::size_t max_statements = 256;     // prepared, of a connection
  offload_pool* resolver = nullptr;     // for a host name in the URL; else the process's own
  std::optional<std::uint64_t> seed{};  // of the jitter; random when not set

  // The same, with no wait of a query longer than that: for a connection, to connect, of a statement here and there.
  pool_options within(duration limit) const {
    pool_options bounded = *this;
    bounded.wait_timeout = bounded.connect_timeout = bounded.query_timeout = bounded.statement_timeout = limit;
    return bounded;
  }
};

struct pool_counters {
  std::uint64_t opened = 0;
  std::uint64_t open_failures = 0;
  std::uint64_t refused_while_away = 0;  // told at once, because the server was away a moment ago
  std::uint64_t closed_broken = 0;       // failed, abandoned in the middle, or found dead
  std::uint64_t closed_old = 0;          // age limit
  std::uint64_t closed_idle = 0;
  std::uint64_t queries = 0;    // statements, those of transactions and pipelines included
  std::uint64_t failures = 0;   // of them, failed
  std::uint64_t abandoned = 0;  // of the failures, by deadline or cancellation
  std::uint64_t pipelines = 0;
  std::uint64_t transactions = 0;
  std::uint64_t rollbacks = 0;  // transactions that ended without commit, in whichever way
  std::uint64_t waits = 0;      // for a connection, because none was free
  std::uint64_t wait_timeouts = 0;
  std::uint64_t refused_waiters = 0;  // the line was full
  duration waited{};                  // by all of them together
};

struct pool_usage {
  std::size_t open = 0;  // idle and busy
  std::size_t idle = 0;
  std::size_t waiting = 0;
};

enum class isolation : std::uint8_t { read_committed, repeatable_read, serializable };

class pool;

namespace detail {

// A connection in use. Gives it back to the pool, or closes it, when it goes.
class lease {
 public:
  lease(pool* from, std::unique_ptr<connection> held, permit slot)
      : from_(from), held_(std::move(held)), slot_(std::move(slot)) {}
  lease(lease&& other) noexcept = default;
  lease& operator=(lease&& other) noexcept {
    if (this != &other) {
      end();
      from_ = other.from_;
      held_ = std::move(other.held_);
      slot_ = std::move(other.slot_);
    }
    return *this;
  }
  ~lease() { end(); }

  connection& get() const { return *held_; }
  bool held() const { return held_ != nullptr; }
  pool& owner() const { return *from_; }
  void end();

 private:
  pool* from_;
  std::unique_ptr<connection> held_;
  permit slot_;
};

}  // namespace detail

// A transaction, from begin() to commit() or rollback(). Its end without either rolls back. One that is older than
// transaction_timeout fails with errc::timed_out whatever it is asked; the server ends one that is idle for as long.
class [[nodiscard]] transaction {
 public:
  transaction(transaction&& other) noexcept = default;
  transaction& operator=(transaction&& other) = delete;
  ~transaction();

  template <class... Values>
  ASSAY_CORO_WRAPPER task<sql_result<rows>> query(std::string_view sql, const Values&... values) {
    return query_values(sql, values_of(values...));
  }
  task<sql_result<rows>> query_values(std::string_view sql, std::vector<value> values);
  // Statements of this transaction, in one go. An empty one is nothing.
  task<sql_result<pipeline_results>> run(pipeline statements);
  // sql_condition::failed_transaction: the server has rolled back, since a statement had failed. With `unavailable` or
  // a deadline the outcome is not known: the server may have committed before it was lost.
  task<sql_result<rows>> commit();
  task<sql_result<rows>> rollback();

 private:
  friend class pool;
  transaction(detail::lease held, instant expires) : held_(std::move(held)), expires_(expires) {}
  detail::lease held_;
  instant expires_;
};

class pool {
 public:
  explicit pool(pool_options options);
  ~pool();
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  // Says whether the URL is one, and opens min_idle connections. Not needed before the first query.
  task<sql_result<void>> open();

  template <class... Values>
  ASSAY_CORO_WRAPPER task<sql_result<rows>> query(std::string_view sql, const Values&... values) {
    return query_values(sql, values_of(values...));
  }
  task<sql_result<rows>> query_values(std::string_view sql, std::vector<value> values);
  // In one go on one connection, and all or nothing. An empty one is nothing.
  task<sql_result<pipeline_results>> run(pipeline statements);
  task<sql_result<transaction>> begin(isolation level = isolation::read_committed);

  const pool_counters& counters() const { return counters_; }
  pool_usage usage() const;

 private:
  friend class detail::lease;
  friend class transaction;

  task<sql_result<permit>> wait_for_slot();
  task<sql_result<detail::lease>> take();
  task<std::unique_ptr<connection>> take_idle();
  task<sql_result<std::unique_ptr<connection>>> connect();
  task<sql_result<rows>> run(connection& on, std::string_view sql, std::vector<value> values, instant latest = never);
  task<sql_result<pipeline_results>> run(connection& on, const pipeline& statements, instant latest = never);
  task<sql_result<rows>> command(connection& on, const char* sql);
  std::optional<sql_error> refusal(const pipeline& statements) const;
  void count(const sql_result<rows>& outcome);
  void count(std::size_t sent, const sql_result<pipeline_results>& outcomes);
  void hear(const sql_error* failure, instant began, instant now);
  void give_back(std::unique_ptr<connection> used) noexcept;
  void close_idle(instant now);

  pool_options options_;
  sql_result<connection_target> target_;
  pool_counters counters_;
  semaphore slots_;
  std::vector<std::unique_ptr<connection>> idle_;  // the one used last is the last
  std::size_t open_ = 0;
  instant now_{};  // when the pool was last asked for a connection
  net::server_absence absence_;
  unsigned unanswered_ = 0;  // statements in a row
};

// Whether the server answers, for a service that tells whether it is ready.
task<result<void>> ping(pool& of);

// Its use as metrics, for as long as it is there; `name` is the label that tells it from others.
void show(observe::mirror& in, const pool& of, std::string_view name);

}  // namespace assay::data
