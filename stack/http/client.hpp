// An HTTP/1.1 client for one origin, with a bounded pool of connections.
//
//   http::client shop({.host = "shop.internal", .address = *address});
//   result<http::client_response> got = co_await shop.send({.target = "/items/7"});
//
// Waiting for a connection, connecting, and every part of the exchange ends at the context's deadline or at the
// client's own limits, whichever is earlier. A request that met a connection which the server had closed meanwhile is
// sent once more on a fresh one, if its method is idempotent. Nothing else is retried: that is a policy (stack/guard).
// Idle connections are looked at when a request comes, and only then: one on which anything has arrived, the end or
// bytes that nobody asked for, is dropped, or those bytes would pass for the answer to the next request.
//
// While the server cannot be reached one attempt at a time is made, with growing, jittered pauses between, and
// everybody else is told at once: errc::refused. One that accepts and does not answer is no matter of connections:
// guard/breaker.
//
// Bodies need not be here as a whole. A request's is produced piece by piece while its response is waited for, as that
// of a server's response is, and waits while the server is slow; a response's is read when its reader likes:
//
//   auto got = co_await shop.send({.verb = "PUT", .target = "/film", .stream = produce, .read_in_pieces = true});
//   while (got) { auto piece = co_await got->source->read(); if (!piece || piece->empty()) break; ... }
//
// The response is there once the request has been sent. A server that refuses before (from 400 on) ends the producing:
// its waits are cancelled, its writes fail. One that answers well before is waited with: a response that comes only as
// fast as the request is read would have both wait for each other until write_timeout, so this is no conversation; see
// websocket/. The deadline of the call is that of the producing too. What was produced is gone, and such a request is
// never sent again.
//
// A response in pieces has its connection to itself until its end has been read or its source goes. What is unread then
// is dropped if it has been received already, or the connection closes, as it does when a read fails or is cancelled.
//
// Misuse: destroying the client while a send() is awaited, or before its loop has finished with it, or with the source
// of a response still there (aborts). Keeping that long after it is of use: it is one of max_connections.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stack/http/body.hpp"
#include "stack/http/message.hpp"
#include "stack/http/parser.hpp"
#include "stack/net/server_absence.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/semaphore.hpp"
#include "stack/runtime/task_function.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::http {

struct origin {
  std::string host;  // for the Host field, with ":port" unless it is 80
  socket_address address;
  std::vector<socket_address> others = {};  // of the same host, for when that one cannot be reached; in this order
};

struct client_limits {
  std::size_t max_connections = 64;
  std::size_t max_waiters = 1024;                   // for a connection; beyond it errc::limit
  duration wait_timeout = std::chrono::seconds(5);  // for a connection; then errc::limit
  parse_limits parse = {};
  std::uint64_t max_body_bytes = 16 * 1024 * 1024;  // of a response that is not read in pieces
  std::size_t max_unsent_bytes = 256 * 1024;        // of a request that is produced; beyond it the producer waits
  duration connect_timeout = std::chrono::seconds(5);
  duration write_timeout = std::chrono::seconds(30);  // for the whole request; of one that is produced, a piece
  duration response_timeout =
      std::chrono::seconds(30);                      // from the request's first byte (produced: last) to the response
  duration head_timeout = std::chrono::seconds(10);  // from a head's first byte to its last
  duration body_timeout = std::chrono::seconds(30);  // from one piece to the next
  duration idle_timeout = std::chrono::seconds(30);  // an idle connection older than this is not used again
  duration max_age = std::chrono::minutes(10);
  // An attempt to connect that had so long says that the server is away, though its caller had less than the limit.
  duration fair_wait = std::chrono::milliseconds(500);
  duration backoff_min = std::chrono::milliseconds(10);  // between attempts to connect; retries wait longer
  duration backoff_max = std::chrono::seconds(1);
  std::optional<std::uint64_t> seed = {};  // of the jitter; random when not set
};

// A host that a request has been sent to, by its number with whoever chose it.
struct asked_host {
  const void* chosen_by = nullptr;
  std::size_t host = 0;
};

