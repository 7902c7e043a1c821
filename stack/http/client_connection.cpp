#include "stack/http/client_connection.hpp"

#include <algorithm>

namespace assay::http {
namespace {

constexpr std::size_t kept_idle_bytes = 4096;  // of the send buffers of a connection in the pool

}  // namespace

task<result<void>> client::connection::read_head(method verb, instant limit) {
  for (int interim = 0; interim <= max_interim_responses; ++interim) {
    const result<std::string_view> bytes = co_await reader_.read_head(limit, limits_.head_timeout);
    if (!bytes) co_return std::unexpected(bytes.error());
    const auto parsed = parse_response_head(*bytes, verb, limits_.parse, head_);
    if (!parsed) co_return std::unexpected(protocol_error(parsed.error()));
    if (head_.status == 101) co_return std::unexpected(error{.code = errc::protocol, .what = "upgrade not asked for"});
    if (head_.status >= 200) co_return result<void>{};
    reader_.begin_body(head_.body);
    reader_.next_message();
  }
  co_return std::unexpected(error{.code = errc::protocol, .what = "too many interim responses"});
}

task<result<std::string>> client::connection::read_body() {
  const context& ctx = co_await this_context();
  std::string body;
  if (head_.body.length > limits_.max_body_bytes) {
    co_return std::unexpected(error{.code = errc::limit, .what = "response body too large"});
  }
  while (true) {
    const instant limit = saturating_add(ctx.on->turn_time(), limits_.body_timeout);
    const result<std::string_view> piece = co_await reader_.read_body(limit);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return body;
    if (body.size() + piece->size() > limits_.max_body_bytes) {
      co_return std::unexpected(error{.code = errc::limit, .what = "response body too large"});
    }
    body.append(*piece);
  }
}

task<result<client_response>> client::connection::receive(const client_request& request) {
  result<void> head;
  if (request.stream) {
    head = co_await talk_both_ways(request);
  } else {
    const instant limit = saturating_add((co_await this_context()).on->turn_time(), limits_.response_timeout);
    head = co_await read_head(method_from(request.verb), limit);
  }
  if (!head) co_return std::unexpected(head.error());
  client_response response;
  response.status = head_.status;
  response.headers.reserve(head_.headers.size());
  for (const header_field& field : head_.headers) response.headers.emplace_back(field.name, field.value);
  reader_.begin_body(head_.body);
  if (request.read_in_pieces) {
    reader_.keep_buffered();  // nobody knows when it is read
    const bool is_early = !request.stream && writer_.in_flight() && head_.status < first_refusal;
    const result<void> sent = is_early ? co_await send_rest() : result<void>{};
    if (!sent && sent.error().code != errc::reset) co_return std::unexpected(sent.error());
    co_return response;
  }
  result<std::string> body = co_await read_body();
  if (!body) co_return std::unexpected(body.error());
  response.body = std::move(*body);
  co_return response;
}

// The response to a request that does not leave would be waited for in vain. After a reset the receiving side ends by
// itself, and perhaps with the answer of a server that had read enough ("413, go away").
void client::connection::on_send_failure() {
  send_failed_ = writer_.failure()->code != errc::reset;
  if (send_failed_ && receiving_ != nullptr) receiving_->cancel(cancel_reason::user);
}

void client::connection::flush(const context& ctx) {
  writer_.kick(std::min(ctx.deadline, saturating_add(ctx.on->turn_time(), limits_.write_timeout)));
}

task<result<client_response>> client::connection::exchange(const client_request& request, std::string_view host) {
  const context& ctx = co_await this_context();
  cancel_scope receiving(*ctx.cancel);
  context inner = ctx;
  inner.cancel = receiving_ = &receiving;
  reusable_ = false;
  sent_whole_ = !request.stream;
  received_before_ = reader_.received_bytes();
  append_request(writer_.buffer(), request, host);
  flush(ctx);
  result<client_response> response = co_await with_context(inner, receive(request));
  receiving_ = nullptr;
  if (!response) {
    if (send_failed_) co_return std::unexpected(*writer_.failure());
    co_return response;
  }
  // A response that came before the request was sent in full leaves the connection in an unknown state, and bytes
  // beyond the response belong to nothing we asked for.
  reusable_ = head_.keep_alive && sent_whole_ && writer_.pending_bytes() == 0 && !writer_.failed();
  served_++;
  if (!request.read_in_pieces) {
    on_body_end();
  } else if (writer_.in_flight()) {  // to a server that has refused it
    co_await writer_.stop();
  }
  writer_.shrink(kept_idle_bytes);
  co_return response;
}

void client::connection::on_body_end() {
  reader_.next_message();
  reusable_ = reusable_ && reader_.at_message_start();
}

task<result<bool>> client::connection::quiet() {
  const context& ctx = co_await this_context();
  const result<net::chunk> arrived = co_await stream_.recv(ctx.on->turn_time());  // what is here, without waiting
  if (arrived) co_return false;
  if (arrived.error().code == errc::cancelled) co_return std::unexpected(arrived.error());
  co_return arrived.error().code == errc::timed_out&& arrived.error().reason == cancel_reason::deadline;
}

}  // namespace assay::http
