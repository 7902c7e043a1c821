// Stops asking a host that does not answer.
//
//   closed    -> open       failures are failure_percent of at least min_exchanges in the window, or as many have
//                           failed one after the other for failing_for: a host that is gone, whatever was before
//   open      -> half open  after open_for
//   half open -> closed     its single probe succeeds; what was counted before is forgotten
//   half open -> open       the probe fails
//
//   result<breaker::pass> pass = gate.admit(now);   // errc::limit: do not ask
//   ...
//   pass->succeed(now);  // or fail(now); neither, when the outcome says nothing about the host
//
// One policy for each host. What counts as a failure says the host is ill: stack/guard/evidence.hpp. A probe that ends
// without evidence gives its place to the next request.
//
// Misuse: one breaker around several hosts: a healthy one is given up for the sake of an ill one.
#pragma once

#include <cstdint>
#include <utility>

#include "stack/guard/breaker/window.hpp"
#include "stack/guard/options.hpp"
#include "stack/runtime/error.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::breaker {

struct options {
  duration window = std::chrono::seconds(10);
  unsigned buckets = 10;
  std::uint64_t min_exchanges = 20;  // in the window; fewer prove nothing
  unsigned failure_percent = 50;     // of them; at so many it opens
  // So long nothing has succeeded, and min_exchanges have failed in a row: it opens without waiting for the window to
  // fill with failures. Longer than a hiccup, which takes many at once. 0: the share alone counts.
  duration failing_for = std::chrono::seconds(1);
  duration open_for = std::chrono::seconds(5);
  bool count_5xx = true;
  duration fair_wait = std::chrono::milliseconds(100);  // a timeout of an exchange that had less is not counted
};

checked check(const options& given);

struct counters {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t not_counted = 0;  // told nothing about the host, or came when the circuit had moved on
  std::uint64_t refused = 0;
  std::uint64_t probes = 0;
  std::uint64_t opened = 0;  // from closed and from half open
  std::uint64_t half_opened = 0;
  std::uint64_t closed = 0;
};

enum class state : std::uint8_t { closed, open, half_open };

class policy;

// Leave for one exchange, and the obligation to say how it went. Dropped without a word, it counts for nothing.
class [[nodiscard]] pass {
 public:
  pass(pass&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), period_(other.period_), probe_(other.probe_) {}
  pass& operator=(pass&&) = delete;
  ~pass();

  void succeed(instant now) { end(now, false); }
  void fail(instant now) { end(now, true); }

 private:
  friend class policy;
  pass(policy* from, std::uint64_t period, bool probe) : from_(from), period_(period), probe_(probe) {}
  void end(instant now, bool failed);

  policy* from_;
  std::uint64_t period_;
  bool probe_;
};

class policy {
 public:
  explicit policy(const options& given);

  // Leave to ask the host, or errc::limit.
  result<pass> admit(instant now);

  // When open, the time until a probe may go; else zero.
  duration retry_after(instant now) const;
  state now_is(instant now) const;
  const options& settings() const { return options_; }
  const counters& counted() const { return counters_; }

 private:
  friend class pass;
  void on_end(instant now, std::uint64_t period, bool probe, bool failed);
  bool is_failing(instant now);
  void on_dropped(std::uint64_t period, bool probe);
  void open(instant now);
  void close();

  options options_;
  window window_;
  state state_ = state::closed;
  instant open_until_{};
  std::uint64_t failed_in_a_row_ = 0;
  instant failing_since_{};
  bool probing_ = false;      // half open: the probe is out
  std::uint64_t period_ = 0;  // of one state; what began in an earlier one no longer decides
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of, std::string_view client);

}  // namespace assay::guard::breaker
