#include "tests/soak/visitors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "stack/guard/timeout/policy.hpp"
#include "stack/http/event_source.hpp"
#include "stack/http/websocket/client.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/soak/visitor_world.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t largest_body = 300'000;
constexpr std::size_t largest_message = 20'000;
constexpr const char* soon_ms = "30";  // the deadline of what would never end
constexpr std::size_t most_summands = 200'000;
constexpr std::size_t pages = 8;

std::string sum_up_to(const std::string& digits) {
  std::uint64_t last = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), last);
  return std::to_string(last * (last + 1) / 2);
}

http::client_request request_of(world* in) {
  const std::string id = std::to_string(1 + in->below(100));
  switch (in->below(22)) {
    case 0:
      return {.verb = "POST", .target = "/echo", .body = std::string(in->below(largest_body), 'b')};
    case 1:
      return {.target = "/rows/" + id};
    case 2:
      return {.verb = "POST", .target = "/transfer"};
    case 3:
      return {.verb = "POST", .target = "/pipelined"};
    case 4:
      return {.verb = "POST", .target = "/notify"};
    case 5:
      return {.target = "/count"};
    case 6:
      return {.verb = "POST", .target = "/publish"};
    case 7:
      return {.target = "/throw"};
    case 8:
      return {.target = "/stream"};
    case 9:
      return {.target = "/nowhere"};
    case 10:
      return {.target = "/hang", .headers = {{std::string(guard::timeout::field_name), soon_ms}}};
    case 11:
      return {.target = "/stuck", .headers = {{std::string(guard::timeout::field_name), soon_ms}}};
    case 12:
      return {.target = "/sums/" + std::to_string(in->below(most_summands))};
    case 13:
      return {.target = "/one"};
    case 14:
      return {.target = "/either"};
    case 15:
      return {.target = "/pages/" + std::to_string(in->below(pages))};
    case 16:
      return {.target = "/metrics"};
    case 17:
      return {.target = "/debug/tasks"};
    case 18:
      return {.target = "/health/ready"};
    default:
      return {.target = "/text"};
  }
}

// The first part of it: what follows is one of many.
std::string path_of(const std::string& target) { return target.substr(0, target.find('/', 1)); }

bool has_dependency(const std::string& target) {
  static constexpr std::array<std::string_view, 9> those = {"/rows",  "/transfer", "/pipelined", "/notify", "/stuck",
                                                            "/count", "/publish",  "/one",       "/either"};
  return std::ranges::find(those, path_of(target)) != those.end();
}

bool says_what_was_asked(const std::string& target, const std::string& body) {
  const std::string rest = target.substr(target.find_last_of('/') + 1);
  if (path_of(target) == "/sums") return body == sum_up_to(rest);
  if (path_of(target) == "/pages") return body == "page " + rest + "\n";
  if (target == "/metrics") return body.contains("\nassay_http_requests_total{");
  if (target == "/debug/tasks") return body.starts_with("loop ");
  return true;
}

// What a whole answer has to be. A service that cannot keep up may shed any request, whatever it asks for; only what
// has a dependency may miss one.
bool is_right(const http::client_request& asked, const http::client_response& got) {
  if (got.status == 503) return true;
  if (asked.target == "/throw") return got.status == 500;
  if (asked.target == "/nowhere") return got.status == 404;
  if (has_dependency(asked.target) && (got.status == 502 || got.status == 504)) return true;  // it went, or is away
  if (asked.target == "/hang" || asked.target == "/stuck") return got.status == 504;
  if (asked.target == "/echo") return got.status == 200 && got.body == asked.body;
  if (asked.target == "/stream") return got.status == 200 && got.body.size() == 64 * 16 * 1024;
  if (asked.target == "/transfer" || asked.target == "/pipelined") return got.status == 200 || got.status == 409;
  return got.status == 200 && says_what_was_asked(asked.target, got.body);
}

// A request through the pool. One of four is given up soon.
task<void> ask(world* in) {
  const http::client_request asked = in->signed_by_one(request_of(in));
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

// Of one letter, or of chance, which no compression makes smaller.
std::string payload_of(world* in) {
  std::string payload(in->below(largest_message), static_cast<char>('a' + in->below(26)));
  if (in->below(2) == 0) return payload;
  for (char& each : payload) each = static_cast<char>(in->below(256));
  return payload;
}

task<void> talk(world* in, websocket::connection& peer) {
  const std::string kind = peer.compresses() ? "compressed socket " : "socket ";
  const std::size_t messages = in->below(20);
  for (std::size_t i = 0; i < messages; ++i) {
    const std::string payload = payload_of(in);
    const result<void> sent = co_await peer.send(websocket::message_kind::binary, payload);
    if (!sent) co_return in->saw(kind + std::string(label(sent.error().code)));
    const result<websocket::message> got = co_await peer.receive();
    if (!got) co_return in->saw(kind + std::string(label(got.error().code)));
    if (got->payload != payload) co_return in->saw_wrong(kind + "got another echo");
  }
  in->saw(kind + "talked");
}

// One of two is compressed, one of four of those with a window that is kept; one of three is given up in the middle.
task<void> open_socket(world* in) {
  const context& ctx = co_await this_context();
  const duration span = in->below(3) == 0 ? duration(in->below(20'000'000)) : duration(patience);
  websocket::client_options how{.target = "/socket"};
  how.connections.deflate.enabled = in->below(2) == 0;
  how.connections.deflate.context_takeover = in->below(4) == 0;
  const auto session = [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return talk(in, peer); };
  const result<void> ended =
      co_await with_deadline(ctx.on->now() + span, websocket::connect(in->origin(), std::move(how), session));
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
    switch (in->below(17)) {
      case 0:
      case 1:
        co_await leave_in_the_middle(in);
        break;
      case 2:
        co_await close_half(in);
        break;
      case 3:
        co_await send_garbage(in);
        break;
      case 4:
        co_await open_socket(in);
        break;
      case 5:
        co_await follow_events(in);
        break;
      case 6:
        co_await buy_twice(in);
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
