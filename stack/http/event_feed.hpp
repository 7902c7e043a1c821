// Events for everybody who follows, as server-sent events: told once, sent to each, and remembered for a while for
// those who come back.
//
//   http::event_feed news;                                                    // of one loop
//   task<http::response> show_news(office* of, http::request& asked) { co_return of->news.follow(asked); }
//   std::ignore = of->news.tell({.data = "it rains"});
//   return guard::served{..., .on_drain = [of] { of->news.close(); }};        // else its followers are cut
//
// Nobody waits for a follower. For one that reads too slowly max_queued + max_remembered events wait, of which all
// followers share one copy; then it is sent away. It comes back by itself, with the id of what it saw last
// (Last-Event-ID), and is given what is remembered behind that: all of it, where that id is not known (any more). What
// comes once more has the same id. Numbers begin with a prefix that another process, and another feed, has not:
// otherwise what one of them has told would pass for what the other has.
//
// Misuse: one feed told on two loops; it has no lock. More followers than the server has places: each holds one of
// guard::shed for as long as it follows.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/http/sse.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::http {

// Every bound of a feed; all finite.
struct event_feed_options {
  std::size_t max_followers = 64;  // who comes then is answered 503
  std::size_t max_queued = 64;     // events of one follower, beyond those that it may be given when it comes
  std::size_t max_remembered = 100;
  std::size_t max_event_bytes = 4096;         // of its data, type and own id together
  std::optional<std::string> id_prefix = {};  // none: the moment in which the feed was made, and a '-'
  event_stream_options stream = {};
};

struct event_feed_counters {
  std::uint64_t told = 0;
  std::uint64_t followed = 0;   // followers there have been
  std::uint64_t sent_away = 0;  // of them: read too slowly
  std::uint64_t refused = 0;    // max_followers were there
};

class event_feed {
 public:
  explicit event_feed(event_feed_options options = {});
  ~event_feed() { close(); }
  event_feed(const event_feed&) = delete;
  event_feed& operator=(const event_feed&) = delete;

  // The answer to who wants to follow. Without Last-Event-ID only what comes from now on. Once closed, a stream that
  // ends at once: its reader comes back, to whoever serves then.
  response follow(const request& asked);

  // Gives the id, the event's own or else the prefix and the next number. Nothing is told and errc::limit, when it is
  // too large; errc::invalid_argument as append_event().
  result<std::string> tell(sent_event news);

  // Ends every follower's stream once all that was told has been sent. Again: nothing.
  void close();

  std::size_t followers() const;
  const event_feed_counters& counters() const { return counters_; }

 private:
  using queue = channel<shared_event>;
  void remember_for(queue& newcomer, std::string_view seen) const;

  event_feed_options options_;
  std::string prefix_;
  std::vector<std::weak_ptr<queue>> followers_;  // each lives in its stream
  std::deque<shared_event> remembered_;
  std::uint64_t next_id_ = 1;
  bool closed_ = false;
  event_feed_counters counters_;
};

// Its numbers as metrics, for as long as it is there; `name` is the label that tells it from others.
void show(observe::mirror& in, const event_feed& of, std::string_view name);

}  // namespace assay::http
