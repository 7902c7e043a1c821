// What became of each message: which are on their way, who has got them, and what that says. Pure arithmetic on
// instants; no sockets, no clock but that of the watch, where one is given.
//
// Messages are numbered from 0 in the order of their intended instants. An echo is one delivery, to the connection it
// left on; a broadcast is one to each connection that was asked for. Every delivery ends as exactly one thing: received
// once, or one kind of error.
//
//   message_ledger ledger({.connections = 3, .timeout = 5s, .broadcast = true});
//   ledger.sent({intended}, now, 0, absent);     // message 0 leaves on connection 0
//   ledger.arrived(0, 2, later);                 // and has come to connection 2
//   ledger.expire(much_later);                   // whoever has not got it by then, will not
//
// Memory: 48 bytes a message on its way, in a broadcast a bit for each connection, and 1.3 MiB a stage of the run
// (message_tally.hpp), beside the parts of each stage, 1.2 MiB, where it is given them (run_parts.hpp).
//
// Misuse: instants that go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lab/load/interval_series.hpp"
#include "lab/load/message_tally.hpp"
#include "lab/load/own_stalls.hpp"
#include "lab/load/recorder.hpp"
#include "lab/load/run_parts.hpp"
#include "lab/load/stall_watch.hpp"
#include "lab/model/stream_result.hpp"

namespace assay::load {

struct ledger_options {
  std::uint32_t connections = 1;
  std::size_t stages = 1;                      // of the run; none is one
  duration timeout = std::chrono::seconds(5);  // from the send
  bool broadcast = false;
  std::vector<interval_series*> intervals = {};  // that are told what became of each message; none null
  const stall_watch* watch = nullptr;            // of the thread's own stalls, where it is looked for them
  // By stage; null for one whose rate changes on purpose. Empty: response times are not kept by parts.
  std::span<const std::unique_ptr<run_parts>> parts = {};
};

// When a message is meant to be sent, and in which stage of the run that is.
struct message_due {
  instant intended{};
  unsigned stage = 0;
};

// Messages that may be on their way at once, and the bits that may be kept for broadcasts. Beyond them a message is not
// sent, and the run is not valid.
inline constexpr std::uint64_t max_messages_under_way = 1ULL << 22;
inline constexpr std::size_t max_delivery_bytes = 64ULL * 1024 * 1024;

// A bit for each connection.
using connection_bits = std::vector<std::uint64_t>;
connection_bits bits_for(std::uint32_t connections);
inline void set_bit(connection_bits& bits, std::uint32_t at) { bits[at / 64] |= 1ULL << (at % 64); }
inline void clear_bit(connection_bits& bits, std::uint32_t at) { bits[at / 64] &= ~(1ULL << (at % 64)); }
inline bool has_bit(const connection_bits& bits, std::uint32_t at) { return (bits[at / 64] >> (at % 64) & 1U) != 0; }

class message_ledger {
 public:
  explicit message_ledger(const ledger_options& options);

  // When the intervals count from; before the first message.
  void begin(instant start) { start_ = start; }
  // Of the next message.
  std::uint64_t next_number() const { return next_; }
  // False: nothing more fits, and the message is accounted for; do not send it. Else call one of the next three.
  bool has_room(const message_due& of);
  // The next message leaves now on `from`; `absent` has a bit for each connection that is not open.
  void sent(const message_due& of, instant now, std::uint32_t from, const connection_bits& absent);
  // It is due, and its connection cannot take more: charged when the timeout is over, or at the end.
  void held(const message_due& of, instant now, std::uint32_t from);
  // It is due, and its connection is not open.
  void without_connection(const message_due& of);