struct client_request {
  std::string verb = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers = {};  // without those of framing: see valid_request
  std::string body = {};
  // Of a request that may be sent again: the hosts that it has been sent to, in order. Whoever sends it again keeps the
  // list (guard/retry), whoever chooses among hosts reads and writes it (guard/balance); to the client it is nothing.
  std::vector<asked_host>* asked = nullptr;
  // When set, produces the body instead of `body`, once.
  task_function<task<result<void>>(body_sink&)> stream = {};
  std::optional<std::uint64_t> length = {};  // bytes that `stream` will write, no more and no less; none: chunked
  bool read_in_pieces = false;               // the response's body is for its `source`
};

struct client_response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  // Of a request with read_in_pieces; else none. Each wait ends at its reader's deadline, or after body_timeout.
  std::shared_ptr<body_source> source = {};

  // The first field of that name, ignoring case; empty when there is none.
  std::string_view header(std::string_view name) const;
};

struct client_counters {
  std::uint64_t connects = 0;  // attempts
  std::uint64_t opened = 0;    // of them, connections that came to be
  std::uint64_t open_failures = 0;
  std::uint64_t refused_while_away = 0;  // told at once, because the server was away a moment ago
  std::uint64_t closed_broken = 0;       // failed, abandoned in the middle, or found dead
  std::uint64_t closed_ended = 0;        // with the response that said so, or came before the request had been sent
  std::uint64_t closed_old = 0;          // age limit
  std::uint64_t closed_idle = 0;
  std::uint64_t requests = 0;
  std::uint64_t reused = 0;  // requests on a connection that had served before
  std::uint64_t resent = 0;  // because the server had closed an idle connection
  std::uint64_t waits = 0;   // for a connection, because all were in use
  std::uint64_t wait_timeouts = 0;
  std::uint64_t refused_waiters = 0;  // the line was full
  duration waited{};                  // by all of them together
};

struct client_usage {
  std::size_t busy = 0;  // connections, also those that are being opened
  std::size_t idle = 0;
  std::size_t waiting = 0;
};

class client {
 public:
  explicit client(origin to, client_limits limits = {});
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  // errc::invalid_argument: not a valid_request(), nothing was sent; errc::protocol: the server broke the protocol, or
  // its head is larger than limits.parse allows; errc::limit: body too large, or no connection: too many
  // wait for one, or none came free within wait_timeout; errc::closed: it went away in the middle; errc::timed_out,
  // errc::refused, errc::reset as the network says. A producer's failure is that of the request.
  task<result<client_response>> send(client_request request);

  const client_counters& counters() const { return counters_; }
  std::size_t idle_connections() const { return idle_.size(); }
  client_usage usage() const {
    return {.busy = limits_.max_connections - slots_.free(), .idle = idle_.size(), .waiting = slots_.waiters()};
  }

 private:
  class connection;
  class incoming;

  task<result<permit>> wait_for_slot();
  task<result<std::unique_ptr<connection>>> take();
  task<result<std::unique_ptr<connection>>> connect();
  bool is_over(const connection& idle, instant now);
  std::unique_ptr<connection> take_idle(instant now);
  task<result<client_response>> send_once(const client_request& request, permit* slot, bool* stale);
  void keep(std::unique_ptr<connection> used, instant now);

  origin to_;
  client_limits limits_;
  client_counters counters_;
  semaphore slots_;
  std::vector<std::unique_ptr<connection>> idle_;  // the youngest last
  net::server_absence absence_;
};

// Whether the server is well: it answers GET `target` with 2xx. For a service that tells whether it is ready.
task<result<void>> ping(client& of, std::string target = "/health/ready");

// Its connections as metrics, for as long as it is there; `name` is the label that tells it from others.
void show(observe::mirror& in, const client& of, std::string_view name);

// 1xx responses before the final one; more of them is a server that never answers.
inline constexpr int max_interim_responses = 16;

// Whether a request may be sent again when its connection ended before an answer and nobody knows if it was carried
// out: the method is idempotent (RFC 9110 section 9.2.2), or the server can tell by an Idempotency-Key.
bool may_resend(const client_request& request);

// A request as bytes; the lab renders its load with it too. `verb` and the fields must be valid (see valid_request).
void append_request(std::string& to, const client_request& request, std::string_view host);

// False when a verb, target or field cannot be sent without changing the message's framing: a byte that does not belong
// there, or Content-Length, Transfer-Encoding or Connection, which are the client's. A Host field replaces the
// origin's.
bool valid_request(const client_request& request);

}  // namespace assay::http
