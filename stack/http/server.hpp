// An HTTP/1.1 server: keep-alive, pipelining, chunked both ways, Expect, a limit and a deadline for
// everything.
//
//   int main() { return http::serve(hello, {}); }   // on port 8080, see serve_options
//
// This is the server alone. stack/guard/serve.hpp puts in front of it what a service needs that is to degrade well.
//
// SIGTERM and SIGINT drain it, after serve_options::on_stop: it stops accepting, tells clients to close, lets requests
// finish until drain_timeout, cancels the rest, and the exit code says whether anything was cut (0 nothing, 1
// something, 4 could not start). What never ends by itself, a feed, is told in serve_options::on_drain.
//
// Misuse: blocking in a handler (a lock, a synchronous client): it stops every connection of its loop. Use an
// offload_pool.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "stack/http/handler.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::http {

// Every bound of the server; all finite.
struct server_limits {
  std::size_t max_connections = 10'000;  // a loop; more wait in the kernel's backlog
  parse_limits parse = {};
  std::uint64_t max_body_bytes = 1024 * 1024;
  std::uint64_t max_skipped_body_bytes = 64 * 1024;  // read and dropped to keep a connection; beyond it is closed
  std::size_t max_unsent_bytes = 256 * 1024;         // of a connection; beyond it the reader and streams wait
  std::uint64_t max_requests_per_connection = UINT64_MAX;
  duration head_timeout = std::chrono::seconds(10);     // from a head's first byte to its last
  duration body_timeout = std::chrono::seconds(30);     // from one piece of a request's body to the next
  duration handler_timeout = std::chrono::seconds(30);  // the deadline in the handler's context
  duration write_timeout = std::chrono::seconds(30);    // until the client has taken what is in flight
  duration idle_timeout = std::chrono::seconds(75);     // between requests
  duration linger_timeout = std::chrono::seconds(2);    // reading on after a refusal, so that the client can read why
  duration drain_timeout = std::chrono::seconds(10);    // for requests in flight, once asked to stop
  // A client that closes its side before it is answered has left: what runs for it is cancelled. Closing a half and
  // both look alike from here; true: who closes is waiting, and only a reset that comes instead is a departure.
  bool serve_half_closed = false;
};

struct server_counters {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused_heads = 0;       // malformed or too large
  std::uint64_t refused_bodies = 0;      // their head announced too much
  std::uint64_t handler_exceptions = 0;  // bugs: answered with 500
  std::uint64_t head_timeouts = 0;
  std::uint64_t body_timeouts = 0;
  std::uint64_t write_timeouts = 0;
  std::uint64_t idle_timeouts = 0;
  std::uint64_t departures = 0;  // clients that left before their answer was complete, and were heard to
  std::uint64_t cut = 0;         // connections cancelled with a request in progress when draining ended

  std::uint64_t timeouts() const { return head_timeouts + body_timeouts + write_timeouts + idle_timeouts; }
};

// A request that the server answers itself, and no handler sees: its head could not be read, or it announces a body
// that will not be. The connection ends with it.
struct refusal {
  int status = 400;
  std::string_view reason;             // label(parse_error), "body_too_large" or "head_timeout"; static text
  const request_head* head = nullptr;  // none: it could not be read; for as long as the call
  std::uint64_t bytes = 0;             // of the answer's body
};
using refusal_listener = std::function<void(const refusal&)>;

// The server of one loop.
class server {
 public:
  // `on_refused` is told of every refusal, `on_drain` once, when the door closes; on the loop's thread, and neither may
  // throw.
  server(handler serve, server_limits limits, refusal_listener on_refused = {}, std::function<void()> on_drain = {});
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Serves until drain() and returns when every connection has ended. Fails only when accepting fails for
  // good.
  task<result<void>> run(net::listener from);
  // Begins the end; on the loop's thread. Again: does nothing.
  void drain();
  // The same in a while, and until then all goes on: time for those in front to learn of it, and to go elsewhere. On
  // the loop's thread. The first call counts, and drain() does not wait for it.
  void drain_after(duration span);

  const server_counters& counters() const;
  std::size_t live_connections() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// What it counts as metrics, for as long as it is there.
void show(observe::mirror& in, const server& of);

struct serve_options {
  std::string host = "0.0.0.0";  // numeric
  // The environment variable PORT decides when this is not set; else 8080. 0: the system chooses. Printed on stdout.
  std::optional<std::uint16_t> port;
  unsigned loops = 1;  // threads, each with its own loop, sharing the port
  server_limits limits;
  io_options io;
  // Called on the thread of each loop, index 0, 1, ..., when the process is asked to stop: for how long that loop is to
  // go on as before. Empty: it drains at once. See stack/guard/drain.
  std::function<duration(unsigned index, instant now)> on_stop = {};
  // Called on the thread of each loop when its door closes, after what on_stop said: the moment to end what never ends
  // by itself, since who is sent away by then finds no way back in.
  std::function<void(unsigned index)> on_drain = {};
  // Called on the thread of each loop before it serves. The server is there for as long as what the handler_maker made.
  std::function<void(unsigned index, const server& of, loop& on)> on_start = {};
  // Called on the thread of each loop once its server has ended: its door is closed, and the last connection has gone.
  std::function<void(unsigned index)> on_end = {};
  // What runs on each loop beside its server, from before the first connection until after the last, and is cancelled
  // then: health checks of other services, a subscription. Its failure is told at once, see runtime/unobserved.hpp, and
  // the exit code says so.
  task_function<task<result<void>>(unsigned index)> background = {};
  // Called on the thread of a loop for what its server refuses.
  std::function<void(unsigned index, const refusal& of)> on_refused = {};
};

// Runs servers until SIGINT or SIGTERM; the process's exit code.
int serve(const handler& serve, const serve_options& options);

// The same with a handler for each loop: what the handler owns (the state of policies, a client) then belongs to one
// loop and needs no lock. It is called for index 0, 1, ... `loops` - 1, on the calling thread and before anything
// listens; what it made goes on its loop's thread, and before the loop.
using handler_maker = std::function<handler(unsigned index)>;
int serve(const handler_maker& make, const serve_options& options);

}  // namespace assay::http
