// The client of one event stream, which connects again by itself and says where it left off.
//
//   http::event_source prices({.to = {.host = "shop.internal", .address = *address}, .target = "/prices"});
//   while (true) {
//     result<http::received_event> next = co_await prices.next();
//     if (!next) ...      // given up, or over for good: see over()
//   }
//
// A connection that ends, falls silent (comments count as life) or cannot be made is followed by another one, with
// Last-Event-ID, after a pause: what the server asked for (`retry`), doubled with each attempt that brought no event,
// at most retry_max, at least half of it by chance, so that clients which lost one server do not come back together.
// The answers 429 and 5xx are such an end too, where the standard would give up: servers that are restarted or loaded
// say so. For good ends: 204, which is how a server says "no more"; any other status; another content type; an event
// beyond the limits, which would only come again.
//
// A next() that ends by deadline or cancellation loses nothing; call it again. Nothing runs between two calls: who does
// not call reads slowly, and the server will see it.
//
// Misuse: two next() at the same time (aborts). Taking an event for new because it comes: a server may send again
// what it is not sure of.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "stack/http/client.hpp"
#include "stack/http/event_parser.hpp"

namespace assay::http {

struct event_source_options {
  origin to{};
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers{};  // beside Accept, Cache-Control and Last-Event-ID
  std::string last_event_id{};                                 // to begin with
  event_limits limits{};
  parse_limits parse = {};
  duration connect_timeout = std::chrono::seconds(5);
  duration write_timeout = std::chrono::seconds(10);
  duration response_timeout = std::chrono::seconds(30);  // for the whole head
  duration silence_timeout = std::chrono::seconds(60);   // without a byte; above the server's heartbeat
  duration retry = std::chrono::seconds(3);              // until the server says something else
  duration retry_min = std::chrono::milliseconds(100);   // whatever the server says
  duration retry_max = std::chrono::seconds(30);
  std::optional<std::uint64_t> seed{};  // of the jitter; random when not set
};

struct event_source_counters {
  std::uint64_t connects = 0;  // streams that began
  std::uint64_t losses = 0;    // of them, ended
  std::uint64_t failures = 0;  // attempts without a stream
  std::uint64_t events = 0;
};

class event_source {
 public:
  explicit event_source(event_source_options options);
  ~event_source();
  event_source(const event_source&) = delete;
  event_source& operator=(const event_source&) = delete;

  // errc::timed_out, errc::cancelled: the caller's. errc::closed: the server wants no more connections (204).
  // errc::protocol: not an event stream; errc::limit: a larger event than allowed; errc::invalid_argument: the request
  // is not valid. The last four stay.
  task<result<received_event>> next();

  bool over() const { return over_.has_value(); }
  int last_status() const { return last_status_; }  // of the last response; 0: none yet
  const std::string& last_event_id() const { return last_event_id_; }
  const event_source_counters& counters() const { return counters_; }

 private:
  struct connection;

  task<result<void>> connect();
  task<result<void>> read_head(connection& on);
  task<result<void>> read_some();
  result<void> judge(const response_head& head);
  result<void> parse(std::string_view piece);
  result<void> end(error why);
  client_request request() const;
  void pause_from(instant now);

  event_source_options options_;
  event_source_counters counters_;
  std::unique_ptr<connection> on_;
  event_parser parser_;
  std::deque<received_event> ready_;  // of what one receive has brought
  std::string last_event_id_;
  std::optional<error> over_;
  int last_status_ = 0;
  unsigned fruitless_ = 0;  // attempts since the last event
  instant try_again_{};
  bool busy_ = false;
  std::mt19937_64 random_;
};

}  // namespace assay::http
