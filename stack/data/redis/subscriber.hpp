// Publish and subscribe: one connection that listens, for a program that may be slower than its channels.
//
//   data::redis::subscriber news({.url = "redis://127.0.0.1:6379", .when_slow = slow_consumer::drop_oldest});
//   scope children(co_await this_context());
//   children.spawn(news.run());                              // connects, listens, connects again
//   auto done = co_await news.subscribe(channel_kind::plain, "prices");      // in effect, or why not
//   while (true) {
//     auto next = co_await news.receive();                   // result<event>; errc::closed after close()
//     ...
//   }
//
// What has come and was not received is queued, up to a limit; then slow_consumer decides, and what it cost is said.
// After the connection was lost everything is subscribed to anew, and an event says that messages may have been lost
// meanwhile: Redis keeps none. That event comes once all is in effect again, so that who then reads the state anew
// misses nothing. A silent connection is asked (PING) whether it lives.
//
// Misuse: destroying it while run() goes on: close() it and join. Taking a gap for a number of messages: `dropped` is
// what was dropped here, what was lost on the way nobody knows. In a cluster: it listens to one node, which is enough
// for plain channels; sharded ones are refused with redis_condition::moved by a node that does not hold them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "stack/data/redis/connection.hpp"
#include "stack/runtime/channel.hpp"

namespace assay::data::redis {

enum class channel_kind : std::uint8_t { plain, pattern, sharded };

// What to do with a message when the queue is full.
enum class slow_consumer : std::uint8_t {
  wait,         // stop reading: the server's own buffer fills, and then it closes the connection
  drop_oldest,  // for state, where the last word counts
  drop_newest,
  fail,  // end: receive() then fails with errc::limit
};

struct event {
  enum class kind_type : std::uint8_t {
    message,
    gap,    // something is missing here: `dropped` messages, or unknown ones if `reconnected`
    ended,  // the server no longer lets us listen to `channel`, because of `payload`
  };
  kind_type kind = kind_type::message;
  channel_kind of = channel_kind::plain;
  std::string channel{};
  std::string pattern{};  // that the channel matched, of channel_kind::pattern
  std::string payload{};
  std::uint64_t dropped = 0;
  bool reconnected = false;
};

// Every bound of a subscriber; all finite.
struct subscriber_options {
  std::string url;
  slow_consumer when_slow = slow_consumer::drop_oldest;
  std::size_t max_queued = 1024;                       // messages
  std::size_t max_queued_bytes = 16 * 1024 * 1024;     // of channel and payload
  std::size_t max_channels = 10'000;                   // subscribed to; and as many may await their confirmation
  std::size_t max_channel_bytes = 1024;                // of a name
  connection_limits connection{};                      // reply_timeout is that of a PING too
  duration connect_timeout = std::chrono::seconds(5);  // TCP and authentication
  duration subscribe_timeout = std::chrono::seconds(5);
  duration ping_interval = std::chrono::seconds(15);     // of silence
  duration backoff_min = std::chrono::milliseconds(50);  // before connecting anew
  duration backoff_max = std::chrono::seconds(1);
  offload_pool* resolver = nullptr;     // for a host name in the URL; else the process's own
  std::optional<std::uint64_t> seed{};  // of the jitter; random when not set
};

struct subscriber_counters {
  std::uint64_t connects = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t losses = 0;    // connections that ended by themselves
  std::uint64_t messages = 0;  // that came
  std::uint64_t dropped = 0;   // of them, because the queue was full
  std::uint64_t pings = 0;
};

class subscriber {
 public:
  explicit subscriber(subscriber_options options);
  ~subscriber();
  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;

  // Listens until close() or cancellation. Fails when the URL is none, or by slow_consumer::fail.
  task<result<void>> run();
  void close();

  // Waits until it is in effect, at most subscribe_timeout; after a failure it is not wanted any more.
  task<redis_result<void>> subscribe(channel_kind kind, std::string name);
  // Messages that are on their way may still come. errc::limit: too many confirmations are due.
  result<void> unsubscribe(channel_kind kind, const std::string& name);

  // The next event, in order. errc::closed: the end, after what was queued.
  task<result<event>> receive();

  std::size_t queued() const { return queue_.size(); }
  const subscriber_counters& counters() const { return counters_; }
  // Why the last connection ended, or none came to be.
  const std::optional<redis_error>& last_failure() const { return last_failure_; }

 private:
  using key = std::pair<channel_kind, std::string>;
  using answer = channel<redis_result<void>>;
  struct wish {
    bool in_effect = false;
    std::vector<answer*> waiting{};
  };
  struct due {  // a confirmation
    bool leaving = false;
    key of;
  };

  task<void> listen();
  task<void> serve(connection& on);
  task<bool> take(reply said);
  task<bool> take_refusal(const reply& said);
  bool confirm(std::string_view word, const std::string& name);
  task<bool> deliver(event added);
  bool make_room(std::size_t bytes);
  void add_gap(std::uint64_t dropped, bool reconnected);
  std::optional<event> take_front();
  bool full(std::size_t bytes) const;
  bool is_over() const { return over_.has_value(); }
  void end(error why);
  void send(bool leaving, const key& of);
  void settle(wish& of, const redis_result<void>& outcome);
  void withdraw(const key& of, const answer* gone);
  void on_loss();
  void on_confirmed();
  duration next_pause();

  subscriber_options options_;
  redis_result<target> target_;
  subscriber_counters counters_;
  std::optional<redis_error> last_failure_;
  std::shared_ptr<connection> on_;  // while there is one
  std::map<key, wish> wishes_;
  std::deque<due> due_;  // in the order of their commands
  bool gap_due_ = false;
  std::deque<event> queue_;
  std::size_t messages_ = 0;                        // in the queue
  std::size_t bytes_ = 0;                           // of them
  event front_gap_{.kind = event::kind_type::gap};  // before all that is queued
  channel<char> bell_{1};                           // something is queued
  channel<char> room_{1};                           // something was taken
  std::optional<error> over_;
  cancel_scope* running_ = nullptr;
  std::mt19937_64 random_;
  duration backoff_{};
};

}  // namespace assay::data::redis
