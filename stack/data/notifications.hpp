// LISTEN: what other sessions say by NOTIFY, as events of one connection that is opened again when it is lost.
//
//   data::notifications orders({.url = url, .channels = {"orders"}});
//   scope children(co_await this_context());
//   children.spawn(orders.run());                          // until it is cancelled
//   while (true) {
//     const result<data::notified> next = co_await orders.receive();      // errc::closed once run() has ended
//     if (!next) break;
//     if (next->gap) ... read the state anew ...
//   }
//
// The first event is a gap, and so is what follows a loss: the server keeps nothing for who does not listen. It comes
// once all channels are in effect, so that who then reads the state misses nothing. Who receives too slowly loses what
// is queued, and is told so by a gap. A silent connection is asked from time to time whether it lives.
//
// Misuse: a payload as the only copy of something. NOTIFY is a bell, at most once; what has happened stands in a table.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "stack/data/connection.hpp"
#include "stack/runtime/channel.hpp"

namespace assay::data {

struct notification_options {
  std::string url;                    // as of a pool
  std::vector<std::string> channels;  // each of 1 to 63 letters, digits and underscores
  std::size_t max_queued = 1024;      // beyond it what is queued is dropped, and a gap takes its place
  duration connect_timeout = std::chrono::seconds(5);
  duration ping_interval = std::chrono::seconds(30);  // of silence
  duration ping_timeout = std::chrono::seconds(5);
  duration backoff_min = std::chrono::milliseconds(50);  // between attempts to connect
  duration backoff_max = std::chrono::seconds(1);
  offload_pool* resolver = nullptr;     // for a host name in the URL; else the process's own
  std::optional<std::uint64_t> seed{};  // of the jitter
};

struct notified {
  bool gap = false;  // something may be missing here; there is no channel and no payload then
  std::string channel = {};
  std::string payload = {};
};

struct notification_counters {
  std::uint64_t received = 0;
  std::uint64_t opened = 0;    // connections
  std::uint64_t failures = 0;  // connections that were lost, or could not be opened
  std::uint64_t overruns = 0;  // times that the queue was full
};

class notifications {
 public:
  explicit notifications(notification_options options);

  // Listens until it is cancelled; receive() ends then. errc::invalid_argument: a URL or a channel that is none.
  task<result<void>> run();

  [[nodiscard]] auto receive() { return queue_.receive(); }
  const notification_counters& counters() const { return counters_; }
  // Why the last connection was lost, or could not be opened; none while that has not happened.
  const std::optional<sql_error>& last_failure() const { return last_failure_; }

 private:
  task<sql_result<void>> listen(const connection_target& to);
  task<sql_result<void>> forward(connection& from);
  void push(notified event);

  notification_options options_;
  channel<notified> queue_;
  notification_counters counters_;
  std::optional<sql_error> last_failure_;
  std::mt19937_64 random_;
  duration backoff_{};  // zero once it listens
};

}  // namespace assay::data