  // surplus: once more, after it was given up, or where an echo does not belong. unrelated: never sent.
  enum class arrival : std::uint8_t { received, surplus, unrelated };
  // Message `number` has come to connection `to`, says the server.
  arrival arrived(std::uint64_t number, std::uint32_t to, instant now);
  // A message that carries no id of ours.
  void unrelated() { unrelated_++; }
  // Connection `gone` was lost: what was on its way to it will not come.
  void lost(std::uint32_t gone, failure_kind why, instant now);
  // Charges what has waited for as long as the timeout.
  void expire(instant now);
  // When expire() has something to do next; `never` when nothing is on its way.
  instant next_expiry() const;
  // Charges all that is still on its way.
  void close(instant now);
  // What is received after this counts, but not into the rate within the run.
  void sending_ends(instant at) { ends_ = at; }
  // No more messages; what is on its way still ends.
  void finish() {
    for (interval_recorder& each : intervals_) each.finish(ends_ - start_);
  }

  bool empty() const { return base_ == next_; }
  std::uint64_t count(failure_kind kind) const;
  // What was due and what of it has failed; in a broadcast deliveries, as what was received.
  std::uint64_t offered() const { return offered_; }
  std::uint64_t failed() const { return failed_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }
  // Of those that were meant to be sent in that stage.
  std::uint64_t sent_in(std::size_t stage) const { return tallies_[stage].sent; }
  // Needs its duration, and the stages that began.
  void write_to(model::stream_result& into) const;
  // The response times that the thread's own stalls can have made longer.
  const stall_record& stalls() const { return stalls_; }

 private:
  static constexpr std::uint32_t no_bits = UINT32_MAX;

  struct entry {
    instant intended;
    instant sent;
    std::uint64_t previous = 0;  // echo: the number, plus one, of the message before it on this connection
    std::uint32_t from = 0;
    std::uint32_t missing = 0;  // deliveries
    std::uint32_t bits = no_bits;
    std::uint32_t stage = 0;
    bool held = false;
  };

  std::uint32_t copies() const { return options_.broadcast ? options_.connections : 1; }
  entry& at(std::uint64_t number) { return ring_[number & (ring_.size() - 1)]; }
  const entry& at(std::uint64_t number) const { return ring_[number & (ring_.size() - 1)]; }
  entry& append(const message_due& of, instant now, std::uint32_t from);
  void never_sent(const message_due& of, failure_kind why);
  void end_in_intervals(const entry& of, bool received, std::optional<failure_kind> error,
                        std::optional<duration> response, std::uint64_t deliveries);
  void count_stall(const entry& of, instant now, std::uint64_t deliveries);
  void record_response(const entry& of, instant now, std::uint64_t deliveries);
  void fail(entry& of, failure_kind why, instant now, std::uint32_t deliveries, bool charged);
  void give_up(entry& of, failure_kind why, instant now);
  void retire();
  message_tally& tally_of(const entry& of) { return tallies_[of.stage]; }
  message_tally total() const;
  void level_changes(instant now, std::int64_t by);
  std::uint32_t take_bits(const connection_bits& absent);

  ledger_options options_;
  std::vector<entry> ring_;  // a power of two; those from base_ to next_
  std::uint64_t base_ = 0;
  std::uint64_t next_ = 0;
  std::vector<std::uint64_t> newest_;  // echo: the number, plus one, of the latest message of each connection
  std::vector<connection_bits> bits_;  // broadcast: who needs a message no more
  std::vector<std::uint32_t> free_bits_;
  std::size_t max_bits_;

  std::vector<message_tally> tallies_;  // by stage
  std::vector<interval_recorder> intervals_;
  instant start_{};
  stall_record stalls_;
  instant ends_ = never;
  std::uint64_t offered_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t received_within_run_ = 0;
  std::uint64_t surplus_ = 0;
  std::uint64_t unrelated_ = 0;
  // Little's law, as in recorder: deliveries on their way over time, and the sum of their service times.
  double under_way_ns_ = 0;
  double service_sum_ns_ = 0;
  std::int64_t under_way_ = 0;
  instant level_since_{};
};

}  // namespace assay::load
