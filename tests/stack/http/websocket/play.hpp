// Plays raw clients against a WebSocket server in virtual time, on the plays of the HTTP server's tests.
//
//   const seen got = play_client(echoing(), {{0ms, opening() + from_client(opcode::text, "hi") +
//   close_from_client(1000)}}); EXPECT_THAT(got.frames, ElementsAre("text hi", "close 1000"));
//
// Every play also expects that nothing is left behind: sockets, lent buffers, coroutine frames.
//
// Misuse: a session that shares state with the test by reference to a local of a helper; the play runs inside of
// play().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stack/http/websocket/endpoint.hpp"
#include "tests/stack/http/server_test_support.hpp"
#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {

using http::testing::client_record;
using http::testing::client_script;
using http::testing::piece;
using http::testing::play;
using http::testing::report;
using http::testing::scenario;

// The request that opens a WebSocket at "/".
std::string opening(std::string_view more_fields = {});

// Sends every message back.
task<void> echo(connection& peer);

// Every request is answered by the endpoint.
http::handler serving(session talk, const settings& to = {}, std::vector<std::string> protocols = {});
http::handler echoing(const settings& to = {});

struct seen {
  int status = 0;  // of the first answer
  std::string head = {};
  std::vector<std::string> frames = {};
  std::vector<duration> arrived = {};  // when each was complete
  duration ended_after = duration::zero();
  std::optional<error> failure = {};

  // When the first frame that begins with `text` was complete; fails the test when none is.
  duration when(std::string_view text) const;
};

seen seen_by(const client_record& client);

// One client, the usual case.
seen play_client(http::handler serve, std::vector<piece> pieces, const sim_options& network = {});

}  // namespace assay::websocket::testing
