// Admission to a server that may be asked for more than it can do: what cannot be served soon is refused at once, while
// refusing is still cheap.
//
//   guard::shed::policy admission({.max_in_flight = 64, .max_waiting = 256});
//   result<place> held = co_await admission.admit();   // waits a little, or errc::cancelled with reason overload
//
// Three bounds: on requests in flight, on those that wait for a place, and on how long they wait. The last is
// controlled delay as in Maurer, "Fail at Scale", ACM Queue 13(8), 2015: when a place was free not long ago this is a
// burst, and it may take burst_wait to drain; when none was free for burst_wait it is an overload, and who comes then
// waits for standing_wait at most. So a burst costs nobody an answer, and an overload costs nobody more than
// standing_wait.
//
// A handler that computes keeps the loop, and while it does so nobody is in flight beside it: the line is then in the
// sockets, where no bound on places sees it. So the same two waits also bound how long a batch of requests that the
// loop found ready together may keep it: what is reached later than that is refused, and the loop looks again. But not
// while the loop waits for work half of the time: then somebody else had the CPU, and refusing gains nothing.
//
// limit_to() lets fewer in than max_in_flight, from now on: stack/guard/adaptive finds out how many. The places beyond
// are withheld, at once where they are free, else as they come back; nobody who is in is thrown out.
//
// Misuse: standing_wait near the clients' timeout. What has waited so long is answered into the void; it is to be a
// small part of the time in which an answer is worth having.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "stack/guard/options.hpp"
#include "stack/runtime/error.hpp"
#include "stack/runtime/semaphore.hpp"
#include "stack/runtime/task.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::shed {

// Of one loop: a process with four loops admits four times as many.
struct options {
  std::size_t max_in_flight = 256;  // whatever limit_to() says
  std::size_t max_waiting = 1024;   // 0: nobody waits
  duration burst_wait = std::chrono::milliseconds(100);
  duration standing_wait = std::chrono::milliseconds(5);
  std::chrono::seconds retry_after{1};  // what a refused client is told
};

checked check(const options& given);

struct counters {
  std::uint64_t admitted = 0;
  std::uint64_t waited = 0;           // of the admitted: not at once
  std::uint64_t refused_full = 0;     // max_waiting were there already
  std::uint64_t refused_waiting = 0;  // no place came free in time
  std::uint64_t refused_behind = 0;   // reached too late: what was ready before it kept the loop
};

// How long whoever joins the line may wait. A line that is empty because all have given up is no recovery: only a
// request that finds a place free is.
class patience {
 public:
  patience(duration burst_wait, duration standing_wait) : burst_wait_(burst_wait), standing_wait_(standing_wait) {}

  void on_free_place() { saturated_ = false; }
  duration on_joining(instant now) {
    if (!saturated_) since_ = now;
    saturated_ = true;
    return now - since_ < burst_wait_ ? burst_wait_ : standing_wait_;
  }

 private:
  duration burst_wait_;
  duration standing_wait_;
  bool saturated_ = false;
  instant since_{};
};

// How late requests are reached that lay ready when the loop last looked. Arrivals vary, and so a batch that was worked
// off in time is no end of an overload: burst_wait without anything late is.
class backlog {
 public:
  backlog(duration burst_wait, duration standing_wait) : burst_wait_(burst_wait), standing_wait_(standing_wait) {}

  // Whether what is reached at `now`, having been ready at `turn`, is still to be served; until then the loop has
  // waited for work for so long in all.
  bool admits(instant turn, instant now, duration waited) {
    if (now - turn <= standing_wait_) return true;
    if (turn - last_late_ > burst_wait_) begin(turn, waited);
    last_late_ = now;
    if (now - since_ <= burst_wait_) return true;
    if (waited - waited_before_ < (now - since_) / 2) return false;
    begin(turn, waited);
    return true;
  }

 private:
  void begin(instant turn, duration waited) {
    since_ = turn;
    waited_before_ = waited;
  }

  duration burst_wait_;
  duration standing_wait_;
  instant last_late_ = instant() - std::chrono::hours(1);
  instant since_{};  // it has been late again and again
  duration waited_before_{};
};

class policy;

// What admission says at once.
enum class door : std::uint8_t { admitted, line, refused_behind, refused_full };

// The right to be in flight; it goes back when this goes.
class [[nodiscard]] place {
 public:
  place(place&& other) noexcept : from_(std::exchange(other.from_, nullptr)), held_(std::move(other.held_)) {}
  place& operator=(place&&) = delete;
  ~place();

 private:
  friend class policy;
  place(policy* from, permit held) : from_(from), held_(std::move(held)) {}
  policy* from_;
  permit held_;
};

class policy {
 public:
  explicit policy(const options& given);

  // Fails with errc::cancelled and reason overload when it is refused, and like every wait when the caller's own
  // deadline or cancellation comes first.
  task<result<place>> admit();
  // The same in two parts, for whoever can do without a coroutine where nobody has to wait: into `held`, or else why
  // not; when it would have to wait, then the rest of it, at once.
  door admit_at_once(const context& ctx, std::optional<place>& held);
  task<result<place>> wait_in_line();

  // So many at a time and no more than max_in_flight; at least one.
  void limit_to(std::size_t in_flight);
  std::size_t limit() const { return limit_; }

  std::size_t in_flight() const { return options_.max_in_flight - places_.free() - withheld_.size(); }
  std::size_t waiting() const { return places_.waiters(); }
  const options& settings() const { return options_; }
  const counters& counted() const { return counters_; }

 private:
  friend class place;
  std::size_t to_withhold() const { return options_.max_in_flight - limit_; }

  options options_;
  std::size_t limit_;
  semaphore places_;
  std::vector<permit> withheld_;  // after what it goes back to
  patience patience_;
  backlog backlog_;
  counters counters_;
};

// Beyond the limit it is not for whoever waits.
inline place::~place() {
  if (from_ != nullptr && from_->withheld_.size() < from_->to_withhold()) from_->withheld_.push_back(std::move(held_));
}

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::shed
