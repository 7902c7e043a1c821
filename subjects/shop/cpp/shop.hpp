// The shop: what its handlers share on their loop. subjects/README.md says what each must answer.
//
// Misuse: a second loop on one of these. Nothing in here is locked; one shop a loop.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stack/data/postgres.hpp"
#include "stack/data/redis/bulletin.hpp"
#include "stack/guard/remote.hpp"
#include "stack/http/event_feed.hpp"
#include "stack/http/json.hpp"
#include "stack/http/router.hpp"
#include "stack/http/static_files.hpp"
#include "stack/http/url_text.hpp"
#include "stack/http/websocket/room.hpp"

namespace shop {
using namespace assay;
using http::response;
inline constexpr std::size_t max_body_bytes = 64 * 1024;

// Orders as they are placed: told to all instances through Redis, and by each to those who follow it.
struct order_news {
  explicit order_news(const std::string& redis) : everywhere({.url = redis, .channel = "orders"}) {}
  task<result<void>> listen();
  data::redis::bulletin everywhere;
  http::event_feed here;
  websocket::room sockets;
};

struct shop {
  offload_pool& workers;
  data::pool db;
  guard::remote quotes;
  http::static_files images;
  std::unique_ptr<order_news> news;  // where there is Redis
  http::router routes;
};

void add_routes(shop* of);
task<response> order(shop* of, http::request& asked);
task<response> follow_orders(shop* of, http::request& asked);
task<response> checksum(shop* of, http::request& asked);

// {"error":"<code>"}, once it has passed guard::json_errors.
inline response refuse(int status, std::string_view code) { return response::refused(status, code); }
inline response database_failure() { return response::unavailable("database"); }  // unreachable, too slow, too busy
inline response body_failure(const error& failure) {
  return failure.code == errc::limit ? refuse(413, "too_large") : response::for_body(failure);
}

// Of the text; and `again` times of the last digest with the text behind it.
std::string sha256_hex(std::string_view text, int again = 0);
std::string checksum_of(const std::string& body);

// The member of an object in JSON that is a whole number from `least`, which is not negative, to `most`.
std::optional<std::int64_t> whole_in(std::string_view json, const char* key, std::int64_t least, std::int64_t most);

struct order_line {
  std::int64_t item_id = 0;
  std::int64_t quantity = 0;
};
struct order_body {
  std::string customer;
  std::vector<order_line> lines;  // by ascending item_id, so that two orders lock alike
};
std::optional<order_body> parse_order(std::string_view json);

}  // namespace shop
