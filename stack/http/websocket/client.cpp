#include "stack/http/websocket/client.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <optional>

#include "stack/http/chars.hpp"
#include "stack/http/reader.hpp"
#include "stack/net/connect.hpp"

namespace assay::websocket {
namespace {

bool is_token_text(std::string_view text) { return !text.empty() && std::ranges::all_of(text, http::detail::is_token); }

bool is_of_the_handshake(std::string_view name) {
  constexpr std::string_view prefix = "sec-websocket-";
  return http::equals_ignoring_case(name, "upgrade") ||
         http::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

bool can_be_sent(const client_options& options) {
  return http::valid_request({.target = options.target, .headers = options.headers}) &&
         std::ranges::all_of(options.protocols, is_token_text) &&
         std::ranges::none_of(options.headers, [](const auto& field) { return is_of_the_handshake(field.first); });
}

std::string join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& each : names) joined.append(joined.empty() ? "" : ", ").append(each);
  return joined;
}

void append_handshake(std::string& to, const client_options& options, const std::string& key, std::string_view host) {
  http::client_request request{.target = options.target, .headers = options.headers};
  request.headers.emplace_back("upgrade", "websocket");
  request.headers.emplace_back("connection", "upgrade");
  request.headers.emplace_back("sec-websocket-version", protocol_version);
  request.headers.emplace_back("sec-websocket-key", key);
  if (!options.protocols.empty()) request.headers.emplace_back("sec-websocket-protocol", join(options.protocols));
  if (options.connections.deflate.enabled) {
    request.headers.emplace_back("sec-websocket-extensions", deflate_offer(options.connections.deflate));
  }
  http::append_request(to, request, host);
}

error refusal(int status) {
  const errc code = status == 401 || status == 403   ? errc::permission
                    : status == 429 || status == 503 ? errc::limit
                                                     : errc::refused;
  return {.code = code, .what = "the server did not switch to WebSocket"};
}

task<result<void>> read_answer(http::message_reader& reader, const http::parse_limits& limits,
                               http::response_head& head) {
  for (int interim = 0; interim <= http::max_interim_responses; ++interim) {
    const result<std::string_view> bytes = co_await reader.read_head(never, duration::max());
    if (!bytes) co_return std::unexpected(bytes.error());
    const auto parsed = http::parse_response_head(*bytes, http::method::get, limits, head);
    if (!parsed) co_return std::unexpected(http::protocol_error(parsed.error()));
    if (head.status == 101) co_return result<void>{};
    if (head.status >= 200) co_return std::unexpected(refusal(head.status));
    reader.begin_body(head.body);
    reader.next_message();
  }
  co_return std::unexpected(error{.code = errc::protocol, .what = "too many interim responses"});
}

// Its deadline is the context's.
task<result<granted_handshake>> shake_hands(http::message_reader& reader, net::writer& writer,
                                            const client_options& options, std::string_view host) {
  const context& ctx = co_await this_context();
  const std::string key = random_key();
  append_handshake(writer.buffer(), options, key, host);
  writer.kick(ctx.deadline);
  http::response_head head;
  const result<void> answered = co_await read_answer(reader, options.parse, head);
  if (!answered) co_return std::unexpected(writer.failed() ? *writer.failure() : answered.error());
  auto granted =
      check_answer(head, {.key = key, .protocols = options.protocols, .deflate = options.connections.deflate});
  if (!granted) co_return std::unexpected(error{.code = errc::protocol, .what = granted.error()});
  co_return std::move(*granted);
}

// RFC 6455 section 7.1.1: the server is the first to end the connection below, so that its port is not the one to wait.
// One that has not said Close may still be sending: closing with bytes unread resets the connection, and takes the
// reason for our Close away from it.
task<void> await_end(net::stream& stream, bool server_may_send, duration limit) {
  const context& ctx = co_await this_context();
  const instant at = saturating_add(ctx.on->turn_time(), limit);
  if (server_may_send) stream.shutdown_write();
  // The clock as well: a server that never pauses would never let the receive wait, and so time out.
  while (ctx.on->turn_time() < at) {
    const result<net::chunk> dropped = co_await stream.recv(at);
    if (!dropped || dropped->empty()) co_return;
  }
}

task<result<void>> talk_over(net::stream& stream, net::writer& writer, const client_options& options,
                             std::string_view host, session talk) {
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), options.handshake_timeout);
  http::message_reader reader(stream, http::head_kind::response, options.parse);
  auto granted = co_await with_deadline(limit, shake_hands(reader, writer, options, host));
  if (!granted) co_return std::unexpected(granted.error());
  http::upgraded raw(stream, writer, reader);
  co_await run_session(raw, role::client,
                       std::make_shared<const opened>(std::make_shared<const settings>(options.connections),
                                                      std::move(*granted), std::move(talk)));
  if (!writer.failed()) co_await await_end(stream, raw.lingers(), options.connections.close_timeout);
  co_return result<void>{};
}

// Sending ends with the cancellation of all else, and the other way round.
struct write_stopper : cancel_node {
  explicit write_stopper(net::writer& to_stop) : cancel_node(&on_cancel), writer(to_stop) {}
  static void on_cancel(cancel_node& node, cancel_reason why) noexcept {
    static_cast<write_stopper&>(node).writer.give_up(why);
  }
  net::writer& writer;
};

}  // namespace

task<result<void>> connect(http::origin to, client_options options, session talk) {
  assert(check(options.connections) && "check() the settings first");
  if (!can_be_sent(options)) {
    co_return std::unexpected(error{.code = errc::invalid_argument, .what = "target, header field or subprotocol"});
  }
  context& ctx = co_await this_context();
  result<net::stream> stream =
      co_await net::connect_any(to.address, to.others, saturating_add(ctx.on->turn_time(), options.connect_timeout));
  if (!stream) co_return std::unexpected(stream.error());
  cancel_scope cancel(*ctx.cancel);
  context inner = ctx;
  inner.cancel = &cancel;
  net::writer writer(*ctx.on, *stream, [&cancel] { cancel.cancel(cancel_reason::peer_closed); });
  write_stopper stopper(writer);
  if (!cancel.add(stopper)) writer.give_up(cancel.reason());
  result<void> ended;
  std::exception_ptr bug;
  try {
    ended = co_await with_context(inner, talk_over(*stream, writer, options, to.host, std::move(talk)));
  } catch (...) {
    bug = std::current_exception();
  }
  co_await writer.stop();
  if (bug) std::rethrow_exception(bug);
  co_return ended;
}

}  // namespace assay::websocket
