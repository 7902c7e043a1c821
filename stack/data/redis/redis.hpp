// Redis for services: a bounded pool of connections, on each of which many callers are at work.
//
//   data::redis::pool cache({.url = "redis://127.0.0.1:6379", .max_connections = 4});
//   auto got = co_await cache.command("GET", key);                  // redis_result<reply>
//
//   data::redis::batch both;
//   both.add("INCR", key).add("EXPIRE", key, 60);
//   auto answers = co_await cache.run(both);                        // in one go, error replies among the answers
//   auto done = co_await cache.atomic(both);                        // the same between MULTI and EXEC
//
// Commands of callers that come together leave together, and their answers come in order. Connections are opened when
// those there are have much to do. Each wait has a limit: for a place (in a bounded line), for connecting, for an
// answer, and the context's deadline over all. Who stops waiting takes nothing along: the answer is thrown away when it
// comes. While the server is away, one attempt at a time is made, with growing, jittered pauses between, and everybody
// else is told at once: errc::refused. One that accepts and says nothing is away as well, once it has had fair_wait for
// it. Nothing is retried here: only the program knows what may be done twice.
//
// A transaction is a batch, sent as a whole, and never stands open: there is nothing to forget and no limit to its age.
//
// Misuse: destroying the pool while anything of it is in use (aborts). Commands that wait in the server, that change
// what the connection's other callers see, or whose answers do not come one for one: see connection.hpp. Large values
// beside small ones, for whose answers the small ones wait; give them a pool of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stack/data/redis/connection.hpp"
#include "stack/net/server_absence.hpp"
#include "stack/runtime/channel.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::data::redis {

// Every bound of the pool; all finite.
struct pool_options {
  std::string url;  // redis://[user[:password]@]host[:port][/database]
  std::size_t max_connections = 4;
  std::size_t spread_at = 16;                          // calls on each of them before another is opened
  std::size_t max_waiters = 1024;                      // for a place; beyond it redis_condition::pool_exhausted
  connection_limits connection{};                      // of each
  duration wait_timeout = std::chrono::seconds(5);     // for a place; then pool_exhausted
  duration connect_timeout = std::chrono::seconds(5);  // TCP and authentication
  duration idle_timeout = std::chrono::minutes(5);     // an idle connection is closed then
  duration max_age = std::chrono::minutes(30);         // a connection is replaced then; spread by a tenth
  // A server that says nothing is away, though its callers have less time than the limits above: once an attempt to
  // connect has had so long, or so many calls in a row have.
  duration fair_wait = std::chrono::milliseconds(500);
  unsigned max_unanswered = 3;
  duration backoff_min = std::chrono::milliseconds(50);  // between attempts to connect
  duration backoff_max = std::chrono::seconds(1);
  offload_pool* resolver = nullptr;     // for a host name in the URL; else the process's own
  std::optional<std::uint64_t> seed{};  // of the jitter; random when not set
};

struct pool_counters {
  std::uint64_t opened = 0;
  std::uint64_t open_failures = 0;
  std::uint64_t refused_while_away = 0;  // told at once, because the server was away a moment ago
  std::uint64_t closed_broken = 0;       // failed, overdue, or found dead
  std::uint64_t closed_old = 0;          // age limit
  std::uint64_t closed_idle = 0;
  std::uint64_t calls = 0;          // one command, one batch, one transaction
  std::uint64_t failures = 0;       // of them, without an answer
  std::uint64_t error_replies = 0;  // calls of one command or transaction that the server refused
  std::uint64_t abandoned = 0;      // of the failures, by deadline or cancellation
  std::uint64_t waits = 0;          // for a place, because none was free
  std::uint64_t wait_timeouts = 0;
  std::uint64_t refused_waiters = 0;  // the line was full
  duration waited{};                  // by all of them together
};

struct pool_usage {
  std::size_t open = 0;
  std::size_t in_flight = 0;  // calls, on all connections
  std::size_t waiting = 0;
};

class pool {
 public:
  explicit pool(pool_options options);
  ~pool();
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  // Says whether the URL is one and the server answers. Not needed before the first command.
  task<redis_result<void>> open();

  // One command; an error reply is a failure.
  template <class... Words>
  ASSAY_CORO_WRAPPER task<redis_result<reply>> command(std::string_view name, const Words&... words) {
    batch one;
    one.add(name, words...);
    return run_one(std::move(one));
  }
  // All in one go, and one answer for each, in order. Others' commands may come between.
  task<redis_result<std::vector<reply>>> run(batch commands);
  // All or nothing, and nothing between: MULTI, the commands, EXEC; the answers are those of the commands. An error
  // with a code_word() says that nothing was done. Without one (unavailable, a deadline) the outcome is not known. A
  // command that fails while EXEC runs is an error reply among the answers: Redis does not roll the others back.
  task<redis_result<std::vector<reply>>> atomic(batch commands);

  const pool_counters& counters() const { return counters_; }
  pool_usage usage() const;

 private:
  using shared = std::shared_ptr<connection>;

  task<redis_result<permit>> wait_for_place();
  task<redis_result<shared>> take();
  task<redis_result<shared>> connect();
  task<redis_result<void>> wait_for_news();
  task<redis_result<void>> wait_for_room();
  task<redis_result<reply>> run_one(batch one);
  shared least_loaded() const;
  void sweep(instant now);
  void tell_news();
  void hear(const redis_result<std::vector<reply>>& got, instant began, instant now);

  pool_options options_;
  redis_result<target> target_;
  pool_counters counters_;
  semaphore places_;
  std::vector<shared> connections_;
  std::size_t opening_ = 0;
  channel<char> news_{1};  // an attempt to connect has ended
  std::size_t listening_ = 0;
  net::server_absence absence_;
  unsigned unanswered_ = 0;  // calls in a row
};

// Whether the server answers, for a service that tells whether it is ready.
task<result<void>> ping(pool& of);

// Its use as metrics, for as long as it is there; `name` is the label that tells it from others.
void show(observe::mirror& in, const pool& of, std::string_view name);

}  // namespace assay::data::redis
