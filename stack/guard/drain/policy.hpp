// A server's life as those in front of it see it: starting, ready, draining, stopped.
//
//   starting   ready(): 503    live(): 200    requests are refused: it is not warm yet
//   ready             200            200      are served
//   draining          503            200      are served; when `delay` is over their connections end with them
//   stopped           503            503      are refused
//
//   gate.ready();                                // once it is warm, with options::warms_up
//   server.drain_after(gate.drain(now));         // on SIGTERM
//   gate.stop();                                 // when the server has ended: its last connection has gone
//
// The delay is for a balancer to find out, which takes its checks a few rounds: a server that closes its door at once
// refuses the connections that are opened meanwhile. So it is to be longer than period times failures of those checks.
//
// Misuse: the delay without a balancer that checks ready(). Nothing comes of it but a slower end.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "stack/guard/options.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::drain {

enum class state : std::uint8_t { starting, ready, draining, stopped };
std::string_view label(state of);

struct options {
  bool warms_up = false;  // begins as starting, and is ready when it is told so
  duration delay = std::chrono::seconds(5);
  std::string live_path = "/health/live";              // empty: the service answers it
  std::string ready_path = "/health/ready";            // as live_path
  duration readiness_limit = std::chrono::seconds(1);  // for the service's own check
  std::chrono::seconds retry_after{1};                 // what a refused client is told
};

checked check(const options& given);

struct counters {
  std::uint64_t served = 0;         // health checks not included
  std::uint64_t served_late = 0;    // of those: came while it drained
  std::uint64_t told_to_close = 0;  // answers that ended their connection
  std::uint64_t refused = 0;        // starting, or stopped
  std::uint64_t unready = 0;        // checks that were told so
};

class policy;

// One request that is served.
class [[nodiscard]] visit {
 public:
  visit(visit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
  visit& operator=(visit&&) = delete;
  ~visit();

 private:
  friend class policy;
  explicit visit(policy* from) : from_(from) {}
  policy* from_;
};

class policy {
 public:
  explicit policy(const options& given);
  policy(const policy&) = delete;  // visits point to it
  policy& operator=(const policy&) = delete;

  // From starting; else nothing happens.
  void ready();
  // Begins the end, and says for how long the server is to go on as before. Again: what is left of it.
  duration drain(instant now);
  void stop() { state_ = state::stopped; }

  bool serves() const { return state_ == state::ready || state_ == state::draining; }
  // Whether an answer ends its connection.
  bool closes(instant now) const;
  visit enter();
  void on_refused() { counters_.refused++; }
  void on_close() { counters_.told_to_close++; }
  void on_unready() { counters_.unready++; }

  state now_is() const { return state_; }
  std::size_t in_flight() const { return in_flight_; }
  const options& settings() const { return options_; }
  const counters& counted() const { return counters_; }

 private:
  friend class visit;
  options options_;
  state state_;
  instant closes_from_ = never;
  std::size_t in_flight_ = 0;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::drain
