// The fault proxy of one dependency, on one loop: takes connections, opens one upstream for each, carries bytes both
// ways, and misbehaves when told to.
//
//   latency  every reply is held back by a delay drawn from the distribution; a reply is what the upstream sends
//            after the client last spoke, so a protocol of questions and answers is delayed once per round trip.
//   reset    every connection there is is closed, once; new ones are served.
//   outage   every connection is closed, and new ones are closed as soon as they are accepted, until clear().
//
// What it does is a function of the seed and the order of connections. Backpressure is the sockets': a direction holds
// one received chunk at a time.
//
// Misuse: leaving a fault on. clear() ends it; a relay that ends takes its faults with it.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "lab/fault/latency.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/intrusive_list.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::fault {

struct relay_options {
  socket_address upstream;
  std::uint64_t seed = 1;
  std::size_t max_connections = 4096;  // more are closed at once, and counted as refused
  duration connect_timeout = std::chrono::seconds(5);
};

struct relay_counters {
  std::uint64_t connections = 0;
  std::uint64_t refused = 0;  // closed at once, by an outage or above max_connections
  std::uint64_t cut = 0;      // closed while open, by a reset or an outage
  std::uint64_t delayed = 0;  // replies
  std::uint64_t upstream_failures = 0;
};

class relay {
 public:
  explicit relay(relay_options options) : options_(options), random_(options_.seed) {}
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  // Serves until stop(). Fails only when accepting fails for good.
  task<result<void>> run(net::listener from);

  // On the loop's thread, each takes effect at once.
  void set_latency(const lognormal_latency& latency) { latency_ = latency; }
  void set_outage(bool on);
  void reset_connections();
  void clear();
  void stop();

  const relay_counters& counters() const { return counters_; }
  std::size_t live_connections() const { return live_; }

 private:
  struct connection;
  task<result<void>> accept_all(net::listener* from, scope* serving);
  task<void> serve(net::stream client);
  task<result<void>> carry_requests(connection* on);
  task<result<void>> carry_replies(connection* on);
  duration delay_of_reply(connection& on);

  relay_options options_;
  std::mt19937_64 random_;
  lognormal_latency latency_;
  bool outage_ = false;
  relay_counters counters_;
  std::size_t live_ = 0;
  intrusive_list<connection> open_;
  scope* accepting_ = nullptr;
};

}  // namespace assay::fault
