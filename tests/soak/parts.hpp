// What the soaked service is made of: what its loops share, what each of them owns, and the routes over both. Internal
// to the service: routes.cpp and guarded_routes.cpp answer, service.cpp runs it.
//
// Misuse: destroying parts before `orders`, `news` and `inner` have stopped running.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "stack/data/notifications.hpp"
#include "stack/data/postgres.hpp"
#include "stack/data/redis/redis.hpp"
#include "stack/data/redis/subscriber.hpp"
#include "stack/guard/chain/service.hpp"
#include "stack/http/router.hpp"
#include "stack/http/websocket/endpoint.hpp"
#include "stack/runtime/offload.hpp"
#include "tests/soak/calls.hpp"
#include "tests/soak/service.hpp"

namespace assay::soak {

inline constexpr const char* orders_channel = "orders";  // of PostgreSQL
inline constexpr const char* news_channel = "news";      // of Redis

// /dev/null: the log's lines are made, handed over and written as ever, and take no room.
class null_device {
 public:
  null_device();
  ~null_device();
  null_device(const null_device&) = delete;
  null_device& operator=(const null_device&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Counts the stalls whose stack the watchdog could tell. From any thread.
class named_stalls {
 public:
  void note(const observe::stall_report& of);
  // On a loop: holds it up until there is one. False when there is none for too long.
  bool wait_for_one();

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::uint64_t count_ = 0;
};

// What the loops share, in the order of stack/guard/serve.cpp.
struct shared_parts {
  shared_parts(std::string postgres_url, std::string redis_url, const socket_address& own, planted fault);

  const std::string postgres;
  const std::string redis;
  const socket_address at;
  const bool leaks;
  null_device nowhere;
  observe::json_log log;
  observe::registry metrics;
  named_stalls stalls;
  observe::watchdog dog;
  guard::chain::service guards;
  offload_pool workers;
  offload_pool lookers;                  // for /debug/tasks
  std::atomic<std::uint64_t> sales = 0;  // carried out, by whichever loop
};

// What a loop owns.
struct parts {
  parts(shared_parts* of_all, unsigned index);

  shared_parts* with;
  std::vector<std::string> leaked;
  data::pool rows;
  data::redis::pool cache;
  data::notifications orders;
  data::redis::subscriber news;
  websocket::endpoint sockets;  // compressed, if the client likes
  calls inner;
  http::router routes;
  heard events = {};
  std::uint64_t inner_asked = 0;
  bool checking = false;  // Redis, at this moment
};

// Everything that there is; what a visitor could be refused by is out of reach, or ends in a 503. Only one of the loops
// has a cache: without one all of it is a single frame, with one it is not.
guard::chain::server_options guards_of(unsigned index, data::pool* rows);

// Of a text for each thing that a client may ask for; see service.hpp.
void add_routes(parts* of);
void add_guarded_routes(parts* of);

// Both count what comes, until they are told to end.
task<void> hear_orders(parts* of);
task<void> hear_news(parts* of);

// Asks Redis for a sign of life now and then until it is cancelled, as a readiness check does. A pool looks after its
// connections when it is asked: an answer that nobody waits for any more keeps its place until then.
task<void> check_cache(parts* of);

}  // namespace assay::soak
