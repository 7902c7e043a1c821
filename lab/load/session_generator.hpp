// Sessions on one loop: each arrives when the schedule of its scenario says, whatever those before it do, and then
// sends one request after the other on a connection of its own, with cookies and values of its own.
//
// At most `connections` sessions are under way. One that is due while there are so many waits in the schedule, and is
// started late by the first that ends: its first request is charged from the instant it was due, and so is one that
// never had its turn. Every later step is meant for the end of the answer before it plus the think time.
//
// No session starts, and no step is sent, that is meant for after the end; what is under way then is answered, and the
// session counts as cut. A step that fails ends its session: what follows would not have what it needs.
//
//   session_generator load(on, plan, address, live);
//   result<void> ready = on.run(load.connect());
//   on.run(load.run(start));
//   load.measured(), load.sessions()
//
// Misuse: reading these while run() goes on; live_counters are for that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "lab/load/coming_seconds.hpp"
#include "lab/load/exchange.hpp"
#include "lab/load/measurements.hpp"
#include "lab/load/realised_arrivals.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/load/schedule.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/sending_cost.hpp"
#include "lab/load/session_plan.hpp"
#include "lab/load/stall_watch.hpp"
#include "lab/model/load_result.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay::load {

class redirect_chain;

class session_generator {
 public:
  // `plan` outlives it, and so do `series`, which is null where no seconds are kept, and `windows`.
  session_generator(loop& on, const session_plan& plan, const socket_address& to, live_counters& live,
                    second_series* series = nullptr, run_windows* windows = nullptr);
  ~session_generator();
  session_generator(const session_generator&) = delete;
  session_generator& operator=(const session_generator&) = delete;

  // Opens one connection before the clock starts: whether there is anybody. errc::cancelled after stop().
  task<result<void>> connect();
  // Starts sessions from `start` on, for the workload's length, then drains. Returns when every request that was due is
  // answered or charged.
  task<void> run(instant start);
  // Ends it now, keeping what was measured; on the loop's thread.
  void stop();

  const measurements& measured() const { return measured_; }
  measurements take_measured() { return std::move(measured_); }
  const std::vector<model::load_sessions>& sessions() const { return sessions_; }
  // When sending ended: start + length, or earlier after stop().
  instant ended() const { return end_; }
  const thread_cost& cost() const { return cost_.taken(); }
  // Requests that were due: first steps of sessions that were, and later ones that came to be.
  std::uint64_t due() const { return due_; }
  std::uint64_t under_way() const { return under_way_; }

 private:
  struct arrived;
  struct session;
  enum class fate : std::uint8_t { goes_on, again, abandoned, cut };
  struct drain_timer : timer_node {
    explicit drain_timer(session_generator* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<drain_timer&>(node).owner->cut(); }
    session_generator* owner;
  };

  instant next_of(std::size_t scenario) const { return start_ + schedules_[scenario].peek(); }
  std::size_t earliest() const;
  unsigned stage_at(instant intended) const;
  arrived take(std::size_t scenario);
  task<void> pace();
  task<void> drive(arrived begun, permit place);
  task<fate> go_through(session& in);
  task<fate> perform(session& in, std::size_t index, instant intended);
  arrival offer(std::size_t scenario, std::size_t step, instant intended);
  instant none_before();
  void begin(session& in) const;
  void render(session& in, std::size_t index) const;
  duration think_after(const session& in, std::size_t index) const;
  task<result<void>> open(session& in, instant limit = never);
  task<std::optional<fate>> ensure_open(session& in, const arrival& taken, bool again);
  task<fate> attempt(session& in, const session_step& step, const arrival& taken, bool again);
  task<result<answer>> follow(session& in, const session_step& step, const arrival& taken, answer got, instant limit);
  task<result<answer>> follow_once(session& in, const session_step& step, const redirect_chain& chain, instant limit,
                                   bool afresh);
  void watch(session& in, const session_step& step, std::string_view request) const;
  fate take_answer(session& in, const session_step& step, const arrival& taken, instant sent, answer got);
  task<void> close(session& in);
  void charge_unsent(instant now);
  void cut();

  loop& on_;
  const session_plan& plan_;
  socket_address to_;
  live_counters& live_;
  measurements measured_;
  std::vector<arrival_schedule> schedules_;  // by scenario, as the next
  std::vector<realised_arrivals> realised_;  // by scenario: when they began
  std::vector<model::load_sessions> sessions_;
  coming_seconds coming_;
  semaphore places_;
  drain_timer drain_;
  sending_cost cost_;
  stall_watch stalls_;
  instant start_{};
  instant end_{};
  std::uint64_t due_ = 0;
  std::uint64_t under_way_ = 0;
  bool stopped_ = false;  // nothing more is sent
  scope* connecting_ = nullptr;
  scope* pacing_ = nullptr;
  scope* driving_ = nullptr;
};

}  // namespace assay::load
