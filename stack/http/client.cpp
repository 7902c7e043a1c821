#include "stack/http/client.hpp"

#include <algorithm>

#include "stack/http/chars.hpp"
#include "stack/http/reader.hpp"
#include "stack/net/writer.hpp"

namespace assay::http {
namespace {

constexpr int max_interim_responses = 16;  // 1xx before the final one

bool is_idempotent(std::string_view verb) {
  constexpr std::array<std::string_view, 6> idempotent = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::ranges::find(idempotent, verb) != idempotent.end();
}

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
  const auto found = std::ranges::find_if(headers, [name](const auto& field) {
    return equals_ignoring_case(field.first, name);
  });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
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
  const bool own_host = std::ranges::any_of(request.headers, [](const auto& field) {
    return equals_ignoring_case(field.first, "host");
  });
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
        writer_(on, stream_, nullptr),
        limits_(limits),
        opened_(on.turn_time()) {}

  // One request and its response. What fails leaves the connection unusable.
  task<result<client_response>> exchange(const client_request& request, std::string_view host);

  // After exchange(): it can carry another one.
  bool reusable() const { return reusable_; }
  // The server had closed it before a byte of the response: the request may be sent again.
  bool was_stale() const { return served_ > 0 && reader_.at_message_start(); }
  // Stops the sending side; before it is destroyed.
  task<void> stop() { co_await writer_.stop(); }

  bool usable_at(instant now) const {
    return now - last_used_ < limits_.idle_timeout && now - opened_ < limits_.max_age;
  }
  void used_at(instant now) { last_used_ = now; }
  unsigned served() const { return served_; }

 private:
  task<result<void>> read_head(method verb);
  task<result<std::string>> read_body();

  net::stream stream_;
  message_reader reader_;
  net::writer writer_;
  const client_limits& limits_;
  response_head head_;
  instant opened_;
  instant last_used_;
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
    if (!parsed) co_return std::unexpected(error{.code = errc::protocol, .what = describe(parsed.error()).data()});
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

task<result<client_response>> client::connection::exchange(const client_request& request, std::string_view host) {
  const context& ctx = co_await this_context();
  reusable_ = false;
  append_request(writer_.buffer(), request, host);
  writer_.kick(std::min(ctx.deadline, saturating_add(ctx.on->turn_time(), limits_.write_timeout)));
  const result<void> head = co_await read_head(method_from(request.verb));
  if (!head) co_return std::unexpected(head.error());
  client_response response;
  response.status = head_.status;
  for (const header_field& field : head_.headers) response.headers.emplace_back(field.name, field.value);
  result<std::string> body = co_await read_body();
  if (!body) co_return std::unexpected(body.error());
  response.body = std::move(*body);
  // A response that came before the request was sent in full leaves the connection in an unknown state, and bytes
  // beyond the response belong to nothing we asked for.
  reusable_ = head_.keep_alive && writer_.pending_bytes() == 0 && !writer_.failed();
  reader_.next_message();
  reusable_ = reusable_ && reader_.at_message_start();
  served_++;
  co_return response;
}

client::client(origin to, client_limits limits)
    : to_(std::move(to)), limits_(limits), slots_(limits.max_connections, limits.max_waiters) {}

client::~client() = default;

std::unique_ptr<client::connection> client::take_idle(instant now) {
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

task<result<std::unique_ptr<client::connection>>> client::take(bool fresh) {
  const context& ctx = co_await this_context();
  // The one that failed was stale, so the others of its age are: the server has restarted, or closes early.
  if (fresh) idle_.clear();
  if (std::unique_ptr<connection> idle = take_idle(ctx.on->turn_time())) co_return idle;
  counters_.connects++;
  result<net::stream> opened =
      co_await net::connect(to_.address, saturating_add(ctx.on->turn_time(), limits_.connect_timeout));
  if (!opened) co_return std::unexpected(opened.error());
  co_return std::make_unique<connection>(*ctx.on, std::move(*opened), limits_);
}

task<result<client_response>> client::send_once(const client_request& request, bool fresh, bool* stale) {
  const context& ctx = co_await this_context();
  // A permit is the right to use a connection. Idle ones hold none: a request takes one of them before it connects, so
  // there are never more connections than permits.
  const result<permit> slot = co_await slots_.acquire();
  if (!slot) co_return std::unexpected(slot.error());
  result<std::unique_ptr<connection>> taken = co_await take(fresh);
  if (!taken) co_return std::unexpected(taken.error());
  connection& on = **taken;
  if (on.served() > 0) counters_.reused++;
  result<client_response> response = co_await on.exchange(request, to_.host);
  if (response && on.reusable()) {
    keep(std::move(*taken), ctx.on->turn_time());
    co_return response;
  }
  *stale = !response && on.was_stale() &&
           (response.error().code == errc::closed || response.error().code == errc::reset);
  co_await on.stop();
  co_return response;
}

task<result<client_response>> client::send(client_request request) {
  if (!valid_request(request)) {
    co_return std::unexpected(error{.code = errc::invalid_argument, .what = "verb, target or header field"});
  }
  counters_.requests++;
  bool stale = false;
  result<client_response> response = co_await send_once(request, false, &stale);
  if (!stale || !is_idempotent(request.verb)) co_return response;
  counters_.resent++;
  co_return co_await send_once(request, true, &stale);
}

}  // namespace assay::http
