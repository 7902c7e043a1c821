#include "stack/http/client.hpp"

#include <algorithm>

#include "stack/http/chars.hpp"
#include "stack/http/client_connection.hpp"
#include "stack/net/connect.hpp"
#include "stack/runtime/wait_in_line.hpp"

namespace assay::http {
namespace {

bool is_ours(std::string_view name) {
  return equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "transfer-encoding") ||
         equals_ignoring_case(name, "connection");
}

bool is_field_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return c != '\t' && detail::is_control(c); });
}

// A failure to connect that is not the server's.
bool is_our_own(errc code) {
  return code == errc::no_descriptors || code == errc::no_memory || code == errc::address_in_use ||
         code == errc::permission;
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
  if (request.stream) return false;
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
  if (request.stream) {
    const bool known = request.length.has_value();
    to.append(known ? "Content-Length: " + std::to_string(*request.length) : "Transfer-Encoding: chunked");
    to.append("\r\n\r\n");
    return;
  }
  const bool expects_body = request.verb == "POST" || request.verb == "PUT" || request.verb == "PATCH";
  if (!request.body.empty() || expects_body) {
    to.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  to.append("\r\n").append(request.body);
}

client::client(origin to, client_limits limits)
    : to_(std::move(to)),
      limits_(limits),
      slots_(limits.max_connections, limits.max_waiters),
      absence_(limits.backoff_min, limits.backoff_max, limits.seed) {}

client::~client() = default;

// Whether an idle connection is not to be used again, and then it is counted.
bool client::is_over(const connection& idle, instant now) {
  const bool old = idle.old_at(now);
  if (!old && !idle.idle_for_long_at(now)) return false;
  (old ? counters_.closed_old : counters_.closed_idle)++;
  return true;
}

std::unique_ptr<client::connection> client::take_idle(instant now) {
  // The oldest are in front. They go, although a younger one is to be taken, or they would keep descriptors for
  // nothing.
  const auto usable = std::ranges::find_if(idle_, [this, now](const auto& idle) { return !is_over(*idle, now); });
  idle_.erase(idle_.begin(), usable);
  while (!idle_.empty()) {
    std::unique_ptr<connection> youngest = std::move(idle_.back());
    idle_.pop_back();
    if (!is_over(*youngest, now)) return youngest;
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
    counters_.closed_broken++;
  }
  co_return co_await connect();
}

task<result<std::unique_ptr<client::connection>>> client::connect() {
  const context& ctx = co_await this_context();
  if (absence_.refuses(ctx.on->turn_time())) {
    counters_.refused_while_away++;
    co_return std::unexpected(error{.code = errc::refused, .what = "the server was away a moment ago"});
  }
  const bool probes = absence_.begin_attempt();
  counters_.connects++;
  const instant began = ctx.on->turn_time();
  const instant limit = saturating_add(began, limits_.connect_timeout);
  result<net::stream> opened = co_await net::connect_any(to_.address, to_.others, limit);
  absence_.end_attempt(probes);
  const instant now = ctx.on->turn_time();
  if (opened) {
    counters_.opened++;
    absence_.on_reached();
    co_return std::make_unique<connection>(*ctx.on, std::move(*opened), limits_);
  }
  counters_.open_failures++;
  // A caller who gave up says nothing of the server, unless it had a fair time to answer; nor do limits of our own.
  const bool gave_up = opened.error().reason != cancel_reason::none && now < limit;
  if ((!gave_up || now - began >= limits_.fair_wait) && !is_our_own(opened.error().code)) absence_.on_failed(now);
  co_return std::unexpected(opened.error());
}

task<result<client_response>> client::send_once(const client_request& request, permit* slot, bool* stale) {
  const context& ctx = co_await this_context();
  result<std::unique_ptr<connection>> taken = co_await take();
  if (!taken) co_return std::unexpected(taken.error());
  connection& on = **taken;
  if (on.served() > 0) counters_.reused++;
  result<client_response> response = co_await on.exchange(request, to_.host);
  if (response && request.read_in_pieces) {
    response->source = std::make_shared<incoming>(*this, std::move(*taken), std::move(*slot), *ctx.on);
    co_return response;
  }
  if (response && on.reusable()) {
    keep(std::move(*taken), ctx.on->turn_time());
    co_return response;
  }
  *stale =
      !response && on.was_stale() && (response.error().code == errc::closed || response.error().code == errc::reset);
  (response ? counters_.closed_ended : counters_.closed_broken)++;
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
  result<permit> slot = co_await wait_for_slot();
  if (!slot) co_return std::unexpected(slot.error());
  const context& ctx = co_await this_context();
  if (ctx.deadline <= ctx.on->turn_time()) {  // what nobody waits for any more is not sent
    co_return std::unexpected(
        error{.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "before the request was sent"});
  }
  bool stale = false;
  result<client_response> response = co_await send_once(request, &*slot, &stale);
  if (!stale || !may_resend(request)) co_return response;
  counters_.resent++;
  // The one that failed was stale, so the others of its age are: the server has restarted, or closes early.
  counters_.closed_broken += idle_.size();
  idle_.clear();
  co_return co_await send_once(request, &*slot, &stale);
}

task<result<void>> ping(client& of, std::string target) {
  const result<client_response> answered = co_await of.send({.target = std::move(target)});
  if (!answered) co_return std::unexpected(answered.error());
  if (answered->status >= 200 && answered->status < 300) co_return result<void>{};
  co_return std::unexpected(error{.code = errc::refused, .what = "it does not say that it is well"});
}

}  // namespace assay::http
