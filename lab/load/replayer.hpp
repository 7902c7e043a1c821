// Sends a planned recording on one loop: each client has one connection, and its requests go over it in their order.
//
// The schedule is absolute. What is due while its client still waits for an answer waits with it, and that is the
// client's lag; what is late although its client was free is the replay's own. A client keeps its connection until its
// last request; when all that may be open are, an idle one makes room, the longest idle first, and when none is idle a
// request waits, which is the replay's own lag again.
//
//   replayer replay(on, plan, address, live);
//   result<void> ready = on.run(replay.connect());
//   on.run(replay.run(start));
//   replay.measured()
//
// Misuse: reading measured() while run() goes on; live_counters are for that.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/load/exchange.hpp"
#include "lab/load/recorder.hpp"
#include "lab/load/replay_plan.hpp"
#include "lab/load/sending_cost.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay::load {

struct replay_measurements {
  recorder all;
  observe::histogram client_lag = observe::histogram::with_defaults();
  std::map<std::pair<int, int>, std::uint64_t> statuses;  // recorded and replayed; 0: not known, not answered
  std::uint64_t sent = 0;
  std::uint64_t as_recorded = 0;
  std::uint64_t not_reached = 0;
  std::uint64_t evicted = 0;
  std::uint64_t waited = 0;
};

class replayer {
 public:
  // `plan` outlives it.
  replayer(loop& on, const replay_plan& plan, const socket_address& address, live_counters& live);
  ~replayer();
  replayer(const replayer&) = delete;
  replayer& operator=(const replayer&) = delete;

  // Opens the first client's connection before the clock starts: whether there is anybody. errc::cancelled after
  // stop().
  task<result<void>> connect();
  // Sends from `start` on, then drains for as long as a request may take. Returns when every request is accounted for.
  task<void> run(instant start);
  // Ends it now, keeping what was measured; on the loop's thread.
  void stop();

  const replay_measurements& measured() const { return measured_; }
  // When sending ended: with the last request's turn, or with stop().
  instant ended() const { return end_; }
  const thread_cost& cost() const { return cost_.taken(); }

 private:
  struct client;
  struct turn;
  struct drain_timer : timer_node {
    explicit drain_timer(replayer* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<drain_timer&>(node).owner->cut(); }
    replayer* owner;
  };

  task<void> pace();
  void hand_out(std::uint32_t place, instant now);
  task<void> drive(client& driven);
  turn take_next(client& from);
  task<result<void>> open(client& opened);
  task<bool> take_slot(client& asking);
  task<bool> ensure_open(client& driven, turn& taken);
  task<bool> attempt(client& driven, const turn& taken, const std::string& bytes, bool again);
  void count_lags(const turn& taken, instant sent);
  void count_answer(const turn& taken, instant sent, instant now, const answer& got);
  void count_unanswered(const turn& taken);
  task<void> close(client& closed);
  task<void> close_idle();
  void charge_unsent(instant now);
  void cut();
  instant last_due() const { return start_ + plan_.length(); }

  loop& on_;
  const replay_plan& plan_;
  socket_address address_;
  live_counters& live_;
  answer_checks no_checks_;
  replay_measurements measured_;
  semaphore slots_;
  std::vector<client> clients_;
  intrusive_list<client> idle_;    // with a connection, the longest idle first
  std::vector<duration> noticed_;  // of each planned request: how late the schedule saw it
  drain_timer drain_;
  sending_cost cost_;
  std::uint32_t next_ = 0;  // in the plan: the first whose turn has not come
  instant start_{};
  instant end_{};
  scope* connecting_ = nullptr;
  scope* pacing_ = nullptr;
  scope* driving_ = nullptr;
  bool stopped_ = false;  // no further request gets its turn
  bool cut_ = false;      // nothing more is sent
};

}  // namespace assay::load
