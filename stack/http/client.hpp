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
// Misuse: destroying the client while a send() is awaited, or before its loop has finished with it (asserts).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stack/http/message.hpp"
#include "stack/http/parser.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/semaphore.hpp"

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
  std::uint64_t max_body_bytes = 16 * 1024 * 1024;  // of a response
  duration connect_timeout = std::chrono::seconds(5);
  duration write_timeout = std::chrono::seconds(30);     // for the whole request
  duration response_timeout = std::chrono::seconds(30);  // from the request's first byte to the response's first
  duration head_timeout = std::chrono::seconds(10);      // from a head's first byte to its last
  duration body_timeout = std::chrono::seconds(30);      // from one piece to the next
  duration idle_timeout = std::chrono::seconds(30);      // an idle connection older than this is not used again
  duration max_age = std::chrono::minutes(10);
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
};

struct client_response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};

  // The first field of that name, ignoring case; empty when there is none.
  std::string_view header(std::string_view name) const;
};

struct client_counters {
  std::uint64_t connects = 0;
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
  // errc::refused, errc::reset as the network says.
  task<result<client_response>> send(client_request request);

  const client_counters& counters() const { return counters_; }
  std::size_t idle_connections() const { return idle_.size(); }
  client_usage usage() const {
    return {.busy = limits_.max_connections - slots_.free(), .idle = idle_.size(), .waiting = slots_.waiters()};
  }

 private:
  class connection;

  task<result<permit>> wait_for_slot();
  task<result<std::unique_ptr<connection>>> take();
  std::unique_ptr<connection> take_idle(instant now);
  task<result<client_response>> send_once(const client_request& request, bool* stale);
  void keep(std::unique_ptr<connection> used, instant now);

  origin to_;
  client_limits limits_;
  client_counters counters_;
  semaphore slots_;
  std::vector<std::unique_ptr<connection>> idle_;  // the youngest last
};

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
