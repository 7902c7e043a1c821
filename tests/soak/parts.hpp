// What a loop of the soaked service owns, and the routes over it. Internal to the service: routes.cpp answers,
// service.cpp runs it.
//
// Misuse: destroying it before `orders` and `news` have stopped running.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stack/data/notifications.hpp"
#include "stack/data/postgres.hpp"
#include "stack/data/redis/redis.hpp"
#include "stack/data/redis/subscriber.hpp"
#include "stack/http/router.hpp"
#include "stack/http/websocket/endpoint.hpp"
#include "tests/soak/service.hpp"

namespace assay::soak {

inline constexpr const char* orders_channel = "orders";  // of PostgreSQL
inline constexpr const char* news_channel = "news";      // of Redis

struct parts {
  parts(const std::string& postgres, const std::string& redis, planted fault);

  bool leaks;
  std::vector<std::string> leaked;
  data::pool rows;
  data::redis::pool cache;
  data::notifications orders;
  data::redis::subscriber news;
  websocket::endpoint sockets;  // compressed, if the client likes
  http::router routes;
  heard events = {};
  bool checking = false;  // Redis, at this moment
  bool ending = false;
};

// Of a text for each thing that a client may ask for; see service.hpp.
void add_routes(parts* of);

// Both count what comes, until they are told to end.
task<void> hear_orders(parts* of);
task<void> hear_news(parts* of);

// Asks Redis for a sign of life now and then until `ending`, as a readiness check does. A pool looks after its
// connections when it is asked: an answer that nobody waits for any more keeps its place until then.
task<void> check_cache(parts* of);

}  // namespace assay::soak
