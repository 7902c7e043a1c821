#include "tests/stack/http/server_test_support.hpp"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <stdexcept>

#include "stack/http/chunked.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::http::testing {
namespace {

constexpr std::uint16_t server_port = 80;

socket_address server_address() { return net::parse_address("127.0.0.1", server_port).value(); }

task<void> send_pieces(net::stream& to, const client_script& script, instant start) {
  for (const piece& each : script.pieces) {
    const result<void> waited = co_await delay_until(start + each.at);
    if (!waited) co_return;
    const result<void> sent = co_await to.send_all(each.bytes);
    if (!sent) co_return;  // the server has closed: the record says when
  }
  if (script.end_after_pieces) to.shutdown_write();
}

task<void> receive_all(net::stream& from, const client_script& script, instant start, client_record& seen) {
  const context& ctx = co_await this_context();
  std::ignore = co_await delay_until(start + script.read_from);
  const instant leaves = script.leave_at ? start + *script.leave_at : never;
  while (true) {
    const result<net::chunk> some = co_await from.recv(leaves);
    seen.ended_after = ctx.on->turn_time() - start;
    if (!some && some.error().code != errc::timed_out) seen.failure = some.error();
    if (!some || some->empty()) co_return;
    seen.bytes.append(some->bytes());
    seen.arrivals.push_back({.at = seen.ended_after, .bytes = std::string(some->bytes())});
  }
}

task<void> run_client(const client_script& script, instant start, client_record& seen) {
  context& ctx = co_await this_context();
  std::ignore = co_await delay_until(start + script.connect_at);
  result<net::stream> peer = co_await net::connect(server_address());
  if (!peer) {
    seen.failure = peer.error();
    co_return;
  }
  scope sending(ctx);
  sending.spawn(send_pieces(*peer, script, start));
  co_await receive_all(*peer, script, start, seen);
  sending.cancel(cancel_reason::user);
  std::ignore = co_await sending.join();  // it cannot fail
}

task<void> run_server(server& served, net::listener from, instant start, report& seen) {
  const context& ctx = co_await this_context();
  const result<void> ended = co_await served.run(std::move(from));
  EXPECT_TRUE(ended) << describe(ended.error());
  seen.server_ended_after = ctx.on->turn_time() - start;
}

task<void> act(const scenario& plan, sim_io& network, report& seen) {
  context& ctx = co_await this_context();
  const instant start = ctx.on->now();
  server served(plan.serve, plan.limits, plan.on_refused, plan.on_drain);
  result<net::listener> from = net::listener::open(network, server_address());
  scope serving(ctx);
  serving.spawn(run_server(served, std::move(*from), start, seen));
  if (plan.drain_at) network.at(start + *plan.drain_at, [&] { served.drain_after(plan.drain_delay); });
  for (const auto& [at, event] : plan.events) {
    network.at(start + at, [&network, &on = *ctx.on, run = event] { run(network, on); });
  }
  scope clients(ctx);
  seen.clients.resize(plan.clients.size());
  for (std::size_t i = 0; i < plan.clients.size(); ++i) {
    clients.spawn(run_client(plan.clients[i], start, seen.clients[i]));
  }
  std::ignore = co_await clients.join();
  served.drain();
  std::ignore = co_await serving.join();
  EXPECT_EQ(served.live_connections(), 0U);
  seen.counters = served.counters();
}

std::string fields_and_end(std::string_view more_fields) {
  return "host: test\r\n" + std::string(more_fields) + "\r\n";
}

// Reads one body from the front of `rest`.
void take_body(const body_framing& framing, std::string_view& rest, bool closed, parsed_response& into) {
  if (framing.kind == body_kind::none) {
    into.complete = true;
  } else if (framing.kind == body_kind::length) {
    into.body = rest.substr(0, framing.length);
    into.complete = into.body.size() == framing.length;
    rest.remove_prefix(into.body.size());
  } else if (framing.kind == body_kind::until_close) {
    into.body = std::exchange(rest, {});
    into.complete = closed;
  } else {
    chunked_decoder decoder;
    while (!rest.empty() && !into.complete) {
      const chunk_piece next = decoder.feed(rest);
      rest.remove_prefix(next.consumed);
      into.body.append(next.payload);
      into.complete = next.state == chunk_state::done;
      EXPECT_NE(next.state, chunk_state::error) << describe(next.error);
      if (next.state == chunk_state::error) rest = {};
    }
  }
}

}  // namespace

