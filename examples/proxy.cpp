// A reverse proxy in front of several servers: two choices, ejection of who fails, retries elsewhere within a budget, a
// limit for every wait. Bodies pass in pieces, and whoever sends waits for whoever reads. It follows their
// /health/ready: who drains is left out before its door closes.
//
//   UPSTREAMS=http://127.0.0.1:9001,http://127.0.0.1:9002 PORT=8080 LOOPS=2 build/examples/proxy
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stack/guard/balance/checks.hpp"
#include "stack/guard/chain/client.hpp"
#include "stack/guard/serve.hpp"
#include "stack/http/origin.hpp"
#include "stack/http/settings.hpp"

using namespace assay;

namespace {

constexpr int could_not_start = 4;
constexpr unsigned most_loops = 64;
constexpr std::uint64_t max_body_bytes = 1ULL << 30;        // which passes in pieces: no memory is kept for it
constexpr duration upload_limit = std::chrono::minutes(5);  // of a request with its body
constexpr duration between_checks = std::chrono::milliseconds(500);
constexpr unsigned checks_to_leave = 2;

// Of one loop.
struct proxy {
  std::vector<std::unique_ptr<http::client>> servers;
  std::vector<std::unique_ptr<http::client>> checkers;  // their own: a busy server is no ill one
  std::shared_ptr<guard::balance::policy> among;        // none with one server
  guard::exchange ask;
};

// What is between one client and one server, and not for who is behind (RFC 9110 section 7.6.1).
bool is_for_this_hop(std::string_view name) {
  static constexpr std::array<std::string_view, 9> names = {"connection", "content-length",    "host",
                                                            "keep-alive", "proxy-connection",  "te",
                                                            "trailer",    "transfer-encoding", "upgrade"};
  return std::ranges::any_of(names, [name](std::string_view other) { return http::equals_ignoring_case(name, other); });
}

// What a Connection field names is for this hop as well.
bool is_named_in(std::string_view connection, std::string_view name) {
  while (!connection.empty()) {
    std::string_view option = connection.substr(0, connection.find(','));
    connection.remove_prefix(std::min(connection.size(), option.size() + 1));
    while (!option.empty() && (option.front() == ' ' || option.front() == '\t')) option.remove_prefix(1);
    while (!option.empty() && (option.back() == ' ' || option.back() == '\t')) option.remove_suffix(1);
    if (http::equals_ignoring_case(option, name)) return true;
  }
  return false;
}

template <class Fields>
bool passes(const Fields& fields, std::string_view name) {
  if (is_for_this_hop(name)) return false;
  return std::ranges::none_of(fields, [name](const auto& each) {
    const auto& [field, value] = each;
    return http::equals_ignoring_case(field, "connection") && is_named_in(value, name);
  });
}

bool is_of_this_server(std::string_view name) {
  return http::equals_ignoring_case(name, "date") || http::equals_ignoring_case(name, guard::trace::request_id_field);
}

// `failed` is told when it is the client that does not send what it promised.
http::client_request onward_of(http::request& asked, std::optional<error>* failed) {
  http::client_request onward{
      .verb = std::string(asked.head().method_text), .target = std::string(asked.target()), .read_in_pieces = true};
  for (const auto& [name, value] : asked.head().headers) {
    if (passes(asked.head().headers, name)) onward.headers.emplace_back(name, value);
  }
  onward.headers.emplace_back("via",
                              "1.1 assay-proxy");  // RFC 9110 section 7.6.3: who is asked knows that it is a proxy
  const http::body_framing& body = asked.head().body;
  if (body.kind == http::body_kind::none) return onward;  // it may be sent again
  onward.stream = [&asked, failed] ASSAY_CORO_WRAPPER(http::body_sink & to) {
    return http::copy_body(asked, to, failed);
  };
  if (body.kind == http::body_kind::length) onward.length = body.length;
  return onward;
}

// Neither body is here as a whole: who sends waits for who reads, up to limits of both sides.
task<http::response> pass_on(std::shared_ptr<proxy> through, http::request& asked) {
  std::optional<error> client_failed;
  auto answer = co_await through->ask(onward_of(asked, &client_failed));
  if (!answer)
    co_return client_failed ? http::response::for_body(*client_failed) : http::response::from(answer.error());
  http::response reply{.status = answer->status};
  for (const auto& [name, value] : answer->headers) {
    if (passes(answer->headers, name) && !is_of_this_server(name)) reply.headers.emplace_back(name, value);
  }
  reply.stream = [through, from = std::move(answer->source)] ASSAY_CORO_WRAPPER(http::body_sink & to) {
    return http::copy_body(*from, to);
  };
  co_return reply;
}

[[noreturn]] void refuse_to_start(const std::string& why) {
  std::fprintf(stderr, "proxy: %s\n", why.c_str());
  std::exit(could_not_start);
}

std::vector<http::origin> upstreams() {
  const char* given = std::getenv("UPSTREAMS");
  if (given == nullptr) refuse_to_start("UPSTREAMS must be set: http://host:port,http://host:port");
  std::vector<http::origin> origins;
  for (std::string_view rest = given; !rest.empty();) {
    const auto one = http::origin_of(rest.substr(0, rest.find(',')));
    if (!one) refuse_to_start("UPSTREAMS: " + one.error());
    origins.push_back(*one);
    rest.remove_prefix(
        std::min(rest.size(), rest.find(',') == std::string_view::npos ? rest.size() : rest.find(',') + 1));
  }
  return origins;
}

std::shared_ptr<proxy> make_proxy(const std::vector<http::origin>& to) {
  const auto made = std::make_shared<proxy>();
  std::vector<std::string> names;
  std::vector<guard::exchange> exchanges;
  for (const http::origin& each : to) {
    names.push_back(each.host);
    made->servers.push_back(std::make_unique<http::client>(each));
    made->checkers.push_back(std::make_unique<http::client>(each, http::client_limits{.max_connections = 1}));
    exchanges.push_back(guard::exchange_of(*made->servers.back()));
  }
  const auto guards = guard::chain::client::make({.observe = guard::trace::sending_layer(),
                                                  .call = {.limit = upload_limit},
                                                  .balance = {.checks_to_leave = checks_to_leave}},
                                                 std::move(names));
  if (!guards) refuse_to_start(guards.error());
  made->among = guards->among;
  made->ask = guards->around(std::move(exchanges));
  return made;
}

task<result<void>> follow_readiness(std::shared_ptr<proxy> of) {
  if (!of->among) co_return result<void>{};
  std::vector<guard::exchange> checks;
  for (const auto& each : of->checkers) checks.push_back(guard::exchange_of(*each));
  co_return co_await guard::balance::watch(of->among, std::move(checks),
                                           {.every = between_checks, .timeout = between_checks});
}

}  // namespace

int main() {
  const std::vector<http::origin> to = upstreams();
  std::vector<std::weak_ptr<proxy>> made;  // by loop; the clients go with the loop that they belong to
  const auto make = [&](guard::chain::service_loop&) -> guard::served {
    const std::shared_ptr<proxy> through = make_proxy(to);
    made.push_back(through);
    return {.handler = [through] ASSAY_CORO_WRAPPER(http::request & asked) { return pass_on(through, asked); }};
  };
  guard::serve_options options;
  options.http.loops = http::or_refuse(http::number_setting("LOOPS", 1U, most_loops));
  options.http.limits.max_body_bytes = max_body_bytes;
  options.http.limits.handler_timeout = upload_limit;
  options.guards.timeout = guard::timeout::options{.limit = upload_limit};
  options.http.background = [&made] ASSAY_CORO_WRAPPER(unsigned index) { return follow_readiness(made[index].lock()); };
  return guard::serve(make, options);
}
