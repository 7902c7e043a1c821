// One channel of Redis on which every instance of a service tells the others what happened, and hears of it.
//
//   data::redis::bulletin orders({.url = "redis://127.0.0.1:6379", .channel = "orders"});
//   return guard::served{..., .background = [of] ASSAY_CORO_WRAPPER() { return of->orders.run(of->heard); }};
//   of->orders.say(text);                                      // waits for nothing
//
// Whoever says something does not wait for Redis, nor does it learn whether anybody heard: at most once, as PUBLISH is.
// What Redis does not take at once because it is away is dropped and counted, and so is what finds max_unsaid waiting
// because it is slow. What was sent and not confirmed counts as unsaid too, though somebody may have heard it. All who
// listen, the speaker as well, hear all of it in the same order; a gap is an event, see subscriber.hpp.
//
// Misuse: for what must not be lost. That belongs into a table, and this says that there is something new in it. Two
// loops on one of these: it has no lock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "stack/data/redis/redis.hpp"
#include "stack/data/redis/subscriber.hpp"

namespace assay::data::redis {

struct bulletin_options {
  std::string url;  // as pool_options has it
  std::string channel;
  std::size_t max_unsaid = 256;              // texts that wait to be said
  std::size_t max_queued = 1024;             // that came and were not heard yet; then the oldest are dropped, a gap
  duration pause = std::chrono::seconds(1);  // before subscribing again, where that failed
  offload_pool* resolver = nullptr;          // for a host name in the URL; else the process's own
  std::optional<std::uint64_t> seed{};       // of the jitter; random when not set
};

struct bulletin_counters {
  std::uint64_t said = 0;
  std::uint64_t unsaid = 0;  // dropped, or not confirmed
  std::uint64_t heard = 0;   // own ones included
  std::uint64_t gaps = 0;
};

class bulletin {
 public:
  using listener = std::function<void(const event&)>;

  explicit bulletin(bulletin_options options);
  bulletin(const bulletin&) = delete;
  bulletin& operator=(const bulletin&) = delete;

  // False, and it is dropped, when max_unsaid wait.
  bool say(std::string text);

  // Says what there is to say, and calls `heard` with each event that comes, until it is cancelled; again and again
  // where Redis is away. `heard` must not throw, nor wait.
  task<result<void>> run(listener heard);

  // Whether what is said elsewhere is heard, unless the connection is lost.
  bool listens() const { return listens_; }
  const bulletin_counters& counters() const { return counters_; }

 private:
  task<result<void>> speak();
  task<result<void>> subscribe();
  task<result<void>> listen(const listener* heard);

  bulletin_options options_;
  pool speaking_;
  subscriber hearing_;
  channel<std::string> unsaid_;
  bool listens_ = false;
  bulletin_counters counters_;
};

// Its numbers as metrics, for as long as it is there; `name` is the label that tells it from others.
void show(observe::mirror& in, const bulletin& of, std::string_view name);

}  // namespace assay::data::redis
