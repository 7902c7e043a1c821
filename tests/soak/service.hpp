// The service that the soak visits: every kind of request that the stack serves, with every guard on, as one would run
// it: two loops on one port, ids, a log, metrics, a watchdog, threads for work, and calls of another service.
//
//   /text          a text                          /echo      the request's body
//   /rows/N        a row of PostgreSQL             /transfer  a transaction over two rows
//   /pipelined     the same, in one go             /notify    NOTIFY, to which it listens itself
//   /count         two commands of Redis at once   /publish   PUBLISH, to which it is subscribed
//   /slow          half a second                   /stream    a megabyte in pieces
//   /hang          an hour, or until its deadline  /stuck     the same in PostgreSQL
//   /events        server-sent events until the client goes
//   /socket        a WebSocket that echoes, compressed if the client likes
//   /throw         an exception
//   /sums/N        1 + 2 + ... + N, on a thread    /sales     a number that nobody else gets, once for each key
//   /pages/N       a text that may be kept         /metrics, /debug/tasks, /health/ready
//   /one           what /inner answers: the service asks itself, as one host behind a breaker
//   /either        the same, as two hosts that it balances over
//
// The loops share what those of a service share: the log, the metrics, the watchdog, the threads, and the keys of what
// is done once. What the loops' objects hold is asked for through them: see held().
//
// Misuse: one that is not stopped before it goes (asserts).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

#include "stack/net/address.hpp"
#include "stack/runtime/time.hpp"

namespace assay::soak {

inline constexpr std::size_t most_rows_connections = 8;
inline constexpr std::size_t most_cache_connections = 4;

inline constexpr unsigned service_loops = 2;

// What an idle loop has none of, or as much as at any other idle moment.
struct loop_holdings {
  std::size_t connections = 0;  // of clients
  std::size_t frames = 0;       // coroutines of the loop's thread
  std::size_t tasks = 0;        // spawned and alive
  std::size_t timers = 0;
  std::size_t rows_busy = 0;        // connections of the PostgreSQL pool in use, and who waits for one
  std::size_t cache_in_flight = 0;  // calls to Redis, who waits to make one, and the check of it that goes on
  std::size_t calls = 0;            // of itself: connections, and who waits for one
  std::size_t pooled = 0;           // connections of both pools; idle ones are kept
  bool operator==(const loop_holdings&) const = default;
};

struct holdings {
  std::array<loop_holdings, service_loops> loops = {};
  std::size_t places = 0;        // of every guard and of the threads, and who waits for one, as the metrics tell it
  std::int64_t descriptors = 0;  // of the process, without those of `pooled`; held() alone tells, as of `places`

  std::size_t pooled() const;
  // How many connections the pools keep depends on what was asked at the same time; all else does not.
  holdings but_pools() const;
  // Nothing comes and goes at this moment: neither visitors, nor what the service asks for by itself.
  bool quiet() const;
  bool operator==(const holdings&) const = default;
};
std::ostream& operator<<(std::ostream& into, const holdings& of);

// What came of PostgreSQL's and Redis' channels, to both loops.
struct heard {
  std::uint64_t orders = 0;
  std::uint64_t news = 0;
  std::uint64_t order_gaps = 0;  // something may be missing, since a connection was lost
  std::uint64_t news_gaps = 0;
};

// What a soak is to find, for its own test.
enum class planted : std::uint8_t { nothing, leak_of_a_page };  // by each GET /text

// What is left of a service.
struct ending {
  holdings left;            // as each loop saw it when its server had ended
  bool cut_nobody = false;  // and all ended in good order
};

class service {
 public:
  // Returns once all loops serve, and listen to both channels.
  service(std::string postgres, std::string redis, planted fault = planted::nothing);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  const socket_address& address() const;
  // Of one moment, in which no loop goes on.
  holdings held();
  heard listened();
  // Holds a loop up until the watchdog has named its stack: it reads the program's symbols for the first, and keeps
  // them. False when it does not come to it.
  bool stall();
  // How many stalls the watchdog has seen so far; on a slow machine that is no fault.
  std::uint64_t stalls() const;
  // As SIGTERM does: drains, and returns when all loops have ended.
  ending stop();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::soak
