#include "tests/soak/visitors.hpp"

#include <array>
#include <random>
#include <utility>

#include "stack/http/client.hpp"
#include "stack/http/event_source.hpp"
#include "stack/http/websocket/client.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_wrong = 12;
constexpr std::size_t largest_body = 300'000;
constexpr duration patience = 20s;  // of a request that is not given up: longer than anything the service may take

struct world {
  world(const socket_address& to, const visit_options& options)
      : at(to),
        random(options.seed),
        shop({.host = "127.0.0.1", .address = to}, {.max_connections = 16, .wait_timeout = patience}) {}

  socket_address at;
  std::mt19937_64 random;
  http::client shop;
  instant end{};
  tally seen;

  std::size_t below(std::size_t bound) { return random() % bound; }
  http::origin origin() const { return {.host = "127.0.0.1", .address = at}; }
  void saw(const std::string& what) { seen.outcomes[what]++; }
  void saw_wrong(std::string what) {
    if (seen.wrong.size() < most_wrong) seen.wrong.push_back(std::move(what));
  }
};

http::client_request request_of(world* in) {
  const std::string id = std::to_string(1 + in->below(100));
  switch (in->below(9)) {
    case 0:
      return {.verb = "POST", .target = "/echo", .body = std::string(in->below(largest_body), 'b')};
    case 1:
      return {.target = "/rows/" + id};
    case 2:
      return {.verb = "POST", .target = "/transfer"};
    case 3:
      return {.target = "/count"};
    case 4:
      return {.target = "/throw"};
    case 5:
      return {.target = "/stream"};
    case 6:
      return {.target = "/nowhere"};
    default:
      return {.target = "/text"};
  }
}

std::string path_of(const std::string& target) { return target.starts_with("/rows/") ? "/rows" : target; }

// What a whole answer has to be. A service that cannot keep up may shed any request, whatever it asks for; only what
// has a dependency may miss one.
bool is_right(const http::client_request& asked, const http::client_response& got) {
  if (got.status == 503) return true;
  if (asked.target == "/throw") return got.status == 500;
  if (asked.target == "/nowhere") return got.status == 404;
  const bool has_dependency =
      asked.target == "/transfer" || asked.target == "/count" || path_of(asked.target) == "/rows";
  if (has_dependency && (got.status == 502 || got.status == 504)) return true;  // it went, or is away
  if (asked.target == "/echo") return got.status == 200 && got.body == asked.body;
  if (asked.target == "/stream") return got.status == 200 && got.body.size() == 64 * 16 * 1024;
  if (asked.target == "/transfer") return got.status == 200 || got.status == 409;
  return got.status == 200;
}

// A request through the pool. One of four is given up soon.
task<void> ask(world* in) {
  const http::client_request asked = request_of(in);
  const context& ctx = co_await this_context();
  const bool hurried = in->below(4) == 0;
  const duration span = hurried ? duration(in->below(20'000'000)) : duration(patience);
  const auto got = co_await with_deadline(ctx.on->now() + span, in->shop.send(asked));
  const std::string what = asked.verb + " " + path_of(asked.target) + " ";
  if (got) {
    in->saw(what + std::to_string(got->status));
    if (!is_right(asked, *got)) in->saw_wrong(what + std::to_string(got->status) + " " + got->body.substr(0, 80));
  } else {
    in->saw(what + std::string(label(got.error().code)));
    if (!hurried && got.error().code != errc::cancelled) in->saw_wrong(what + describe(got.error()));
  }
}

// Bytes on a connection of its own, which ends somewhere in the middle of the exchange.
task<void> leave_in_the_middle(world* in) {
  result<net::stream> peer = co_await net::connect(in->at);
  if (!peer) co_return in->saw_wrong("connect: " + describe(peer.error()));
  static constexpr std::array<std::string_view, 5> targets = {"/slow", "/transfer", "/rows/1", "/stream", "/events"};
  const std::string_view target = targets[in->below(targets.size())];
  std::string bytes(target == "/transfer" ? "POST " : "GET ");
  bytes.append(target).append(" HTTP/1.1\r\nhost: soak\r\n");
  bytes.append(target == "/transfer" ? "content-length: 0\r\n\r\n" : "\r\n");
  if (in->below(3) == 0) bytes.resize(in->below(bytes.size()));  // not even the head is whole
  std::ignore = co_await peer->send_all(bytes);
  const context& ctx = co_await this_context();
  const instant until = ctx.on->now() + duration(in->below(30'000'000));
  while (ctx.on->now() < until) {
    const result<net::chunk> some = co_await peer->recv(until);
    if (!some || some->empty()) break;
  }
  in->saw("left " + std::string(target));
}

task<void> talk(world* in, websocket::connection& peer) {
  const std::size_t messages = in->below(20);
  for (std::size_t i = 0; i < messages; ++i) {
    const std::string payload(in->below(20'000), static_cast<char>('a' + i));
    const result<void> sent = co_await peer.send(websocket::message_kind::binary, payload);
    if (!sent) co_return in->saw("socket " + std::string(label(sent.error().code)));
    const result<websocket::message> got = co_await peer.receive();
    if (!got) co_return in->saw("socket " + std::string(label(got.error().code)));
    if (got->payload != payload) co_return in->saw_wrong("socket: another echo");
  }
  in->saw("socket talked");
}

// One of three is given up in the middle.
task<void> open_socket(world* in) {
  const context& ctx = co_await this_context();
  const duration span = in->below(3) == 0 ? duration(in->below(20'000'000)) : duration(patience);
  const auto session = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return talk(in, peer); };
  const result<void> ended =
      co_await with_deadline(ctx.on->now() + span, websocket::connect(in->origin(), {.target = "/socket"}, session));
  if (!ended) in->saw("socket not opened: " + std::string(label(ended.error().code)));
}

task<void> follow_events(world* in) {
  const context& ctx = co_await this_context();
  http::event_source ticks({.to = in->origin(), .target = "/events", .seed = in->random()});
  const instant until = ctx.on->now() + duration(in->below(200'000'000));
  while (true) {
    const auto next = co_await with_deadline(until, ticks.next());
    if (next && next->data != "tick") in->saw_wrong("events: " + next->data);
    if (!next) break;
  }
  in->saw("events followed");
}

task<void> visitor(world* in) {
  const context& ctx = co_await this_context();
  while (ctx.on->now() < in->end) {
    switch (in->below(12)) {
      case 0:
      case 1:
        co_await leave_in_the_middle(in);
        break;
      case 2:
        co_await open_socket(in);
        break;
      case 3:
        co_await follow_events(in);
        break;
      default:
        co_await ask(in);
    }
  }
}

task<tally> visit_all(const socket_address* at, const visit_options* options) {
  context& ctx = co_await this_context();
  world all(*at, *options);
  all.end = ctx.on->now() + options->length;
  scope visitors(ctx);
  for (unsigned i = 0; i < options->count; ++i) visitors.spawn(visitor(&all));
  std::ignore = co_await visitors.join();
  co_return std::move(all.seen);
}

}  // namespace

tally visit(const socket_address& at, const visit_options& options) {
  loop on(std::move(*make_io()));
  return on.run(visit_all(&at, &options));
}

}  // namespace assay::soak
