// One thread's share of a load: a schedule, a pool of connections, and whoever is idle takes the next arrival.
//
// Open model: an arrival that is due while every connection is busy waits in the schedule itself (its index), not in a
// queue, and is taken by the first connection that comes free; its lateness is charged to it. Closed model: every
// connection sends again as soon as it has its answer.
//
// Where the kernel tells when an answer came (io_uring), and the next request is due soon, answers do not wake the
// thread: they are read when it is up to send. That saves half of the wakes, and what a wake takes is in no response
// time.
//
//   generator load(on, work, {.thread = 0, .address = at}, live);
//   result<void> ready = on.run(load.connect());
//   on.run(load.run(start));
//   load.measured()
//
// Misuse: reading measured() while run() goes on; live_counters are for that.
#pragma once

#include <coroutine>
#include <memory>
#include <string>
#include <vector>

#include "lab/load/exchange.hpp"
#include "lab/load/measurements.hpp"
#include "lab/load/schedule.hpp"
#include "lab/load/sending_cost.hpp"
#include "lab/load/stall_watch.hpp"
#include "lab/load/workload.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::load {

class redirect_chain;

struct generator_share {
  unsigned thread = 0;
  socket_address address;
  second_series* series = nullptr;  // of all threads; null: none is kept
  run_windows* windows = nullptr;   // likewise
};

class generator {
 public:
  generator(loop& on, const workload& work, const generator_share& share, live_counters& live);
  ~generator();
  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;

  // Opens every connection before the clock starts. Fails when the first attempt of any of them fails, and with
  // errc::cancelled after stop().
  task<result<void>> connect();
  // Sends from `start` on, for the workload's length, then drains. Returns when every request is answered or charged.
  task<void> run(instant start);
  // Ends the run now, keeping what was measured; on the loop's thread.
  void stop();

  const measurements& measured() const { return measured_; }
  // The same, moved out: it is large.
  measurements take_measured() { return std::move(measured_); }
  // When sending ended: start + length, or earlier after stop().
  instant ended() const { return end_; }
  const thread_cost& cost() const { return cost_.taken(); }
  // Arrivals that were due before the end (open model).
  std::uint64_t due() const { return due_; }

 private:
  class slot;
  class work_awaiter;
  struct pace_timer : timer_node {
    explicit pace_timer(generator* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept {
      generator* const of = static_cast<pace_timer&>(node).owner;
      of->stalls_.fired(node.deadline());
      of->hand_out();
    }
    generator* owner;
  };
  struct drain_timer : timer_node {
    explicit drain_timer(generator* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<drain_timer&>(node).owner->cut(); }
    generator* owner;
  };

  bool open_model() const { return work_.model == model::load_model::open; }
  unsigned share_of_connections() const;
  task<result<void>> open_slot(slot& opened, instant limit = never);
  task<void> drive(slot& driven);
  task<bool> ensure_open(slot& driven, bool again);
  task<bool> attempt(slot& driven, bool again);
  task<result<answer>> follow(slot& driven, answer got, instant limit);
  task<result<answer>> follow_once(slot& driven, const redirect_chain& chain, instant limit, bool afresh);
  task<void> pause_after_failure();
  task<void> close_slot(slot& closed);
  void cut();
  bool take_due(instant now, arrival& taken);
  void take_next(arrival& taken);
  instant next_intended() const { return start_ + schedule_.peek(); }
  void hand_out();
  void arm_pace();
  void hold_back_until(instant due);
  instant ended_at(const result<answer>& got, instant sent) const;
  void charge_unsent(instant now);
  void charge_in_slices(instant now);
  instant slice_end(instant begin, duration slice) const;

  loop& on_;
  const workload& work_;
  generator_share share_;
  live_counters& live_;
  measurements measured_;
  arrival_schedule schedule_;
  std::vector<std::unique_ptr<slot>> slots_;
  intrusive_list<work_awaiter> idle_;
  pace_timer pace_;
  drain_timer drain_;
  sending_cost cost_;
  last_head last_head_;
  stall_watch stalls_;
  instant start_{};
  instant end_{};
  instant blind_until_ = instant::min();  // arrivals up to here found this thread late, with connections idle
  std::uint64_t due_ = 0;
  std::uint64_t taken_ = 0;  // closed model: numbers the requests
  scope* connecting_ = nullptr;
  scope* running_ = nullptr;
  bool stopped_ = false;  // nothing more is sent
  // Answers know when they came, as the latest did, and may be read late: the kernel begins with that some moments
  // after it is asked.
  bool stamped_ = false;
  unsigned opening_ = 0;       // connections that a request waits for: no stamp makes up for hearing late of those
  std::uint64_t largest_ = 0;  // bytes of a request or an answer so far
};

}  // namespace assay::load
