#include "stack/http/client.hpp"

#include <algorithm>

#include "stack/http/chars.hpp"
#include "stack/http/reader.hpp"
#include "stack/net/connect.hpp"
#include "stack/net/writer.hpp"
#include "stack/runtime/wait_in_line.hpp"

namespace assay::http {
namespace {

constexpr std::size_t kept_idle_bytes = 4096;  // of the send buffers of a connection in the pool

bool is_ours(std::string_view name) {
  return equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "transfer-encoding") ||
         equals_ignoring_case(name, "connection");
}

bool is_field_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return c != '\t' && detail::is_control(c); });
}

bool is_token_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return detail::is_token(c); });
}

}  // namespace

std::string_view client_response::header(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [name](const auto& field) { return equals_ignoring_case(field.first, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

bool may_resend(const client_request& request) {
  constexpr std::array<std::string_view, 6> idempotent = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::ranges::find(idempotent, request.verb) != idempotent.end() ||
         std::ranges::any_of(request.headers, [](const auto& field) {
           return equals_ignoring_case(field.first, "idempotency-key") && !field.second.empty();
         });
}

bool valid_request(const client_request& request) {
  const bool target_ok = !request.target.empty() && std::ranges::all_of(request.target, [](char c) {
    return detail::has_class(c, detail::target_class);
  });
  return target_ok && is_token_text(request.verb) && std::ranges::all_of(request.headers, [](const auto& field) {
           return is_token_text(field.first) && is_field_value(field.second) && !is_ours(field.first);
         });
}

void append_request(std::string& to, const client_request& request, std::string_view host) {
  to.append(request.verb).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  const bool own_host =
      std::ranges::any_of(request.headers, [](const auto& field) { return equals_ignoring_case(field.first, "host"); });
  if (!own_host) to.append("Host: ").append(host).append("\r\n");
  for (const auto& [name, value] : request.headers) to.append(name).append(": ").append(value).append("\r\n");
  const bool expects_body = request.verb == "POST" || request.verb == "PUT" || request.verb == "PATCH";
  if (!request.body.empty() || expects_body) {
    to.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  to.append("\r\n").append(request.body);
}

class client::connection {
 public:
  connection(loop& on, net::stream opened, const client_limits& limits)
      : stream_(std::move(opened)),
        reader_(stream_, head_kind::response, limits.parse),
        writer_(on, stream_, [this] { on_send_failure(); }),
        limits_(limits),
        opened_(on.turn_time()) {}

  // One request and its response. What fails leaves the connection unusable.
  task<result<client_response>> exchange(const client_request& request, std::string_view host);

  // After exchange(): it can carry another one.
  bool reusable() const { return reusable_; }
  // The server had closed it before a byte of the response: the request may be sent again.
  bool was_stale() const { return served_ > 0 && reader_.received_bytes() == received_before_; }
  // For an idle one: false when something has arrived on it, be it the end. Then it cannot be used.
  task<result<bool>> quiet();
  // Stops the sending side; before it is destroyed.
  task<void> stop() { co_await writer_.stop(); }

  bool usable_at(instant now) const {
    return now - last_used_ < limits_.idle_timeout && now - opened_ < limits_.max_age;
  }
  void used_at(instant now) { last_used_ = now; }
  unsigned served() const { return served_; }

 private:
  task<result<client_response>> receive(method verb);
  task<result<void>> read_head(method verb);
  task<result<std::string>> read_body();
  void on_send_failure();

  net::stream stream_;
  message_reader reader_;
  net::writer writer_;
  const client_limits& limits_;
  response_head head_;
  instant opened_;
  instant last_used_;
  cancel_scope* receiving_ = nullptr;  // while an exchange waits for its response
  std::uint64_t received_before_ = 0;  // this exchange
  unsigned served_ = 0;
  bool reusable_ = false;
};

task<result<void>> client::connection::read_head(method verb) {
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), limits_.response_timeout);
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
  reader_.begin_body(head_.body);
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

task<result<client_response>> client::connection::receive(method verb) {
  const result<void> head = co_await read_head(verb);
  if (!head) co_return std::unexpected(head.error());
  client_response response;
  response.status = head_.status;
  response.headers.reserve(head_.headers.size());
  for (const header_field& field : head_.headers) response.headers.emplace_back(field.name, field.value);
  result<std::string> body = co_await read_body();
  if (!body) co_return std::unexpected(body.error());
  response.body = std::move(*body);
  co_return response;
}

// The response to a request that does not leave would be waited for in vain. After a reset the receiving side ends by
// itself, and perhaps with the answer of a server that had read enough ("413, go away").
void client::connection::on_send_failure() {
  if (receiving_ != nullptr && writer_.failure()->code != errc::reset) receiving_->cancel(cancel_reason::user);
}

task<result<client_response>> client::connection::exchange(const client_request& request, std::string_view host) {
  const context& ctx = co_await this_context();
  cancel_scope receiving(*ctx.cancel);
  context inner = ctx;
  inner.cancel = receiving_ = &receiving;
  reusable_ = false;
  received_before_ = reader_.received_bytes();
  append_request(writer_.buffer(), request, host);
  writer_.kick(std::min(ctx.deadline, saturating_add(ctx.on->turn_time(), limits_.write_timeout)));
  result<client_response> response = co_await with_context(inner, receive(method_from(request.verb)));
  receiving_ = nullptr;
  if (!response) {
    if (writer_.failed() && writer_.failure()->code != errc::reset) co_return std::unexpected(*writer_.failure());
    co_return response;
  }
  // A response that came before the request was sent in full leaves the connection in an unknown state, and bytes
  // beyond the response belong to nothing we asked for.
  reusable_ = head_.keep_alive && writer_.pending_bytes() == 0 && !writer_.failed();
  reader_.next_message();
  reusable_ = reusable_ && reader_.at_message_start();
  writer_.shrink(kept_idle_bytes);
  served_++;
  co_return response;
}

task<result<bool>> client::connection::quiet() {
  const context& ctx = co_await this_context();
  const result<net::chunk> arrived = co_await stream_.recv(ctx.on->turn_time());  // what is here, without waiting
  if (arrived) co_return false;
  if (arrived.error().code == errc::cancelled) co_return std::unexpected(arrived.error());
  co_return arrived.error().code == errc::timed_out&& arrived.error().reason == cancel_reason::deadline;
}

client::client(origin to, client_limits limits)
    : to_(std::move(to)), limits_(limits), slots_(limits.max_connections, limits.max_waiters) {}

client::~client() = default;

std::unique_ptr<client::connection> client::take_idle(instant now) {
  // The oldest are in front. They go, although a younger one is to be taken, or they would keep descriptors for
  // nothing.
  const auto usable = std::ranges::find_if(idle_, [now](const auto& idle) { return idle->usable_at(now); });
  idle_.erase(idle_.begin(), usable);
  while (!idle_.empty()) {
    std::unique_ptr<connection> youngest = std::move(idle_.back());
    idle_.pop_back();
    if (youngest->usable_at(now)) return youngest;
  }
  return nullptr;
}

void client::keep(std::unique_ptr<connection> used, instant now) {
  used->used_at(now);
  idle_.push_back(std::move(used));
}

task<result<std::unique_ptr<client::connection>>> client::take() {
  const context& ctx = co_await this_context();
  while (std::unique_ptr<connection> idle = take_idle(ctx.on->turn_time())) {
    const result<bool> quiet = co_await idle->quiet();
    if (!quiet) co_return std::unexpected(quiet.error());
    if (*quiet) co_return idle;
  }
  counters_.connects++;
  result<net::stream> opened =
      co_await net::connect_any(to_.address, to_.others, saturating_add(ctx.on->turn_time(), limits_.connect_timeout));
  if (!opened) co_return std::unexpected(opened.error());
  co_return std::make_unique<connection>(*ctx.on, std::move(*opened), limits_);
}

task<result<client_response>> client::send_once(const client_request& request, bool* stale) {
  const context& ctx = co_await this_context();
  result<std::unique_ptr<connection>> taken = co_await take();
  if (!taken) co_return std::unexpected(taken.error());
  connection& on = **taken;
  if (on.served() > 0) counters_.reused++;
  result<client_response> response = co_await on.exchange(request, to_.host);
  if (response && on.reusable()) {
    keep(std::move(*taken), ctx.on->turn_time());
    co_return response;
  }
  *stale =
      !response && on.was_stale() && (response.error().code == errc::closed || response.error().code == errc::reset);
  co_await on.stop();
  co_return response;
}

task<result<permit>> client::wait_for_slot() {
  if (slots_.free() > 0) co_return co_await slots_.acquire();
  auto slot = co_await wait_in_line(&slots_, limits_.wait_timeout, &counters_);
  if (slot) co_return std::move(*slot);
  if (slot.error().reason == no_place::why::none_came_free) {
    co_return std::unexpected(error{.code = errc::limit, .what = "no connection became free"});
  }
  co_return std::unexpected(slot.error().failure);
}

task<result<client_response>> client::send(client_request request) {
  if (!valid_request(request)) {
    co_return std::unexpected(error{.code = errc::invalid_argument, .what = "verb, target or header field"});
  }
  counters_.requests++;
  // A permit is the right to use a connection. Idle ones hold none: a request takes one of them before it connects, so
  // there are never more connections than permits.
  const result<permit> slot = co_await wait_for_slot();
  if (!slot) co_return std::unexpected(slot.error());
  const context& ctx = co_await this_context();
  if (ctx.deadline <= ctx.on->turn_time()) {  // what nobody waits for any more is not sent
    co_return std::unexpected(
        error{.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "before the request was sent"});
  }
  bool stale = false;
  result<client_response> response = co_await send_once(request, &stale);
  if (!stale || !may_resend(request)) co_return response;
  counters_.resent++;
  // The one that failed was stale, so the others of its age are: the server has restarted, or closes early.
  idle_.clear();
  co_return co_await send_once(request, &stale);
}

}  // namespace assay::http
