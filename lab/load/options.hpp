// What to load, how hard, for how long; checked before anything is sent.
//
// Misuse: passing options on that normalize() has not seen. It fills defaults, renders the request once, and names
// what is wrong with a value and what was expected.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/load/answer_checks.hpp"
#include "lab/load/gate_text.hpp"
#include "lab/load/rate_curve.hpp"
#include "lab/load/request_source.hpp"
#include "lab/model/load_result.hpp"
#include "stack/http/message.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

inline constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

struct load_options {
  std::string url;
  std::optional<double> rate_per_s;  // open model; without it closed
  model::arrival_law arrivals = model::arrival_law::constant;
  duration tick = {};  // above zero: those of one tick leave together, at its begin; open model
  duration length = std::chrono::seconds(10);
  std::vector<stage> stages;  // open model, instead of rate and length, which normalize() then fills
  unsigned connections = 64;
  unsigned threads = 1;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Several requests instead of one: the URL says where to only, and the headers are added to each.
  std::vector<model::bound_route> routes;
  std::map<std::string, model::value_source> feeds;  // what {name} stands for, in the routes or in the URL, -H and -b
  answer_checks checks;
  bool keep_seconds = false;                   // for those who watch; kept for bursts too
  std::vector<gate> windowed;                  // objectives that are to hold in each window; see windowed_gates()
  std::vector<double> gated_quantiles;         // intervals are told of these too; see gate_quantiles()
  duration timeout = std::chrono::seconds(5);  // of one request, from its send
  std::uint64_t per_connection = no_limit;     // requests; then the client closes it
  unsigned follow = 0;                         // redirects of one request; at most max_redirects
  bool renews_connections = false;             // one is closed while its successor is opened: sessions
  std::uint64_t seed = 1;
  bool spin = false;  // poll instead of sleeping between arrivals
  io_options io;
};

// Options that can be run.
struct load_plan {
  load_options options;
  std::string host;  // name or numeric address
  std::uint16_t port = 80;
  std::string authority;  // host and port as the URL has them
  std::string request;    // the bytes of each request
  http::method verb = http::method::get;
  bool may_resend = true;                 // http::may_resend()
  std::optional<request_source> several;  // instead of `request`: routes, or one that is never the same twice
};

inline constexpr double max_rate_per_s = 10'000'000;
inline constexpr unsigned max_connections = 1'000'000;
inline constexpr unsigned max_threads = 256;
inline constexpr std::size_t max_stages = 64;  // each keeps histograms of its own: record_memory.hpp
inline constexpr duration min_tick = std::chrono::microseconds(10);
inline constexpr duration max_tick = std::chrono::milliseconds(100);
// Sessions: each is accounted for by itself when the run ends, a few seconds of work where nothing is answered.
// Requests have no such limit, nor messages, each of which is accounted for when it is due.
inline constexpr double max_charged_singly = 100'000'000;
inline constexpr duration max_length = std::chrono::hours(24 * 7);
inline constexpr std::size_t max_routes = 256;  // each keeps histograms of its own, too

// The error is one line for the user.
std::expected<load_plan, std::string> normalize(load_options options);

}  // namespace assay::load
