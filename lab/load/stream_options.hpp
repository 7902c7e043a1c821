// A load over long connections, WebSocket or server-sent events: what, how hard, for how long; checked before anything
// is sent.
//
// Misuse: passing options on that normalize() has not seen.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/load/gate_text.hpp"
#include "lab/load/rate_curve.hpp"
#include "lab/model/stream_result.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

struct stream_options {
  std::string url = {};                   // ws://, or with `events` http://
  std::optional<double> rate_per_s = {};  // messages, of all connections; without it they are idle
  model::arrival_law arrivals = model::arrival_law::constant;
  duration tick = {};  // above zero: messages of one tick leave together, at its begin
  duration length = std::chrono::seconds(10);
  std::vector<stage> stages = {};  // instead of rate and length, which normalize() then fills
  unsigned connections = 64;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string message = "{id}";
  bool broadcast = false;
  bool events = false;
  bool keep_seconds = false;  // for those who watch; of messages alone. Kept for bursts too
  double connects_per_s = 2000;
  // Of idle connections, their mean: each is closed after a time drawn from an exponential distribution, and the next
  // opened in its place. Zero: they stay.
  duration lifetime = {};
  std::vector<std::string> sources = {};       // local addresses, in turn
  std::vector<gate> windowed = {};             // objectives that are to hold in each window; of messages alone
  std::vector<double> gated_quantiles = {};    // of which stalls of its own are told too; see gate_quantiles()
  duration timeout = std::chrono::seconds(5);  // of a message, from its send; of connecting, from its begin
  std::uint64_t seed = 1;
  io_options io = {};
};

// Options that can be run.
struct stream_plan {
  stream_options options;
  model::stream_kind kind = model::stream_kind::echo;
  std::string host;  // name or numeric address
  std::uint16_t port = 80;
  std::string request;                 // the head without its last line end: fields may be added
  std::vector<std::string> protocols;  // those that the user's headers ask for
  std::vector<socket_address> sources;
};

inline constexpr double max_connects_per_s = 1'000'000;
inline constexpr std::size_t max_message_text_bytes = 1024 * 1024;
inline constexpr std::size_t max_sources = 256;
inline constexpr duration min_lifetime = std::chrono::milliseconds(10);

// Whether `assay load` of this URL is a load over WebSocket.
bool is_websocket_url(std::string_view url);

// The error is one line for the user.
std::expected<stream_plan, std::string> normalize(stream_options options);

}  // namespace assay::load
