#include <array>
#include <string_view>

#include "stack/net/stream.hpp"
#include "tests/soak/visitor_world.hpp"

namespace assay::soak {
namespace {

constexpr std::size_t largest_garbage = 4000;

// As far as the status.
constexpr std::string_view protocol = "HTTP/1.1 ";
constexpr std::size_t status_bytes = protocol.size() + 3;

// Reads until the end, or `until`; keeps the first bytes. Whether it has ended.
task<bool> read_to_end(net::stream* peer, instant until, std::string* first) {
  const context& ctx = co_await this_context();
  while (ctx.on->now() < until) {
    const result<net::chunk> some = co_await peer->recv(until);
    if (!some) co_return some.error().code != errc::timed_out;
    if (some->empty()) co_return true;
    if (first->size() < status_bytes) first->append(some->bytes().substr(0, status_bytes - first->size()));
  }
  co_return false;
}

std::string request_for(std::string_view target) {
  const bool posts = target == "/transfer";
  return std::string(posts ? "POST " : "GET ")
      .append(target)
      .append(" HTTP/1.1\r\nhost: soak\r\n")
      .append(posts ? "content-length: 0\r\n\r\n" : "\r\n");
}

// Any bytes; or a request that goes wrong somewhere.
std::string garbage(world* in) {
  std::string bytes;
  if (in->below(2) == 0) {
    bytes.resize(1 + in->below(largest_garbage));
    for (char& each : bytes) each = static_cast<char>(in->below(256));
    return bytes;
  }
  bytes = request_for("/transfer");
  for (std::size_t changes = 1 + in->below(8); changes > 0; --changes) {
    bytes[in->below(bytes.size())] = static_cast<char>(in->below(256));
  }
  return bytes;
}

task<void> say_and_close_half(world* in, std::string what, std::string bytes) {
  result<net::stream> peer = co_await net::connect(in->at);
  if (!peer) co_return in->saw_wrong("connect: " + describe(peer.error()));
  std::ignore = co_await peer->send_all(bytes);
  peer->shutdown_write();
  const context& ctx = co_await this_context();
  std::string first;
  const bool ended = co_await read_to_end(&*peer, ctx.on->now() + patience, &first);
  if (!ended) co_return in->saw_wrong(what + ": the connection stays");
  if (first.empty()) co_return in->saw(what + ", no answer");
  if (!first.starts_with(protocol)) co_return in->saw_wrong(what + ": " + first);
  in->saw(what + ", " + first.substr(protocol.size()));
}

}  // namespace

task<void> leave_in_the_middle(world* in) {
  result<net::stream> peer = co_await net::connect(in->at);
  if (!peer) co_return in->saw_wrong("connect: " + describe(peer.error()));
  static constexpr std::array<std::string_view, 5> targets = {"/slow", "/transfer", "/rows/1", "/stream", "/events"};
  const std::string_view target = targets[in->below(targets.size())];
  std::string bytes = request_for(target);
  if (in->below(3) == 0) bytes.resize(in->below(bytes.size()));  // not even the head is whole
  std::ignore = co_await peer->send_all(bytes);
  const context& ctx = co_await this_context();
  const instant until = ctx.on->now() + duration(in->below(30'000'000));
  std::string first;
  std::ignore = co_await read_to_end(&*peer, until, &first);
  in->saw("left " + std::string(target));
}

task<void> close_half(world* in) {
  static constexpr std::array<std::string_view, 4> targets = {"/text", "/slow", "/transfer", "/stream"};
  co_await say_and_close_half(in, "half closed", request_for(targets[in->below(targets.size())]));
}

// With its half open it would have ten seconds to complete what looks like the beginning of a head.
task<void> send_garbage(world* in) { co_await say_and_close_half(in, "garbage", garbage(in)); }

}  // namespace assay::soak
