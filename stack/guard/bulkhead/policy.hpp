// A part of a service, such as a route or a dependency, may occupy only so many places: when it becomes slow it takes
// those, and leaves the rest of the service the others. Named after the walls in a ship's hull.
//
//   guard::bulkhead::policy reports({.name = "reports", .max_in_flight = 8});
//   result<permit> place = co_await reports.enter();   // errc::limit: this part is full, the others are not
//
// By default nobody waits for a place: who waits here occupies a place further out, of the server's, which is what the
// wall is to prevent. A short line evens out bursts, and counts to what the part takes: max_in_flight + max_waiting.
//
// Misuse: walls that together hold what the server admits (shed's max_in_flight): one slow part again takes nearly all.
#pragma once

#include <cstdint>
#include <string>

#include "stack/guard/options.hpp"
#include "stack/runtime/error.hpp"
#include "stack/runtime/semaphore.hpp"
#include "stack/runtime/task.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::bulkhead {

// Of one loop: a process with four loops lets four times as many in.
struct options {
  std::string name;  // of the part, as a metric label has it
  std::size_t max_in_flight = 16;
  std::size_t max_waiting = 0;
  duration max_wait = std::chrono::milliseconds(50);
  std::chrono::seconds retry_after{1};  // what a refused client is told
};

checked check(const options& given);

struct counters {
  std::uint64_t entered = 0;
  std::uint64_t waited = 0;           // of those: not at once
  std::uint64_t refused_full = 0;     // max_waiting were there already
  std::uint64_t refused_waiting = 0;  // no place came free in max_wait
};

class policy {
 public:
  explicit policy(const options& given);

  // The place is given back when the permit goes. Fails with errc::limit when there is none, and like every wait when
  // the caller's own deadline or cancellation comes first.
  task<result<permit>> enter();
  // The same in two parts, for whoever can do without a coroutine where a place is free: empty when there is none, and
  // then the rest of it, at once.
  permit enter_at_once();
  task<result<permit>> wait_in_line();

  std::size_t in_flight() const { return options_.max_in_flight - places_.free(); }
  std::size_t waiting() const { return places_.waiters(); }
  const options& settings() const { return options_; }
  const counters& counted() const { return counters_; }

 private:
  options options_;
  semaphore places_;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::bulkhead
