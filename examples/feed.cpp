// A feed: what is posted goes to everybody who follows, as server-sent events. Who reads too slowly is sent away, and
// comes back with the id of what he saw last.
//
//   PORT=8080 LOOPS=1 build/examples/feed
//   curl -N http://127.0.0.1:8080/feed &    curl --data 'it rains' http://127.0.0.1:8080/news
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "stack/http/router.hpp"
#include "stack/http/server.hpp"
#include "stack/http/settings.hpp"
#include "stack/http/sse.hpp"

using namespace assay;

namespace {

constexpr unsigned most_loops = 64;
constexpr std::size_t most_queued = 64;  // events, of one follower
constexpr std::size_t most_remembered = 100;
constexpr std::size_t most_bytes = 4096;  // of a piece of news

using follower = channel<http::sent_event>;

// Of one loop: with several, who posts is heard by those whom the system has given to the same.
struct newsroom {
  std::set<std::shared_ptr<follower>> followers;
  std::deque<http::sent_event> remembered;
  std::uint64_t next_id = 1;
  bool is_closed = false;
  http::router routes;

  // A feed never ends by itself: it is told to.
  void close() {
    is_closed = true;
    for (const auto& each : followers) each->close();
  }

  void tell_all(const http::sent_event& news) {
    for (auto each = followers.begin(); each != followers.end();) {
      http::sent_event copy = news;
      const bool kept_up = (*each)->try_send(copy);
      if (!kept_up) (*each)->close();
      each = kept_up ? std::next(each) : followers.erase(each);
    }
  }
};

task<result<void>> follow(std::shared_ptr<newsroom> at, std::shared_ptr<follower> mine, http::body_sink& to) {
  const result<void> ended = co_await http::send_events(to, *mine);
  at->followers.erase(mine);
  co_return ended;
}

task<http::response> show_feed(std::shared_ptr<newsroom> at, http::request& asked) {
  const auto mine = std::make_shared<follower>(most_queued + most_remembered);
  const std::string seen(http::last_event_id(asked.head()));
  bool is_new = seen.empty();  // without an id only what comes from now on
  for (http::sent_event each : at->remembered) {
    if (is_new && !seen.empty()) std::ignore = mine->try_send(each);
    is_new = is_new || each.id == seen;
  }
  if (at->is_closed) mine->close();  // the request was on its way
  at->followers.insert(mine);
  co_return http::event_response([at, mine] ASSAY_CORO_WRAPPER(http::body_sink & to) { return follow(at, mine, to); });
}

task<http::response> publish(std::shared_ptr<newsroom> at, http::request& asked) {
  auto text = co_await asked.read_all(most_bytes);
  if (!text) co_return http::response::for_body(text.error());
  const http::sent_event news{.data = std::move(*text), .id = std::to_string(at->next_id++)};
  at->remembered.push_back(news);
  if (at->remembered.size() > most_remembered) at->remembered.pop_front();
  at->tell_all(news);
  co_return http::response::text(*news.id + "\n", 201);
}

}  // namespace

int main() {
  std::vector<std::weak_ptr<newsroom>> rooms;  // by loop; each goes with its own
  const auto make = [&rooms](unsigned) -> http::handler {
    const auto at = std::make_shared<newsroom>();
    rooms.push_back(at);
    at->routes.add(http::method::get, "/feed",
                   [of = at] ASSAY_CORO_WRAPPER(http::request & asked) { return show_feed(of, asked); });
    at->routes.add(http::method::post, "/news",
                   [of = at] ASSAY_CORO_WRAPPER(http::request & asked) { return publish(of, asked); });
    return at->routes.as_handler();
  };
  http::serve_options options;
  options.loops = http::or_refuse(http::number_setting("LOOPS", 1U, most_loops));
  options.on_drain = [&rooms](unsigned index) { rooms[index].lock()->close(); };
  return http::serve(make, options);
}
