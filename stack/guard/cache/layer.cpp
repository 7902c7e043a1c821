#include "stack/guard/cache/layer.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "stack/guard/cache/key.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::cache {
namespace {

using namespace std::chrono_literals;

std::vector<std::pair<std::string, std::string>> headers_of(const hit& found) {
  auto headers = found.given->headers;
  if (!found.age) return headers;
  std::erase_if(headers, [](const auto& field) { return http::equals_ignoring_case(field.first, "age"); });
  headers.emplace_back("age", std::to_string(*found.age / 1s));
  return headers;
}

// Who was told to stop, or has no time left, does not know how the host is. The others had better ask themselves.
bool was_cut(const context& ctx) { return ctx.cancel->cancelled() || ctx.deadline <= ctx.on->turn_time(); }

// --- around exchanges

answer answer_of(const http::client_response& got) {
  return {.status = got.status, .headers = got.headers, .body = got.body};
}

http::client_response response_of(const hit& found) {
  return {.status = found.given->status, .headers = headers_of(found), .body = found.given->body};
}

// What the caller is given: the outcome, or an old answer that is better than none.
result<http::client_response> best_of(result<http::client_response> outcome, policy& store, const std::string& key,
                                      instant now) {
  const bool failed = outcome ? outcome->status >= 500 : outcome.error().code != errc::cancelled;
  if (!failed) return outcome;
  if (const std::optional<hit> old = store.stale(key, now)) return response_of(*old);
  return outcome;
}

task<result<http::client_response>> lead_call(lead& mine, const exchange& next, http::client_request request) {
  const context& ctx = co_await this_context();
  result<http::client_response> outcome = co_await next(std::move(request));
  if (outcome) {
    mine.answered(answer_of(*outcome), ctx.on->turn_time());
  } else if (!was_cut(ctx)) {
    mine.failed(outcome.error());
  }
  co_return outcome;
}

task<result<http::client_response>> ask(std::shared_ptr<policy> store, exchange next, http::client_request request) {
  const context& ctx = co_await this_context();
  const auto own_host = std::ranges::find_if(
      request.headers, [](const auto& field) { return http::equals_ignoring_case(field.first, "host"); });
  const std::string_view host = own_host == request.headers.end() ? std::string_view() : own_host->second;
  std::optional<std::string> key;
  // What passes in pieces is nowhere as a whole.
  if (request.body.empty() && !request.stream && !request.read_in_pieces && http::valid_request(request)) {
    key = key_of(request.verb, host, request.target, request.headers, store->settings());
  }
  if (!key) {
    store->on_bypass();
    co_return co_await next(std::move(request));
  }
  decision decided = co_await store->enter(*key);
  result<http::client_response> outcome;
  if (auto* mine = std::get_if<lead>(&decided)) {
    outcome = co_await lead_call(*mine, next, std::move(request));
  } else if (const auto* found = std::get_if<hit>(&decided)) {
    outcome = response_of(*found);
  } else if (const auto* why = std::get_if<error>(&decided)) {
    outcome = std::unexpected(*why);
  } else {
    outcome = co_await next(std::move(request));
    if (outcome) store->offer(*key, answer_of(*outcome), ctx.on->turn_time());
  }
  co_return best_of(std::move(outcome), *store, *key, ctx.on->turn_time());
}

// --- around a handler

answer answer_of(const http::response& given) {
  return {.status = given.status, .headers = given.headers, .content_type = given.content_type, .body = given.body};
}

http::response reply_of(const hit& found) {
  http::response reply;
  reply.status = found.given->status;
  reply.headers = headers_of(found);
  reply.content_type = found.given->content_type;
  reply.body = found.given->body;
  return reply;
}

task<http::response> lead_handler(lead& mine, const http::handler& next, http::request& asked) {
  const context& ctx = co_await this_context();
  http::response reply = co_await next(asked);
  const instant now = ctx.on->turn_time();
  if (reply.stream || reply.upgrade) {
    mine.not_for_others(now);
  } else if (reply.status < 499 || !was_cut(ctx)) {
    mine.answered(answer_of(reply), now);
  }
  co_return reply;
}

task<http::response> serve(std::shared_ptr<policy> store, http::handler next, http::request& asked) {
  const context& ctx = co_await this_context();
  const http::request_head& head = asked.head();
  std::optional<std::string> key;
  if (head.body.kind == http::body_kind::none) {
    key = key_of(head.method_text, head.host, head.target, head.headers, store->settings());
  }
  if (!key) {
    store->on_bypass();
    co_return co_await next(asked);
  }
  decision decided = co_await store->enter(*key);
  http::response reply;
  if (auto* mine = std::get_if<lead>(&decided)) {
    reply = co_await lead_handler(*mine, next, asked);
  } else if (const auto* found = std::get_if<hit>(&decided)) {
    reply = reply_of(*found);
  } else if (const auto* why = std::get_if<error>(&decided)) {
    reply = http::response::from(*why);
  } else {
    reply = co_await next(asked);
    if (!reply.stream) store->offer(*key, answer_of(reply), ctx.on->turn_time());
  }
  if (reply.stream || reply.status < 500) co_return reply;
  const std::optional<hit> old = store->stale(*key, ctx.on->turn_time());
  if (old) co_return reply_of(*old);
  co_return reply;
}

}  // namespace

handler_layer layer(std::shared_ptr<policy> store) {
  return [store = std::move(store)](http::handler next) -> http::handler {
    return
        [store, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(store, next, asked); };
  };
}

exchange_layer call_layer(std::shared_ptr<policy> store) {
  return [store = std::move(store)](exchange next) -> exchange {
    return [store, next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return ask(store, next, std::move(request));
    };
  };
}

}  // namespace assay::guard::cache
