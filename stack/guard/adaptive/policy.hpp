// Finds by itself how many requests in flight are good for a service: as many as it can work on, and few that queue
// somewhere inside. It looks at latency alone: with too many in flight a request takes longer than it does unloaded.
//
//   guard::adaptive::ticket one = limit.begin(now);   // a request goes to the handler
//   one.done(now);                                    // or cut(), or neither; in flight until the ticket goes
//   admission.limit_to(limit.limit());
//
// Latencies are taken a window at a time: the geometric mean of all that ended in it, since latencies span orders of
// magnitude, and one report of 2 s among requests of 10 ms is no overload. After each window but the very first:
//
//   busy, more than half of the limit was in use:  limit += smoothing * (limit * gradient + sqrt(limit) - limit)
//                                                  gradient = clamp((1 + slack) * unloaded / latency, 0.5, 1)
//   idle, and within the slack or few in flight:   unloaded += weight * (latency - unloaded); the limit stays, since
//                                                  nobody has tried whether more would do
//   idle, and slower than that:                    a probe
//   busy, and `unloaded` not measured for          a probe
//   probe_every, or the limit halved since:
//
// A probe lets half as many in, waits until those from before have ended, and takes a window. When latency has fallen
// there was a queue: it halves again, until latency falls no more or min_limit is reached. Then nothing queues, and
// that is the unloaded latency. If it has not fallen at all, then the service itself has become slower, and the limit
// goes back to what it was before that. So it follows a dependency that has become slower within a second or two, and
// does not take a queue of its own making for the service's nature. Where the limit is not used there are no probes.
//
// Gradient, headroom and the rule for idle times are those of Netflix' concurrency-limits (Gradient2Limit) and of
// Envoy's adaptive concurrency filter; halving to measure is BBRv2's (ProbeRTT). Not taken from the first: the long
// average of all latencies as the measure, which takes a standing queue for normal in time. Nor from the second: the
// measure at a concurrency of 3 whatever the service, which refuses nearly everything meanwhile.
//
// Misuse: measuring what waits for its own client, such as slow uploads or long polls: latency is then not the
// service's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>

#include "stack/guard/adaptive/geometric_mean.hpp"
#include "stack/guard/options.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::adaptive {

// Of one loop: a process with four loops admits four times as many.
struct options {
  std::size_t min_limit = 4;
  std::size_t max_limit = 256;
  std::size_t initial_limit = 20;
  duration window = std::chrono::milliseconds(100);  // at least; and twice the latency, up to ten windows
  std::uint64_t min_samples = 50;                    // of a window, and twice as many of a probe; fewer say little
  unsigned slack_percent = 50;                       // beyond the unloaded latency, that is still no queue
  duration probe_every = std::chrono::seconds(10);   // to half as much again, at random
  std::optional<std::uint64_t> seed = {};            // of that; none: a different one for each policy
};

checked check(const options& given);

struct counters {
  std::uint64_t windows = 0;
  std::uint64_t raised = 0;  // windows that raised the limit
  std::uint64_t lowered = 0;
  std::uint64_t idle = 0;     // windows in which the limit was not used
  std::uint64_t probes = 0;   // that found the unloaded latency
  std::uint64_t slower = 0;   // of them: the service itself had become slower, or was measured for the first time
  std::uint64_t ignored = 0;  // endings that say nothing about latency
};

class policy;

// One request in flight.
class [[nodiscard]] ticket {
 public:
  ticket(ticket&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), number_(other.number_), began_(other.began_), told_(other.told_) {}
  ticket& operator=(ticket&&) = delete;
  ~ticket();

  // It was carried out. Failures are often fast, and no measure of anything: say nothing of them.
  void done(instant now);
  // Its deadline passed, or its caller went away: it would have taken longer. Counts when that is long already.
  void cut(instant now);

 private:
  friend class policy;
  ticket(policy* from, std::uint64_t number, instant began) : from_(from), number_(number), began_(began) {}
  policy* from_;
  std::uint64_t number_;
  instant began_;
  bool told_ = false;
};

class policy {
 public:
  explicit policy(const options& given);
  policy(const policy&) = delete;  // tickets point to it
  policy& operator=(const policy&) = delete;

  ticket begin(instant now);

  // How many may be in flight now; while it probes, half of what it would be.
  std::size_t limit() const { return probing() ? probed_limit() : static_cast<std::size_t>(limit_); }
  std::size_t in_flight() const { return in_flight_; }
  // What a request takes unloaded, as far as known; 0 before that.
  duration unloaded() const { return duration(std::llround(unloaded_ns_)); }
  const options& settings() const { return options_; }
  const counters& counted() const { return counters_; }

 private:
  friend class ticket;
  // A probe lets in half of `level`.
  struct probe {
    double level = 0;      // 0: there is none
    double queued_at = 0;  // the lowest level at which there was a queue; 0: at none so far
    instant began{};
    std::uint64_t first_number = 0;  // of the requests that began in it
    std::size_t older = 0;           // that began before and have not ended
    std::size_t older_at_first = 0;
  };
  bool probing() const { return probe_.level > 0; }
  void on_begin(instant now);
  std::size_t probed_limit() const;
  double slow_ns() const;
  duration window_span() const;
  void on_left(std::uint64_t number);
  void on_sample(const ticket& of, instant now);
  void on_window(double latency_ns, instant now);
  void on_probe(double latency_ns, instant now);
  void adjust(double latency_ns);
  bool wants_probe(instant now) const;
  void begin_window(instant now);
  void begin_probe(double level, instant now);
  void end_probe(double latency_ns, instant now);
  void measured(instant now);

  options options_;
  double limit_;
  std::size_t in_flight_ = 0;
  std::size_t working_ = 0;  // of them, those that have not ended: a stream may go on
  std::uint64_t next_number_ = 0;

  // This window.
  instant window_ends_{};       // at least min_samples, and not before this
  geometric_mean mean_;         // of their latencies in ns
  std::size_t peak_ = 0;        // the most in flight
  double last_latency_ns_ = 0;  // of the window before

  // What is known of the unloaded service.
  double unloaded_ns_ = 0;  // 0: nothing
  double limit_then_ = 0;   // when it was measured
  instant next_probe_at_{};
  probe probe_;
  counters counters_;
  std::mt19937_64 random_;  // 2.5 KiB, for a window at most: away from what each request touches
};

// Each request comes by here.
inline ticket policy::begin(instant now) {
  if (next_number_ == 0 || probing()) [[unlikely]]
    on_begin(now);
  in_flight_++;
  working_++;
  peak_ = std::max(peak_, in_flight_);
  return {this, next_number_++, now};
}

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::adaptive
