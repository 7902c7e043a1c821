#include <utility>

#include "subjects/shop/cpp/replies.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;
using http::method;

namespace {

data::pool_options pool_options(const settings& given, offload_pool& workers) {
  data::pool_options options;
  options.url = given.database_url;
  options.max_connections = 10;
  options.wait_timeout = statement_limit;
  options.connect_timeout = statement_limit;
  options.query_timeout = statement_limit;
  options.statement_timeout = statement_limit;
  options.resolver = &workers;
  return options;
}

http::origin third_party_origin(const settings& given, const socket_address& at) {
  std::string host = given.third_party_host;
  if (given.third_party_port != 80) host += ":" + std::to_string(given.third_party_port);
  return {.host = std::move(host), .address = at};
}

http::client_limits third_party_limits() {
  http::client_limits limits;
  limits.max_connections = 256;
  limits.max_body_bytes = 64 * 1024;
  return limits;
}

}  // namespace

// One thread for work: a disk, a name service, a long checksum.
shop::shop(const settings& given, const socket_address& third_party)
    : workers_({.threads = 1, .max_queued = 256}),
      db_(pool_options(given, workers_)),
      quotes_(third_party_origin(given, third_party), third_party_limits()),
      images_(given.image_dir) {
  add_routes();
}

void shop::add_routes() {
  using parameters = const http::path_parameters&;
  using asked = http::request&;
  routes_.add(method::get, "/items/{id}", [this] ASSAY_CORO_WRAPPER(asked, parameters path) { return item(path); });
  routes_.add(method::get, "/items", [this] ASSAY_CORO_WRAPPER(asked by, parameters) { return list(by); });
  routes_.add(method::get, "/items/{id}/price",
              [this] ASSAY_CORO_WRAPPER(asked, parameters path) { return price(path); });
  routes_.add(method::get, "/items/{id}/image",
              [this] ASSAY_CORO_WRAPPER(asked, parameters path) { return image(path); });
  routes_.add(method::post, "/orders", [this] ASSAY_CORO_WRAPPER(asked by, parameters) { return order(by); });
  routes_.add(method::post, "/checksum", [this] ASSAY_CORO_WRAPPER(asked by, parameters) { return checksum(by); });
  routes_.add(method::get, "/health/live", [this] ASSAY_CORO_WRAPPER(asked, parameters) { return live(); });
  routes_.add(method::get, "/health/ready", [this] ASSAY_CORO_WRAPPER(asked, parameters) { return ready(); });
  routes_.add(method::get, "/metrics", [this] ASSAY_CORO_WRAPPER(asked, parameters) { return show_metrics(); });
}

task<http::response> shop::serve(http::request& asked) {
  const http::router::match_result found = routes_.match(asked.verb(), asked.path());
  http::response reply;
  if (found.serve != nullptr) {
    reply = co_await (*found.serve)(asked, found.parameters);
  } else if (found.allow.empty()) {
    reply = refuse(404, "not_found");
  } else {
    reply = refuse(405, "method_not_allowed");
    reply.headers.emplace_back("allow", found.allow);
  }
  metrics_.count(asked.verb(), found.serve == nullptr ? "unmatched" : found.path_template, reply.status);
  co_return reply;
}

}  // namespace shop
