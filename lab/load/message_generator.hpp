// Messages over many WebSockets on one schedule: message k is due at a(k), on a connection that is a function of k and
// the seed, whatever the server does. Every connection has the same share, in an order drawn once.
//
//   message_generator load(on, plan, {.to = address, .run = 7}, live);
//   result<void> ready = on.run(load.connect());
//   on.run(load.run(start));
//
// Nothing waits for an answer before it sends. A connection that was lost is opened again after a pause; what was due
// on it meanwhile counts as `connect`. What a connection cannot take, because the server does not read, is charged.
//
// Misuse: more than one thread; it has none of its own.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "lab/load/message_connection.hpp"
#include "lab/load/message_ledger.hpp"
#include "lab/load/message_text.hpp"
#include "lab/load/realised_sends.hpp"
#include "lab/load/schedule.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/stall_watch.hpp"
#include "lab/load/stream_load.hpp"
#include "lab/load/stream_options.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::load {

class window_series;

struct message_target {
  socket_address to;
  std::uint32_t run = 0;             // tells this run's messages from those of another generator
  second_series* series = nullptr;   // null: no seconds are kept
  window_series* windows = nullptr;  // null: no objective is of them
};

class message_generator final : public stream_load {
 public:
  message_generator(loop& on, const stream_plan& plan, const message_target& target, stream_counters& live);
  ~message_generator() override;

  task<result<void>> connect() override;
  task<void> run(instant start) override;
  void stop() override;
  void write_to(model::stream_result& into) const override;
  std::uint64_t memory_at_end() const override { return memory_at_end_; }

  const message_ledger& ledger() const { return ledger_; }

 private:
  struct member {
    std::uint32_t index = 0;
    bool was_open = false;
    bool is_driven = false;                  // its drive() runs
    std::uint64_t renewals = 0;              // of its connection, at the end of a lifetime
    instant expires = never;                 // that of the connection that is open
    std::unique_ptr<message_connection> on;  // none while it is not open
  };
  struct pace_timer : timer_node {
    explicit pace_timer(message_generator* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept {
      message_generator* const of = static_cast<pace_timer&>(node).owner;
      // Of a backlog the next is long overdue when the timer is armed for it.
      of->stalls_.fired(std::max(node.deadline(), of->pace_armed_at_));
      of->on_pace();
    }
    message_generator* owner;
  };
  struct expiry_timer : timer_node {
    explicit expiry_timer(message_generator* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<expiry_timer&>(node).owner->on_expiry(); }
    message_generator* owner;
  };
  struct farewell_timer : timer_node {
    explicit farewell_timer(message_generator* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<farewell_timer&>(node).owner->cut(); }
    message_generator* owner;
  };

  void conclude(model::stream_result& into) const;
  bool sends() const { return plan_.kind != model::stream_kind::idle; }
  instant next_intended() const { return sends() ? start_ + schedule_.peek() : never; }
  void shuffle();
  void disarm_timers();
  task<void> open_first(member& opened, instant began, error* failure);
  task<result<void>> open(member& opened, instant began);
  task<void> reopen(member& closed, instant at);
  task<void> drive(member& driven);
  void count_unopened(const error& why);
  task<error> listen(member& on);
  instant lifetime_from(instant opened, const member& of) const;
  task<error> renew(member& on);
  task<void> close(member& closed, error why);
  bool take(member& from, std::string_view bytes);
  void on_message(const member& from, std::string_view payload);
  void on_pace();
  void on_expiry();
  void send_next(instant now);
  void publish();
  void arm_pace();
  void arm_expiry();
  void end_sending();
  void leave_when_drained();
  void cut();

  loop& on_;
  const stream_plan& plan_;
  message_target target_;
  stream_counters& live_;
  message_text text_;
  stall_watch stalls_;
  std::vector<stage> stages_;                      // as planned; one of the run's rate where there are not several
  std::vector<std::unique_ptr<run_parts>> parts_;  // of these
  message_ledger ledger_;
  arrival_schedule schedule_;
  std::optional<realised_sends> realised_;  // where messages are sent
  std::vector<member> members_;
  std::vector<std::uint32_t> order_;  // of the members, as messages go round
  connection_bits absent_;
  std::uint32_t open_ = 0;
  std::uint32_t renewing_ = 0;  // between the end of a lifetime and the next connection's begin
  pace_timer pace_;
  instant pace_armed_at_{};
  expiry_timer expiry_;
  farewell_timer farewell_;
  instant start_{};
  instant end_{};
  bool stopped_ = false;  // nothing more is sent
  bool sending_over_ = false;
  bool leaving_ = false;  // every connection is being closed
  scope* connecting_ = nullptr;
  scope* running_ = nullptr;
  std::optional<scope> driving_;  // every drive(); from connect() to the end of run()

  observe::histogram connect_time_ = observe::histogram::with_defaults();
  observe::histogram answer_time_ = observe::histogram::with_defaults();
  observe::histogram receive_lag_ = observe::histogram::with_defaults();
  std::array<std::uint64_t, failure_kinds> connection_errors_{};
  std::uint64_t own_limits_ = 0;
  std::uint64_t connects_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t open_at_end_ = 0;
  std::uint64_t memory_at_end_ = 0;
};

}  // namespace assay::load
