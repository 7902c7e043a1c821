// Plays a scenario against an HTTP server in virtual time: clients that send given bytes at given moments and
// record what comes back, and when.
//
//   const report seen = play({.serve = greet, .clients = {{.pieces = {{0ms, get("/")}}}}});
//   EXPECT_EQ(seen.clients[0].ended_after, 75s);   // the server's idle timeout
//
// Every play also expects that nothing is left behind: sockets, lent buffers, coroutine frames.
//
// Misuse: a client that neither leaves nor is closed by the server; the simulation then aborts as a deadlock.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/http/server.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::http::testing {

// All moments are counted from the start of the play.
struct piece {
  duration at;
  std::string bytes;
};

struct client_script {
  std::vector<piece> pieces;
  duration connect_at = duration::zero();
  duration read_from = duration::zero();  // a slow reader takes nothing before
  bool end_after_pieces = false;          // half-closes: no more will come
  std::optional<duration> leave_at = {};  // closes; without it the client waits for the server to close
};

struct scenario {
  handler serve;
  server_limits limits = {};
  refusal_listener on_refused = {};
  std::function<void()> on_drain = {};
  sim_options network = {};
  std::vector<client_script> clients = {};
  std::optional<duration> drain_at = {};  // without it: once every client is gone
  duration drain_delay = duration::zero();
  // Anything else that happens, on the loop's thread.
  std::vector<std::pair<duration, std::function<void(sim_io&, loop&)>>> events = {};
};

struct arrival {
  duration at;
  std::string bytes;
};

struct client_record {
  std::string bytes;
  std::vector<arrival> arrivals;
  duration ended_after = duration::zero();
  std::optional<error> failure;  // of receiving: a reset. None: the server closed in good order, or we left

  // When the answer that holds `text` came; fails the test when it did not.
  duration when(std::string_view text) const;
};

struct report {
  std::vector<client_record> clients;
  server_counters counters;
  duration server_ended_after = duration::zero();
};

report play(const scenario& plan);

// One client, the usual case.
client_record play_one(handler serve, std::vector<piece> pieces, const server_limits& limits = {});

// A network whose bytes take `latency` one way.
sim_options distant(duration latency, std::uint64_t seed = 1);

// --- requests ---
std::string get(std::string_view target, std::string_view more_fields = {});
std::string post(std::string_view target, std::string_view body, std::string_view more_fields = {});
// Each of `parts` is a chunk.
std::string post_chunked(std::string_view target, const std::vector<std::string>& parts,
                         std::string_view more_fields = {});

// --- responses ---
struct parsed_response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool complete = false;    // by its framing
  bool keep_alive = false;  // what it says

  std::string header(std::string_view name) const;  // empty when it is not there
};

// In order; the last may be incomplete. `methods` are those of the requests, GET where it is shorter.
std::vector<parsed_response> split_responses(const client_record& from, const std::vector<method>& methods = {});
std::vector<int> statuses(const client_record& from);

// --- handlers ---
// Answers with the target; "/sleep" after 100 ms, "/throw" throws, "/close" ends the connection.
task<response> answer_target(request& asked);
// Reads the whole body and sends it back; failures as response::for_body().
task<response> echo(request& asked);

}  // namespace assay::http::testing
