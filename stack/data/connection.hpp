// One PostgreSQL connection on a loop, over libpq's non-blocking calls. The pool's building block.
//
// A statement is prepared by name when it is first used here, up to max_statements; later ones are sent unprepared. An
// operation that ends by deadline or cancellation leaves an answer on its way: the connection is then broken() and can
// only be destroyed, which closes it without waiting. The server is asked to cancel it, on another thread and by a
// connection of its own.
//
// Misuse: two operations at the same time (aborts). Going on after broken().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stack/data/pipeline.hpp"
#include "stack/data/rows.hpp"
#include "stack/data/sql_error.hpp"
#include "stack/data/value.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/offload.hpp"

struct pg_conn;
struct pg_result;

namespace assay::data {

inline constexpr std::size_t max_parameters = 64;  // of one statement

// Where to connect, and how, as libpq's words; made once for many connections.
struct connection_target {
  std::vector<std::pair<std::string, std::string>> words;
  std::string host;                  // to be resolved before connecting; empty: libpq needs no name service
  std::size_t max_statements = 256;  // prepared, of one connection

  // From a libpq URI or "key=value ..." of a single host. A statement_timeout above zero is set in the server too, so
  // that what was abandoned here does not run on there.
  // Nor is a transaction left open there by a program that has forgotten it: idle_in_transaction, when above zero.
  static sql_result<connection_target> parse(const std::string& url, duration statement_timeout,
                                             duration idle_in_transaction = duration::zero());
};

// What another session has said by NOTIFY.
struct notification {
  std::string channel;
  std::string payload;
};

class connection {
 public:
  // Connects until the context's deadline. A host name is looked up with `resolver`, by default the process's own.
  static task<sql_result<std::unique_ptr<connection>>> open(const connection_target& to, offload_pool* resolver);
  // The same where the host's addresses are known: in their order, each with its share of the time that is left.
  static task<sql_result<std::unique_ptr<connection>>> open_at(const connection_target& to,
                                                               std::vector<socket_address> addresses);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // `sql`, of any characters but NUL, is kept by the caller until this completes.
  task<sql_result<rows>> query(std::string_view sql, std::vector<value> values);
  // Statements without parameters, BEGIN and its like: not prepared.
  task<sql_result<rows>> command(const char* sql);
  // All of it in one go; an empty one is none. The caller keeps it until this completes. See pipeline.hpp.
  task<sql_result<pipeline_results>> run(const pipeline& all);

  // The next that has come on a channel of LISTEN; nothing when none has by `limit`, and listening can go on.
  task<sql_result<std::optional<notification>>> notified(instant limit);

  // Sends ROLLBACK without waiting for its answer, so that locks go at once; settle() waits for it. False when it
  // cannot be sent: close the connection, and the server rolls back.
  bool begin_rollback() noexcept;
  bool settling() const { return settling_; }
  task<sql_result<void>> settle();

  bool broken() const { return broken_; }
  // Outside of a transaction, with nothing on its way.
  bool idle() const;
  // Looks, without waiting, whether the server has closed it or spoken; only while idle.
  bool alive() noexcept;

  instant expires = never;  // the pool's age limit
  instant idle_since{};

 private:
  struct finish {
    void operator()(pg_conn* held) const noexcept;
  };
  using handle = std::unique_ptr<pg_conn, finish>;
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  static void ignore_notice(void*, const pg_result*);
  static task<sql_result<std::unique_ptr<connection>>> open_one(const connection_target& to, std::string address);
  connection(handle held, std::size_t max_statements);
  sql_error lost(const char* what);
  sql_error abandoned(const error& failure, const char* what);
  void cancel_in_server() noexcept;
  task<sql_result<void>> flush(const char* what);
  task<sql_result<rows>> collect(const char* what);
  task<sql_result<rows>> answer(const char* what);
  bool send(const std::string* name, std::string_view sql, const std::vector<value>& values);
  bool send(const pipeline& all, std::vector<std::size_t>& fresh);
  task<pipeline_results> outcomes(const pipeline& all, const std::vector<std::size_t>& fresh);
  task<sql_result<void>> leave_pipeline();

  handle held_;
  std::size_t max_statements_;
  std::unordered_map<std::string, std::string, text_hash, std::equal_to<>> statements_;  // text to name
  bool busy_ = false;
  bool broken_ = false;
  bool settling_ = false;
};

}  // namespace assay::data
