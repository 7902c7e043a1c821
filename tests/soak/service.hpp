// The service that the soak visits: every kind of request that the stack serves, under every default policy.
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
//
// It has a loop and a thread of its own. What the loop's objects hold is asked for through it: see held().
//
// Misuse: one that is not stopped before it goes (asserts).
#pragma once

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

// What an idle service has none of, or as much as at any other idle moment.
struct holdings {
  std::size_t connections = 0;  // of clients
  std::size_t frames = 0;       // coroutines of the loop's thread
  std::size_t tasks = 0;        // spawned and alive
  std::size_t timers = 0;
  std::size_t places = 0;           // of the admission policy
  std::size_t rows_busy = 0;        // connections of the PostgreSQL pool in use, and who waits for one
  std::size_t cache_in_flight = 0;  // calls to Redis, who waits to make one, and the check of it that goes on
  std::size_t pooled = 0;           // connections of both pools; idle ones are kept
  std::int64_t descriptors = 0;     // of the process, without those of `pooled`; held() alone tells

  // How many connections the pools keep depends on what was asked at the same time; all else does not.
  holdings but_pools() const {
    holdings others = *this;
    others.pooled = 0;
    return others;
  }
  bool operator==(const holdings&) const = default;
};
std::ostream& operator<<(std::ostream& into, const holdings& of);

// What came of PostgreSQL's and Redis' channels.
struct heard {
  std::uint64_t orders = 0;
  std::uint64_t news = 0;
  std::uint64_t order_gaps = 0;  // something may be missing, since a connection was lost
  std::uint64_t news_gaps = 0;
};

// What a soak is to find, for its own test.
enum class planted : std::uint8_t { nothing, leak_of_a_page };  // by each GET /text

class service {
 public:
  // Returns once it serves, and listens to both channels.
  service(std::string postgres, std::string redis, planted fault = planted::nothing);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  const socket_address& address() const;
  // Both as the loop's thread sees it, between two turns.
  holdings held();
  heard listened();
  // Drains, and returns when the loop has ended; what was still held then.
  holdings stop();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::soak
