// What one run over long connections measured, of WebSocket messages or of server-sent events: the value that lab/load
// hands on.
//
// Times are nanoseconds, and from the same clock as those of requests (load_result.hpp): response time counts from the
// instant a message was *intended* to be sent, service time from its send. In a broadcast the unit of work is a
// delivery, one message to one connection. What did not come in time is in the histograms with its lower bound; what
// failed fast, a connection that was not there for example, is in `errors` only.
//
// Misuse: reading `reach` without `sent`: a run that sent one message can reach everybody.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/load_result.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::model {

enum class stream_kind : std::uint8_t {
  echo,       // each message comes back on its own connection
  broadcast,  // each message comes to every connection
  idle,       // connections that say nothing
  events,     // server-sent events
};

constexpr std::string_view label(stream_kind kind) {
  constexpr std::string_view names[] = {"echo", "broadcast", "idle", "events"};
  return names[static_cast<unsigned>(kind)];
}

struct stream_result {
  bool valid = false;
  std::vector<std::string> reasons;  // why not

  std::string url;
  stream_kind kind = stream_kind::echo;
  arrival_law arrivals = arrival_law::constant;
  std::chrono::nanoseconds tick{};  // above zero: messages of one tick were sent together, at its begin
  std::uint64_t seed = 0;
  unsigned connections = 0;  // asked for
  std::chrono::system_clock::time_point started{};
  std::chrono::nanoseconds planned_duration{};
  std::chrono::nanoseconds duration{};  // of sending, or listening; shorter when interrupted
  bool interrupted = false;

  // Connections. Both times are of every one that was opened, those of the run included.
  std::uint64_t open_at_end = 0;  // when sending ended
  std::uint64_t connects = 0;     // opened in all
  std::uint64_t reconnects = 0;   // of these, after a loss
  std::uint64_t renewals = 0;     // of these, in place of one whose lifetime was over
  // Connections that could not be opened or were lost, by kind; each time they were tried.
  std::map<std::string, std::uint64_t> lost_connections;
  observe::histogram connect_time = observe::histogram::with_defaults();  // until TCP stands
  observe::histogram answer_time = observe::histogram::with_defaults();   // from then to the whole head of the answer

  // Messages.
  std::optional<double> offered_rate;  // messages a second, all connections together; of stages their mean
  double achieved_rate = 0;            // what came back within `duration`, a second
  std::uint64_t due = 0;               // messages that the schedule asked for
  std::uint64_t sent = 0;              // messages
  std::uint64_t received = 0;          // of ours, each once a connection that it was for
  std::optional<double> reach;         // broadcast: received over sent times connections
  std::uint64_t surplus = 0;           // of ours: once more, too late, or an echo on another connection
  std::uint64_t unrelated = 0;         // messages that are not ours
  latency_histograms latency;
  // Of the response time, or of events of the gaps: none where the load changes, or the service drifts; absent where
  // the load changes, or few of them tell.
  response_intervals intervals;
  std::optional<steadiness> steady;
  std::optional<arrival_fit> arrivals_seen;  // whether messages went out as the schedule had them
  // Of a run of several, those that began: messages count where they were meant to be sent; `answered` is received, in
  // a broadcast deliveries.
  std::vector<load_stage> stages;

  // Events.
  std::uint64_t events = 0;
  observe::histogram first_event = observe::histogram::with_defaults();  // from the intended start of connecting
  observe::histogram gap = observe::histogram::with_defaults();          // between two of one connection
  // Gaps that the end of the run cut: on each open stream that had had an event, from its latest until then. They are
  // not in `gap`: each is only known to be longer than that.
  observe::histogram open_gap = observe::histogram::with_defaults();
  std::uint64_t longest_silence_ns = 0;  // on an open connection, up to the end of the run

  std::uint64_t bytes_received = 0;
  std::map<std::string, std::uint64_t> errors;  // of messages, by kind; in a broadcast of deliveries
  std::vector<window_outcome> windows;          // of each objective that is of them, of messages alone
  std::vector<gate_outcome> gates;
  generator_health generator;  // cpu_per_request_ns: a message or an event, sent or received
  // To the message being read from when the loop began what it had not come to the end of by then: the generator's own
  // share of the response time, at most.
  std::uint64_t receive_lag_p99_ns = 0;
  own_stalls stalls;                // of messages
  double bytes_per_connection = 0;  // memory of the generator's own, at the end of sending; the kernel's not counted
  std::string io_backend;
};

}  // namespace assay::model
