#include "lab/load/message_connection.hpp"

#include "stack/http/client.hpp"
#include "stack/http/reader.hpp"
#include "stack/http/websocket/close_code.hpp"
#include "stack/http/websocket/handshake.hpp"
#include "stack/http/websocket/random.hpp"

namespace assay::load {
namespace {

// What leaves late, leaves late: the run's end bounds it.
constexpr instant no_deadline = never;

task<result<void>> read_answer(http::message_reader& reader, http::response_head& head, instant limit) {
  for (int interim = 0; interim <= http::max_interim_responses; ++interim) {
    const result<std::string_view> bytes = co_await reader.read_head(limit, duration::max());
    if (!bytes) co_return std::unexpected(bytes.error());
    const auto parsed = http::parse_response_head(*bytes, http::method::get, {}, head);
    if (!parsed) co_return std::unexpected(http::protocol_error(parsed.error()));
    if (head.status == 101) co_return result<void>{};
    if (head.status >= 200) co_return std::unexpected(error{.code = errc::refused, .what = "not answered with 101"});
    reader.begin_body(head.body);
    reader.next_message();
  }
  co_return std::unexpected(error{.code = errc::protocol, .what = "too many interim responses"});
}

}  // namespace

task<result<void>> message_connection::shake_hands(std::string_view request, const std::vector<std::string>& protocols,
                                                   instant limit) {
  const std::string key = websocket::random_key();
  writer_.append(request);
  writer_.append("Sec-WebSocket-Key: ");
  writer_.append(key);
  writer_.append("\r\n\r\n");
  writer_.kick(no_deadline);
  http::message_reader reader(stream_, http::head_kind::response, {});
  http::response_head head;
  const result<void> answered = co_await read_answer(reader, head, limit);
  if (!answered) co_return std::unexpected(writer_.failed() ? *writer_.failure() : answered.error());
  const auto granted = websocket::check_answer(head, {.key = key, .protocols = protocols});
  if (!granted) co_return std::unexpected(error{.code = errc::protocol, .what = granted.error()});
  early_ = reader.take_buffered();
  writer_.shrink(0);
  co_return result<void>{};
}

bool message_connection::send(std::string_view text) {
  if (close_sent_ || writer_.failed() || writer_.pending_bytes() > max_unsent_bytes) return false;
  append(websocket::opcode::text, text);
  return true;
}

void message_connection::say_close() {
  if (std::exchange(close_sent_, true)) return;
  append(websocket::opcode::close, websocket::close_payload(websocket::close_code::normal, {}));
}

void message_connection::append(websocket::opcode what, std::string_view payload) {
  websocket::append_frame(writer_.buffer(), {.what = what, .masked = true, .key = websocket::random_mask()}, payload);
  writer_.kick(no_deadline);
  writer_.shrink(0);
}

std::optional<std::string> message_connection::next(std::string_view& bytes) {
  writer_.shrink(0);
  while (!bytes.empty() && !ended_) {
    const websocket::decoded step = decoder_.feed(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.what) {
      case websocket::decoded::kind::need_more:
      case websocket::decoded::kind::pong:
        break;
      case websocket::decoded::kind::message:
        return decoder_.take_message().payload;
      case websocket::decoded::kind::ping:
        if (!close_sent_ && writer_.pending_bytes() <= max_unsent_bytes) append(websocket::opcode::pong, step.control);
        break;
      case websocket::decoded::kind::close:
        say_close();
        ended_ = error{.code = errc::closed, .what = "the server said Close"};
        break;
      case websocket::decoded::kind::violation:
        ended_ = error{.code = errc::protocol, .what = "not WebSocket as the standard says"};
        break;
    }
  }
  return std::nullopt;
}

}  // namespace assay::load
