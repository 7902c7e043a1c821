// A feed: what is posted goes to everybody who follows, as server-sent events. Who reads too slowly is sent away, and
// comes back with the id of what he saw last.
//
//   PORT=8080 LOOPS=1 build/examples/feed
//   curl -N http://127.0.0.1:8080/feed &    curl --data 'it rains' http://127.0.0.1:8080/news
#include <memory>
#include <string>
#include <vector>

#include "stack/http/event_feed.hpp"
#include "stack/http/router.hpp"
#include "stack/http/server.hpp"
#include "stack/http/settings.hpp"

using namespace assay;

namespace {

constexpr unsigned most_loops = 64;
constexpr std::size_t most_followers = 10'000;
constexpr std::size_t most_bytes = 4096;  // of a piece of news

// Of one loop: with several, who posts is heard by those whom the system has given to the same.
struct newsroom {
  http::event_feed feed{{.max_followers = most_followers, .max_event_bytes = most_bytes}};
  http::router routes;
};

task<http::response> show_feed(newsroom* at, http::request& asked) { co_return at->feed.follow(asked); }

task<http::response> publish(newsroom* at, http::request& asked) {
  auto text = co_await asked.read_all(most_bytes);
  if (!text) co_return http::response::for_body(text.error());
  const auto id = at->feed.tell({.data = std::move(*text)});
  if (!id) co_return http::response::from(id.error());
  co_return http::response::text(*id + "\n", 201);
}

}  // namespace

int main() {
  std::vector<std::weak_ptr<newsroom>> rooms;  // by loop; each goes with its own
  const auto make = [&rooms](unsigned) -> http::handler {
    const auto at = std::make_shared<newsroom>();
    rooms.push_back(at);
    at->routes.add(http::method::get, "/feed", http::with(at.get(), &show_feed));
    at->routes.add(http::method::post, "/news", http::with(at.get(), &publish));
    return [at, serve = at->routes.as_handler()] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(asked); };
  };
  http::serve_options options;
  options.loops = http::or_refuse(http::number_setting("LOOPS", 1U, most_loops));
  options.on_drain = [&rooms](unsigned index) { rooms[index].lock()->feed.close(); };
  return http::serve(make, options);
}