duration client_record::when(std::string_view text) const {
  std::string so_far;
  for (const arrival& each : arrivals) {
    so_far += each.bytes;
    if (so_far.find(text) != std::string::npos) return each.at;
  }
  ADD_FAILURE() << "never received: " << text << "\nreceived: " << bytes;
  return duration::min();
}

report play(const scenario& plan) {
  const std::size_t frames_before = assay::detail::live_frames();
  report seen;
  {
    auto world = std::make_unique<sim_io>(plan.network);
    sim_io& network = *world;
    loop on(std::move(world));
    on.run(act(plan, network, seen));
    EXPECT_EQ(network.open_sockets(), 0U);
    EXPECT_EQ(network.lent_buffers(), 0U);
  }
  EXPECT_EQ(assay::detail::live_frames(), frames_before);
  return seen;
}

sim_options distant(duration latency, std::uint64_t seed) {
  sim_options options;
  options.latency = latency;
  options.seed = seed;
  return options;
}

client_record play_one(handler serve, std::vector<piece> pieces, const server_limits& limits) {
  return play({.serve = std::move(serve), .limits = limits, .clients = {{.pieces = std::move(pieces)}}}).clients[0];
}

std::string get(std::string_view target, std::string_view more_fields) {
  return "GET " + std::string(target) + " HTTP/1.1\r\n" + fields_and_end(more_fields);
}

std::string post(std::string_view target, std::string_view body, std::string_view more_fields) {
  const std::string length = "content-length: " + std::to_string(body.size()) + "\r\n";
  return "POST " + std::string(target) + " HTTP/1.1\r\n" + fields_and_end(length + std::string(more_fields)) +
         std::string(body);
}

std::string post_chunked(std::string_view target, const std::vector<std::string>& parts, std::string_view more_fields) {
  std::string request = "POST " + std::string(target) + " HTTP/1.1\r\n" +
                        fields_and_end("transfer-encoding: chunked\r\n" + std::string(more_fields));
  for (const std::string& part : parts) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), part.size(), 16).ptr;
    request.append(digits.data(), end).append("\r\n").append(part).append("\r\n");
  }
  return request + "0\r\n\r\n";
}

std::string parsed_response::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (equals_ignoring_case(known, name)) return value;
  }
  return {};
}

std::vector<parsed_response> split_responses(const client_record& from, const std::vector<method>& methods) {
  std::vector<parsed_response> responses;
  std::string_view rest = from.bytes;
  std::size_t final_ones = 0;
  while (!rest.empty()) {
    head_scanner scanner(head_kind::response);
    const auto head_bytes = scanner.scan(rest);
    EXPECT_TRUE(head_bytes) << "not a response: " << rest.substr(0, 200);
    if (!head_bytes) break;
    parsed_response& next = responses.emplace_back();
    if (*head_bytes == 0) break;
    response_head head;
    const method verb = final_ones < methods.size() ? methods[final_ones] : method::get;
    const auto parsed = parse_response_head(rest.substr(0, *head_bytes), verb, {}, head);
    EXPECT_TRUE(parsed) << describe(parsed.error()) << " in " << rest.substr(0, *head_bytes);
    if (!parsed) break;
    next.status = head.status;
    next.keep_alive = head.keep_alive;
    for (const header_field& field : head.headers) next.headers.emplace_back(field.name, field.value);
    rest.remove_prefix(*head_bytes);
    if (next.status >= 200) final_ones++;
    take_body(next.status < 200 ? body_framing{} : head.body, rest, !from.failure, next);
  }
  return responses;
}

std::vector<int> statuses(const client_record& from) {
  std::vector<int> codes;
  for (const parsed_response& each : split_responses(from)) codes.push_back(each.status);
  return codes;
}

task<response> answer_target(request& asked) {
  if (asked.path() == "/sleep") std::ignore = co_await delay_for(std::chrono::milliseconds(100));
  if (asked.path() == "/throw") throw std::runtime_error("a bug in the service");
  response reply = response::text(std::string(asked.target()));
  reply.close = asked.path() == "/close";
  co_return reply;
}

task<response> echo(request& asked) {
  const result<std::string> body = co_await asked.read_all();
  if (!body) co_return response::for_body(body.error());
  co_return response::text(*body);
}

}  // namespace assay::http::testing
